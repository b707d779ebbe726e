import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import type { Model } from '../../src/host/graph/types.js'
import type { Pixels } from '../../src/host/image/pixels.js'
import { embeddedAutoencoder } from '../../src/host/platform/node/models.js'
import { loadModel } from '../../src/host/platform/node.js'
import { exposeAll } from '../../tools/quantize/calibrate/expose.js'
import { loadDarknet } from '../../tools/quantize/readers/darknet/load.js'
import { Random } from '../helpers/kernel.js'
import { int8Model, quantizedBy, randomInput, randomInt8Input, tinyModel } from '../helpers/models.js'
import { decodePng } from '../helpers/png.js'
import { sharedData, skipUnless } from '../helpers/require.js'
import {
  type builds,
  bytesOf,
  type Outputs,
  outputsOf,
  runModel,
  threaded,
  variants,
} from '../helpers/session.js'
import { everyLayer } from '../readers/tiny.js'
import golden from './golden.json' with { type: 'json' }

/** FNV-1a of the bytes of all outputs, in their order. */
function checksum(outputs: Outputs): string {
  let hash = 0x811c9dc5
  for (const values of outputs.values()) {
    for (const byte of bytesOf(values)) hash = Math.imul(hash ^ byte, 0x01000193)
  }
  return (hash >>> 0).toString(16).padStart(8, '0')
}

/** What a picture that fills the network's input gives. */
async function look(
  model: Model,
  pixels: Pixels,
  build: (typeof builds)[number],
  threads = 1,
): Promise<Outputs> {
  const session = await threaded(model, build, threads)
  const [, resizedHeight, resizedWidth] = session.inputs[0].shape
  session.setImage(pixels, { resizedWidth, resizedHeight, offsetX: 0, offsetY: 0 })
  session.run()
  const outputs = outputsOf(session)
  session.close()
  return outputs
}

describe('checksums of a network with every darknet layer', () => {
  const float = tinyModel(everyLayer, 20)
  const int8 = int8Model(float, 21)

  it.each(variants)('float, $build, $threads threads', async ({ build, threads }) => {
    const outputs = await runModel(float, randomInput(float, 22), build, threads)
    expect(checksum(outputs)).toBe(golden['every layer, float'])
  })

  it.each(variants)('int8, $build, $threads threads', async ({ build, threads }) => {
    const outputs = await runModel(int8, randomInt8Input(int8, 23), build, threads)
    expect(checksum(outputs)).toBe(golden['every layer, int8'])
  })

  it.each(variants)('7 bits, $build, $threads threads', async ({ build, threads }) => {
    const narrow = int8Model(float, 21, true)
    const outputs = await runModel(narrow, randomInt8Input(narrow, 23), build, threads)
    expect(checksum(outputs)).toBe(golden['every layer, 7 bits'])
  })

  it.each(variants)('a picture of another size, $build, $threads threads', async ({ build, threads }) => {
    const random = new Random(24)
    const data = Uint8Array.from({ length: 50 * 31 * 4 }, () => random.bits() >> 24)
    expect(checksum(await look(int8, { width: 50, height: 31, data }, build, threads))).toBe(
      golden['every layer, picture'],
    )
  })
})

/** Weights, and a picture of the network's own size whose pixels are lossless. */
const models = {
  'yolov4-tiny-voc': [
    'yolov4-tiny-voc/yolov4-tiny-voc-leaky01-refit.weights',
    'yolov4-tiny-voc/raw_dog/dog_letterbox_416.png',
  ],
  'yolo-fastest-1.1': [
    'yolo-fastest/yolo-fastest-1.1.weights',
    'reference/raw_dog_yolo-fastest-1.1/dog_320x320.png',
  ],
  'yolo-fastest-1.1-xl': [
    'yolo-fastest/yolo-fastest-1.1-xl.weights',
    'reference/raw_dog_yolo-fastest-1.1-xl/dog_320x320.png',
  ],
} as const

describe('checksums of int8 networks, calibrated on the one picture that they see', () => {
  it.for(Object.keys(models) as (keyof typeof models)[])('%s', async (name, context) => {
    const [weights, picture] = models[name].map(sharedData)
    skipUnless(context, weights, models[name][0])
    skipUnless(context, picture, models[name][1])
    const float = await loadDarknet(weights)
    const pixels = decodePng(await readFile(picture))
    const int8 = quantizedBy(float, await look(exposeAll(float), pixels, 'simd'))
    const sums: Record<string, string> = {}
    for (const { build, threads } of variants) {
      sums[`${build} ${threads}`] = checksum(await look(int8, pixels, build, threads))
    }
    expect(sums).toEqual(Object.fromEntries(Object.keys(sums).map((variant) => [variant, golden[name]])))
  })
})

describe('checksums of the embedded autoencoder on a picture of noise', () => {
  it.each(variants)('$build, $threads threads', async ({ build, threads }) => {
    const model = await loadModel(embeddedAutoencoder)
    const random = new Random(25)
    const data = Uint8Array.from({ length: 64 * 64 * 4 }, () => random.bits() >> 24)
    const outputs = await look(model, { width: 64, height: 64, data }, build, threads)
    expect(checksum(outputs)).toBe(golden.autoencoder)
  })
})
