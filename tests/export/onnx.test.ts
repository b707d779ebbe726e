import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createCanvas, loadImage } from '@napi-rs/canvas'
import * as ort from 'onnxruntime-web'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Model } from '../../src/host/graph/types.js'
import { activationKinds } from '../../src/host/program/kinds.js'
import { exportOnnx } from '../../tools/export/onnx.js'
import { loadDarknet } from '../../tools/quantize/readers/darknet/load.js'
import { Random } from '../helpers/kernel.js'
import { int8Model, randomInput, randomInt8Input, tinyModel } from '../helpers/models.js'
import { Builder, randomModel } from '../helpers/random-model.js'
import { runReference } from '../helpers/reference.js'
import { runInt8Reference } from '../helpers/reference-int8.js'
import { sharedData, skipUnless } from '../helpers/require.js'
import { runModel } from '../helpers/session.js'
import { everyLayer } from '../readers/tiny.js'

/**
 * Activations that round once, as our own kernels do, so that ONNX Runtime must agree to a step.
 */
const roundingOnce = `[net]
width=13
height=10
channels=3

[convolutional]
batch_normalize=1
filters=8
size=3
stride=2
pad=1
activation=relu6

[convolutional]
filters=8
groups=8
size=3
pad=1
activation=relu

[convolutional]
filters=8
groups=2
size=1
activation=linear

[shortcut]
from=-2
activation=linear

[route]
layers=-1
groups=2
group_id=1

# a relu and a relu6 that share their scale with negative values: their clipping must be spelt out
[route]
layers=-1,0,1

[maxpool]
size=2
stride=2

[upsample]
stride=2

[local_avgpool]
size=3
stride=1

[convolutional]
filters=14
size=1
activation=linear

[yolo]
mask=0,1
num=2
anchors=10,14, 23,27
classes=2
`

/** Runs an exported model; inputs and outputs are pixel by pixel here, planes there. */
async function runOnnx(file: Uint8Array, model: Model, input: Float32Array | Uint8Array) {
  const session = await ort.InferenceSession.create(file)
  const [, h, w, c] = model.graph.tensors.find(({ name }) => name === model.graph.inputs[0])!.shape
  const planes = input.map((_, i) => input[(i % (h * w)) * c + Math.floor(i / (h * w))])
  const results = await session.run({ [session.inputNames[0]]: new ort.Tensor(planes, [1, c, h, w]) })
  await session.release()
  return new Map(
    Object.entries(results).map(([name, { data, dims }]) => [
      name,
      interleaved(data as Float32Array, dims[1]),
    ]),
  )
}

function interleaved(planes: Float32Array, channels: number): Float32Array {
  const area = planes.length / channels
  return planes.map((_, i) => planes[(i % channels) * area + Math.floor(i / channels)])
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length)
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0)
}

function decibels(signal: Float32Array, other: Float32Array): number {
  const power = signal.reduce((sum, x) => sum + x * x, 0)
  const noise = signal.reduce((sum, x, i) => sum + (x - other[i]) ** 2, 0)
  return noise === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(power / noise)
}

/** Each curve behind a convolution, all of them outputs. */
function everyCurve(): Model {
  const b = new Builder(new Random(4), 9, 7)
  const x = b.conv(b.tensors[0], 5, 1, 3, 1)
  return b.model(Object.keys(activationKinds).map((kind) => b.activation(x, kind).name))
}

const models = [
  ['every curve', everyCurve()],
  ['every layer of darknet', tinyModel(everyLayer, 7)],
  ...Array.from({ length: 8 }, (_, seed) => [`random graph ${seed}`, randomModel(seed)] as const),
] as [string, Model][]

beforeAll(() => {
  ort.env.wasm.numThreads = 1
  ort.env.logLevel = 'error'
})

describe('a float model', () => {
  test.each(models)('%s', async (_, model) => {
    const input = randomInput(model, 5)
    const expected = runReference(model, input)
    const found = await runOnnx(exportOnnx(model), model, input)
    expect([...found.keys()].sort()).toEqual([...model.graph.outputs].sort())
    for (const [name, values] of found) {
      expect(largestDifference(values, expected.get(name)!), name).toBeLessThan(1e-5)
    }
  })

  test('yolov4-tiny for dog.jpg gives the heads of PyTorch', async (context) => {
    const weights = sharedData('yolov4-tiny-voc/yolov4-tiny-voc-leaky01-refit.weights')
    const raw = sharedData('yolov4-tiny-voc/raw_dog')
    skipUnless(context, weights && raw, 'yolov4-tiny-voc of the shared data')
    const model = await loadDarknet(weights)
    const found = await runOnnx(exportOnnx(model), model, await pixels(join(raw, 'dog_letterbox_416.png')))
    const expected = ['dog_refit_P5_1x75x13x13_f32.bin', 'dog_refit_P4_1x75x26x26_f32.bin']
    model.graph.outputs.forEach((output, head) => {
      const bytes = readFileSync(join(raw, expected[head]))
      const planes = new Float32Array(new Uint8Array(bytes).buffer)
      expect(largestDifference(found.get(output)!, interleaved(planes, 75))).toBeLessThan(1e-3)
    })
  })
})

describe('an int8 model', () => {
  const int8 = int8Model(tinyModel(roundingOnce, 1), 1)
  const bytes = randomInt8Input(int8, 5)
  const unsigned = Uint8Array.from(bytes, (q) => q + 128)

  test('agrees to the byte where each value is rounded once', async () => {
    const file = exportOnnx(int8, { input: 'uint8' })
    expect(Buffer.from(file).includes('Clip')).toBe(true)
    const expected = runInt8Reference(int8, bytes)
    const ours = await runModel(int8, bytes, 'simd')
    const found = await runOnnx(file, int8, unsigned)
    for (const name of int8.graph.outputs) {
      // the heads are sums times a scale: float32's rounding is all that is left between them
      expect(largestDifference(found.get(name)!, expected.get(name) as Float32Array)).toBeLessThan(1e-5)
      expect(largestDifference(found.get(name)!, ours.get(name) as Float32Array)).toBeLessThan(1e-5)
    }
  })

  test('takes the real values of its input too', async () => {
    const { scale, zeroPoint } = int8.graph.tensors[0].quantization!
    const real = Float32Array.from(bytes, (q) => (q - zeroPoint) * scale)
    const expected = await runOnnx(exportOnnx(int8, { input: 'uint8' }), int8, unsigned)
    expect(await runOnnx(exportOnnx(int8), int8, real)).toEqual(expected)
  })

  test.each(models)('%s: within the noise of quantisation', async (_, float) => {
    const model = int8Model(float, 1)
    const input = randomInt8Input(model, 5)
    const expected = runInt8Reference(model, input)
    const file = exportOnnx(model, { input: 'uint8' })
    const found = await runOnnx(
      file,
      model,
      Uint8Array.from(input, (q) => q + 128),
    )
    for (const [name, values] of found) {
      expect(decibels(expected.get(name) as Float32Array, values), name).toBeGreaterThan(30)
    }
  })

  // Nothing is clipped by scales of one's own, so the float network is what it is near.
  test.each(models)('%s: with dynamic scales near to float', async (_, float) => {
    const model = int8Model(float, 1)
    const { scale, zeroPoint } = model.graph.tensors[0].quantization!
    const input = Float32Array.from(randomInt8Input(model, 5), (q) => (q - zeroPoint) * scale)
    const expected = runReference(float, input)
    const file = exportOnnx(model, { activations: 'dynamic' })
    expect(Buffer.from(file).includes('ConvInteger')).toBe(true)
    for (const [name, values] of await runOnnx(file, model, input)) {
      expect(decibels(expected.get(name)!, values), name).toBeGreaterThan(30)
    }
  })
})

/** A picture as a network of this preprocessing sees it: RGB / 255. */
async function pixels(path: string): Promise<Float32Array> {
  const image = await loadImage(path)
  const context = createCanvas(image.width, image.height).getContext('2d')
  context.drawImage(image, 0, 0)
  const { data } = context.getImageData(0, 0, image.width, image.height)
  return Float32Array.from({ length: (data.length / 4) * 3 }, (_, i) => data[i + Math.floor(i / 3)] / 255)
}
