import { describe, expect, it } from 'vitest'
import { program } from './child.js'

/**
 * Values that callers without types may give for an option, and that break what is done with them
 * unless they are checked.
 */
const palette = `[
  undefined, null, true, NaN, -0, -1, 0.5, 1e308, Infinity, 2 ** 53, 10n, '', '0.5', 'auto', Symbol('s'), [], ['cat'], [Symbol('s')],
  {}, Object.create(null), () => 1, new Date(NaN), new Proxy({}, {}), new Uint8Array(4), { toString() { throw new Error('told') } },
]`

/**
 * Calls functions of the product with options whose getters answer something else each time that
 * they are asked. Tells every error without a code, and whether the detector finds what it found
 * before.
 */
const script = (calls: string): string => `
  import { Autoencoder, decodeImage, Detector, EventEngine, fitImage, Generator, loadModel, MotionGate, Scene, Session, Tracker, Zone, Line } from 'ocellus'
  const palette = ${palette}
  let state = 1
  const below = (n) => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % n
  const any = () => palette[below(palette.length)]
  /** What the names hold, but each time that they are asked one in three is something else. */
  const liar = (truth, more = []) => {
    const object = {}
    for (const name of [...Object.keys(truth), ...more])
      Object.defineProperty(object, name, { configurable: true, enumerable: true, get: () => (name in truth && below(3) > 0 ? truth[name] : any()) })
    return object
  }
  const faults = new Map()
  let [taken, refused] = [0, 0]
  async function attempt(name, work) {
    try {
      await work()
      taken++
    } catch (error) {
      if (error?.name === 'OcellusError' && error.code !== 'E_INTERNAL') refused++
      else faults.set(name + ': ' + String(error?.stack).split('\\n').slice(0, 3).join(' | ').replaceAll(/file:.*dist./g, ''), name)
    }
  }
  const small = { model: 'detector-small', threads: 1, tuneMs: 0 }
  const detector = await Detector.create(small)
  const pixels = await decodeImage('samples/cat.jpg')
  const tiny = { width: 16, height: 16, data: new Uint8Array(1024) }
  const session = await Session.create(await loadModel('detector-small'), { threads: 1, tuneMs: 0 })
  const generator = await Generator.create({ threads: 1, tuneMs: 0 })
  const settings = ['scoreThreshold', 'iouThreshold', 'maxResults', 'categoryAllowlist', 'categoryDenylist', 'multiLabel', 'agnostic', 'order', 'clip']
  const stop = ['signal', 'timeout', 'deadline']
  const before = JSON.stringify(detector.detectPixels(pixels))
  ${calls}
  const after = JSON.stringify(detector.detectPixels(pixels))
  console.log(JSON.stringify({ faults: [...faults.keys()].slice(0, 40), count: faults.size, taken, refused, same: before === after && before.includes('cat') }))
`

interface Told {
  readonly faults: readonly string[]
  readonly taken: number
  readonly refused: number
  readonly same: boolean
}

function tell(calls: string): Told {
  const ended = program(script(calls))
  expect(ended.stderr).toBe('')
  expect(ended.code).toBe(0)
  return JSON.parse(ended.stdout)
}

describe('getters that answer something else each time end in a code or a result', () => {
  it.each([
    [
      'pixels',
      `for (let n = 0; n < 400; n++) await attempt('detectPixels', () => detector.detectPixels(liar(tiny)))
      for (let n = 0; n < 200; n++) await attempt('detect', () => detector.detect(liar(tiny)))`,
    ],
    [
      'a fit',
      `for (let n = 0; n < 400; n++) {
        const fit = fitImage('letterbox', tiny, { width: 96, height: 96 })
        await attempt('setImage', () => { session.setImage(n % 2 ? tiny : liar(tiny), liar(fit)); session.run() })
        await attempt('fitImage', () => fitImage('letterbox', liar(tiny), liar({ width: 96, height: 96 })))
      }`,
    ],
  ])('%s', (_, calls) => {
    const { faults, taken, refused, same } = tell(calls)
    expect(faults).toEqual([])
    expect(same).toBe(true)
    expect(taken).toBeGreaterThan(0)
    expect(refused).toBeGreaterThan(20)
  })
})
