import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createCanvas, loadImage } from '@napi-rs/canvas'
import * as ort from 'onnxruntime-web'
import { beforeAll, describe, expect, test } from 'vitest'
import { Session } from '../../src/host/engine/session.js'
import type { Model } from '../../src/host/graph/types.js'
import '../../src/host/platform/node.js'
import { exportOnnx } from '../../tools/export/onnx.js'
import { fromRange } from '../../tools/quantize/calibrate/observers.js'
import { rewriteInt8 } from '../../tools/quantize/passes/rewrite.js'
import { shareScales } from '../../tools/quantize/passes/share.js'
import { readDarknet } from '../../tools/quantize/readers/darknet.js'
import { loadDarknet } from '../../tools/quantize/readers/load.js'
import { runQuantizedReference } from '../helpers/quantized.js'
import { runReference } from '../helpers/reference.js'
import { sharedData, skipUnless } from '../helpers/require.js'
import { everyLayer, randomizer, randomWeights } from '../readers/tiny.js'

/** Activations that round once, as our own kernels do, so that ONNX Runtime must agree to a step. */
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

function network(cfg: string, seed: number): { float: Model; input: Float32Array } {
  const float = readDarknet({
    cfg: { text: cfg, file: 'tiny.cfg' },
    weights: { bytes: randomWeights(cfg, seed), file: 'tiny.weights' },
  })
  const [input] = float.graph.tensors
  const length = input.shape.reduce((a, b) => a * b)
  // values that the int8 input holds exactly
  const random = randomizer(seed)
  return { float, input: Float32Array.from({ length }, () => Math.floor(random() * 256) / 255) }
}

/** The int8 form with the very ranges that the tensors take. */
function quantized(float: Model, input: Float32Array): Model {
  const groups = shareScales(float)
  const ranges = new Map<string, [number, number]>()
  for (const [name, values] of runReference(float, input)) {
    const group = groups.get(name)!
    const [low, high] = ranges.get(group) ?? [0, 0]
    ranges.set(group, [
      values.reduce((a, b) => Math.min(a, b), low),
      values.reduce((a, b) => Math.max(a, b), high),
    ])
  }
  ranges.set(groups.get(float.graph.inputs[0])!, [0, 1])
  const scales = new Map([...groups].map(([name, group]) => [name, fromRange(...ranges.get(group)!)]))
  return rewriteInt8(float, scales, { reduceRange: false })
}

/** Runs an exported model; inputs and outputs are pixel by pixel here, planes there. */
async function runOnnx(
  bytes: Uint8Array,
  model: Model,
  input: Float32Array,
  type: 'float32' | 'uint8' = 'float32',
) {
  const session = await ort.InferenceSession.create(bytes)
  const [, h, w, c] = model.graph.tensors.find(({ name }) => name === model.graph.inputs[0])!.shape
  const planes = Float32Array.from(input, (_, i) => input[(i % (h * w)) * c + Math.floor(i / (h * w))])
  const data = type === 'uint8' ? Uint8Array.from(planes, (x) => Math.round(x * 255)) : planes
  const results = await session.run({ [session.inputNames[0]]: new ort.Tensor(type, data, [1, c, h, w]) })
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
  return 10 * Math.log10(power / signal.reduce((sum, x, i) => sum + (x - other[i]) ** 2, 0))
}

beforeAll(() => {
  ort.env.wasm.numThreads = 1
  ort.env.logLevel = 'error'
})

describe('a float model', () => {
  test('every layer', async () => {
    const { float, input } = network(everyLayer, 7)
    const expected = runReference(float, input)
    const found = await runOnnx(exportOnnx(float), float, input)
    expect([...found.keys()].sort()).toEqual([...float.graph.outputs].sort())
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
  test('agrees to the byte where each value is rounded once', async () => {
    const { float, input } = network(roundingOnce, 1)
    const int8 = quantized(float, input)
    const bytes = exportOnnx(int8)
    expect(Buffer.from(bytes).includes('Clip')).toBe(true)
    const expected = runQuantizedReference(int8, input)
    const session = await Session.create(int8)
    session.setInput(Int8Array.from(input, (x) => Math.round(x * 255) - 128))
    session.run()
    const found = await runOnnx(bytes, int8, input)
    const foundFromBytes = await runOnnx(exportOnnx(int8, { input: 'uint8' }), int8, input, 'uint8')
    for (const name of int8.graph.outputs) {
      // the heads are sums times a scale: float32's rounding is all that is left between them
      expect(largestDifference(found.get(name)!, expected.get(name)!)).toBeLessThan(1e-5)
      expect(largestDifference(found.get(name)!, session.output(name) as Float32Array)).toBeLessThan(1e-5)
      expect(foundFromBytes.get(name)).toEqual(found.get(name))
    }
    session.close()
  })

  test('agrees within quantisation noise where LeakyRelu and curves round in between', async () => {
    const { float, input } = network(everyLayer, 7)
    const int8 = quantized(float, input)
    const expected = runQuantizedReference(int8, input)
    const found = await runOnnx(exportOnnx(int8), int8, input)
    for (const [name, values] of found)
      expect(decibels(expected.get(name)!, values), name).toBeGreaterThan(35)
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
