import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Model } from '../../src/host/graph/types.js'
import { memoryOf } from '../../src/host/plan/plan.js'
import { readModel } from '../../src/host/platform/node.js'
import { loadDarknet } from '../../tools/quantize/readers/darknet/load.js'
import { int8Model, tinyModel } from '../helpers/models.js'
import { sharedData, skipUnless } from '../helpers/require.js'
import { Session } from '../helpers/session.js'
import { everyLayer } from '../readers/tiny.js'

const frame = { width: 1280, height: 720 }
const embedded = (name: string): Model => {
  const file = new URL(`../../models/quantized/${name}.safetensors`, import.meta.url)
  return readModel(readFileSync(file), name)
}

afterEach(() => {
  vi.restoreAllMocks()
})

/** Loads a model, with what the plan says beforehand. */
async function measure(model: Model, threads: number) {
  const grown = vi.spyOn(WebAssembly.Memory.prototype, 'grow')
  const session = await Session.create(model, { threads, tuneMs: 0 })
  const { plan } = session
  try {
    expect(grown, 'memory is sized once').not.toHaveBeenCalled()
    expect(session.memoryBytes).toBe(memoryOf(plan))
    if (plan.preprocessing === undefined) return plan
    const [, height, width] = session.inputs[0].shape
    const fit = { resizedWidth: width, resizedHeight: height, offsetX: 0, offsetY: 0 }
    session.setImage({ ...frame, data: new Uint8Array(frame.width * frame.height * 4) }, fit)
    expect(session.memoryBytes).toBe(memoryOf(plan, frame))
    session.run()
    expect(session.memoryBytes).toBe(memoryOf(plan, frame))
    return plan
  } finally {
    session.close()
  }
}

describe.each([1, 2])('the memory of a session is what its plan says, %d threads', (threads) => {
  const float = tinyModel(everyLayer, 3)
  it.each<[string, () => Model]>([
    ['every layer, float', () => float],
    ['every layer, int8', () => int8Model(float, 4)],
    ['the embedded detector', () => embedded('detector')],
    ['the embedded autoencoder', () => embedded('autoencoder')],
  ])('%s', async (_, model) => {
    const plan = await measure(model(), threads)
    const others = memoryOf(plan, frame) - plan.packedBytes - plan.arenaBytes
    expect(others).toBeLessThan(4 * 2 ** 20)
  })

  it('YOLO-Fastest, float', async (context) => {
    const weights = sharedData('yolo-fastest/yolo-fastest-1.1.weights')
    skipUnless(context, weights, 'yolo-fastest of the shared data')
    await measure(await loadDarknet(weights), threads)
  })
})

it('is measured with a layer whose weights are larger than the arena', async () => {
  const wide = `[net]
width=8
height=8
channels=3

[convolutional]
filters=300
size=3
stride=8
pad=1
activation=leaky

[convolutional]
filters=600
size=3
stride=1
pad=1
activation=leaky

[convolutional]
filters=6
size=1
stride=1
activation=linear

[yolo]
anchors=10,14
classes=1
`
  const model = tinyModel(wide, 1)
  const plan = await measure(model, 1)
  expect(plan.loadEnd).toBeGreaterThan(plan.end)
})
