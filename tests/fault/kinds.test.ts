import { describe, expect, it } from 'vitest'
import { program } from './child.js'

/**
 * Values that callers without types may give for an option, and that break what is done with them
 * unless they are checked.
 */
const palette = `[
  null, true, NaN, -0, -1, 0.5, 1e308, Infinity, 2 ** 53, 10n, '', '0.5', 'auto', Symbol('s'), [], ['cat'], [Symbol('s')], [null],
  {}, Object.create(null), () => 1, new Date(NaN), new Proxy({}, {}), new Uint8Array(4), { toString() { throw new Error('told') } },
]`

const script = (calls: string): string => `
  import { Autoencoder, decodeImage, Detector, Discriminator, EventEngine, fitImage, Generator, Line, loadModel, MotionGate, Scene, Session, Tracker, Zone } from 'ocellus'
  const palette = ${palette}
  const faults = new Set()
  let [taken, refused] = [0, 0]
  /** Each option by itself with each value of the palette, beside those that are given. */
  async function attempt(name, options, call, given = {}) {
    for (const option of options.split(' ')) for (const value of palette) {
      try {
        await call({ ...given, [option]: value })
        taken++
      } catch (error) {
        if (error?.name === 'OcellusError' && error.code !== 'E_INTERNAL') refused++
        else faults.add(name + ' ' + option + ': ' + String(error?.stack).split('\\n').slice(0, 3).join(' | ').replaceAll(/file:.*dist./g, ''))
      }
    }
  }
  const small = { model: 'detector-small', threads: 1, tuneMs: 0 }
  const pixels = { width: 16, height: 16, data: new Uint8Array(1024) }
  const settings = 'scoreThreshold iouThreshold maxResults categoryAllowlist categoryDenylist multiLabel agnostic order clip'
  const stop = 'signal timeout deadline'
  const session = 'build threads threadTimeoutMs frozenModel maxPixels maxWork kernel tuneMs maxMemory'
  ${calls}
  console.log(JSON.stringify({ faults: [...faults].slice(0, 40), taken, refused }))`

describe('an option of the wrong kind is refused with a code', () => {
  it.each([
    [
      'a detector',
      `const detector = await Detector.create(small)
      await attempt('detect', settings + ' ' + stop, (options) => detector.detect(pixels, options))
      await attempt('detectPixels', settings + ' ' + stop, (options) => detector.detectPixels(pixels, options))
      await attempt('setOptions', settings + ' fit', (options) => detector.setOptions(options))
      await attempt('create', session + ' model fit', async (options) => (await Detector.create(options)).close(), small)
      await attempt('decodeImage', 'maxPixels', (options) => decodeImage(pixels, options))
      await attempt('loadModel', 'model', ({ model }) => loadModel(model))`,
    ],
    [
      'a session',
      `const open = await Session.create(await loadModel('detector-small'), { threads: 1, tuneMs: 0 })
      const [{ name, shape }] = open.inputMetadata
      const tensor = { dtype: 'float32', shape, data: new Float32Array(shape.reduce((a, b) => a * b)) }
      await attempt('run', 'outputs raw ' + stop, (options) => open.run({ [name]: tensor }, options))
      await attempt('tensor', 'dtype shape data', (value) => open.run({ [name]: value }), tensor)
      await attempt('input', name, (inputs) => open.run(inputs))
      await attempt('output', 'name', ({ name }) => open.output(name))
      await attempt('setInput', 'values', ({ values }) => open.setInput(values))
      await attempt('setInput', 'name', (value) => open.setInput(tensor.data, value.name))
      await attempt('setImage', 'width height data', (value) => open.setImage(value), pixels)
      const fit = fitImage('letterbox', pixels, { width: 96, height: 96 })
      await attempt('fit', Object.keys(fit).join(' '), (value) => open.setImage(pixels, value), fit)
      await attempt('fitImage', 'width height', (value) => fitImage('letterbox', value, pixels), pixels)`,
    ],
    [
      'a generator and a discriminator',
      `const generator = await Generator.create({ threads: 1, tuneMs: 0 })
      await attempt('generate', 'seed latents truncation ' + stop, (options) => generator.generate(options))
      await attempt('generate', 'count', (options) => typeof options.count !== 'number' || options.count < 5 ? generator.generate(options) : 0)
      const discriminator = await Discriminator.create({ threads: 1, tuneMs: 0 })
      await attempt('score', stop, (options) => discriminator.score(pixels, options))`,
    ],
    [
      'an autoencoder',
      `const autoencoder = await Autoencoder.create({ threads: 1, tuneMs: 0 })
      await attempt('reconstruct', 'ratio kind seed mask visible ' + stop, (options) => autoencoder.reconstruct(pixels, options))
      await attempt('encode', 'pool ' + stop, (options) => autoencoder.encode(pixels, options))`,
    ],
    [
      'what follows objects',
      `await attempt('Tracker', 'threshold labelThresholds highThreshold lowThreshold highIou lowIou newIou minHits lostMs stationaryLostMs stationaryMs', (options) => new Tracker(options))
      await attempt('EventEngine', 'camera prefix zones lines updateMs', (options) => new EventEngine(options))
      await attempt('Scene', 'zones lines threshold', (options) => new Scene(options))
      await attempt('MotionGate', 'columns change area holdMs everyMs settleMs', (options) => new MotionGate(options))
      await attempt('Zone', 'name points labels inertia loiterMs', (options) => new Zone(options), { name: 'a', points: [[0, 0], [1, 0], [1, 1]] })
      await attempt('Line', 'name from to labels deadBand once', (options) => new Line(options), { name: 'a', from: [0, 0], to: [1, 1] })`,
    ],
  ])('%s', (_, calls) => {
    const ended = program(script(calls))
    expect(ended.stderr).toBe('')
    const { faults, taken, refused } = JSON.parse(ended.stdout)
    expect(faults).toEqual([])
    expect(taken).toBeGreaterThan(0)
    expect(refused).toBeGreaterThan(20)
  })
})
