import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { similarNames } from '../../src/host/options.js'
import {
  Autoencoder,
  Classifier,
  Detector,
  Discriminator,
  EventEngine,
  Generator,
  Line,
  loadModel,
  MotionGate,
  OcellusError,
  Scene,
  Session,
  Tracker,
  Zone,
} from '../../src/host/platform/node.js'
import { openModel } from '../../tools/index.js'
import { codeOfAsync } from '../helpers/code-of.js'

const small = { model: 'detector-small', threads: 1, tuneMs: 0 }
const detector = await Detector.create(small)
const autoencoder = await Autoencoder.create({ threads: 1 })
const generator = await Generator.create({ threads: 1 })
const session = await Session.create(await loadModel('detector-small'), { threads: 1 })
afterAll(() => {
  for (const open of [detector, autoencoder, generator, session]) open.close()
})

const cat = fileURLToPath(new URL('../../samples/cat.jpg', import.meta.url))
const pixels = { width: 64, height: 64, data: new Uint8ClampedArray(64 * 64 * 4).fill(128) }

/** Public functions, with an option that is none, passed as a program without types would. */
const calls: Readonly<Record<string, (options: object) => unknown>> = {
  'Detector.create': (options) => Detector.create(options),
  'Detector.setOptions': (options) => detector.setOptions(options),
  'Detector.detect': (options) => detector.detect(pixels, options),
  'Detector.detect with a size': (options) => detector.detectWithSize(pixels, options),
  'Detector.detect in a video': (options) => detector.detectForVideo(pixels, performance.now(), options),
  'Detector.detectPixels': (options) => detector.detectPixels(pixels, options),
  'Autoencoder.create': (options) => Autoencoder.create(options),
  'Autoencoder.reconstruct': (options) => autoencoder.reconstruct(pixels, options),
  'Autoencoder.reconstructPixels': (options) => autoencoder.reconstructPixels(pixels, options),
  'Autoencoder.encode': (options) => autoencoder.encode(pixels, options),
  'Autoencoder.encodePixels': (options) => autoencoder.encodePixels(pixels, options),
  'Classifier.create': (options) => Classifier.create({ model: 'detector-small', ...options }),
  'Discriminator.create': (options) => Discriminator.create(options),
  'Generator.create': (options) => Generator.create(options),
  'Generator.generate': (options) => generator.generate(options),
  'Session.create': async (options) => Session.create(await loadModel('detector-small'), options),
  'Session.run': (options) => session.run({ input: pixels }, options),
  openModel: (options) => openModel(cat, options),
  Tracker: (options) => new Tracker(options),
  EventEngine: (options) => new EventEngine(options),
  Scene: (options) => new Scene(options),
  MotionGate: (options) => new MotionGate(options),
  Zone: (options) => new Zone({ name: 'a', points: [], ...options }),
  Line: (options) => new Line({ name: 'a', from: [0, 0], to: [1, 1], ...options }),
}

const thrown = async (work: () => unknown): Promise<OcellusError> => {
  try {
    await work()
  } catch (error) {
    if (error instanceof OcellusError) return error
    throw error
  }
  throw new Error('nothing was refused')
}

describe('an option that a function does not know', () => {
  it.each(Object.entries(calls))('is refused with its name: %s', async (name, call) => {
    const { code, message } = await thrown(() => call({ colour: 'red' }))
    expect(code).toBe('E_OPTION')
    expect(message).toMatch(new RegExp(`^${name.split(' ')[0]} has no option "colour": it has [a-z]`))
  })

  it('is refused whatever it is called, and where no object is given', async () => {
    for (const bad of [{ __proto__: null, hasOwnProperty: 1 }, { 'a\nb': 1 }, { toString: 1 }])
      expect(await codeOfAsync(() => Detector.create(bad as object))).toBe('E_OPTION')
    for (const none of ['model.safetensors', 3, null, [], true])
      expect(await codeOfAsync(() => Detector.create(none as object))).toBe('E_OPTION')
  })

  it('leaves what was there as it was', async () => {
    const before = await detector.detect(cat)
    await thrown(() => calls['Detector.setOptions']({ scoreThreshold: 0.99, treshold: 1 }))
    expect(await detector.detect(cat)).toEqual(before)
    expect(before.length).toBeGreaterThan(0)
  })

  it.each([
    ['scoreTreshold', /did you mean scoreThreshold\?$/],
    ['score_threshold', /did you mean scoreThreshold\?$/],
    ['threshold', /did you mean scoreThreshold or iouThreshold\?$/],
    ['thread', /did you mean threads/],
    ['MODEL', /did you mean model\?$/],
    ['allowlist', /did you mean categoryAllowlist\?$/],
  ])('that was meant: %s', async (name, message) => {
    expect((await thrown(() => Detector.create({ [name]: 1 }))).message).toMatch(message)
  })
})

it('similar names are few, and none where nothing is like it', () => {
  expect(similarNames('x', ['seed', 'count'])).toEqual([])
  expect(similarNames('zebra', ['seed', 'count'])).toEqual([])
  expect(similarNames('coutn', ['seed', 'count'])).toEqual(['count'])
})

it.each([
  ['Detector.create, fit', () => Detector.create({ fit: 'fill' as 'stretch' })],
  ['Detector.setOptions, fit', () => detector.setOptions({ fit: 'crop' as 'stretch' })],
  ['Detector.detect, order', () => detector.detect(pixels, { order: 'Darknet' as 'darknet' })],
  ['Autoencoder.create, fit', () => Autoencoder.create({ fit: 'letterbox' as 'stretch' })],
  ['Autoencoder.reconstruct, kind', () => autoencoder.reconstruct(pixels, { kind: 'blocks' as 'block' })],
  ['Autoencoder.encode, pool', () => autoencoder.encode(pixels, { pool: 'max' as 'mean' })],
])('a choice that there is not is refused: %s', async (_, work) => {
  const { code, message } = await thrown(work)
  expect(code).toBe('E_OPTION')
  expect(message).toMatch(/^\w+ is "\w+": give \w+ or /)
})
