import { readFileSync } from 'node:fs'
import * as ort from 'onnxruntime-web'
import { beforeAll, describe, expect, it } from 'vitest'
import { readModel } from '../../src/host/graph/file.js'
import type { Model } from '../../src/host/graph/types.js'
import { exportOnnx } from '../../tools/export/onnx.js'
import { loadNetwork } from '../../tools/quantize/readers/networks.js'
import { runModel } from '../helpers/session.js'

const fixture = (name: string): string => new URL(`../fixtures/gan/${name}`, import.meta.url).pathname
const forms = ['native', 'phases'] as const

beforeAll(() => {
  ort.env.wasm.numThreads = 1
  ort.env.logLevel = 'error'
})

/** What ONNX Runtime makes of a latent, channels last. */
async function runOnnx(file: Uint8Array, latent: Float32Array, model: Model): Promise<Float32Array> {
  const session = await ort.InferenceSession.create(file)
  const [input, output] = [session.inputNames[0], session.outputNames[0]]
  const planes = (
    await session.run({ [input]: new ort.Tensor('float32', latent, [1, latent.length, 1, 1]) })
  )[output].data as Float32Array
  await session.release()
  const channels = model.graph.tensors.find(({ name }) => name === model.graph.outputs[0])!.shape[3]
  const pixels = planes.length / channels
  return planes.map((_, i) => planes[(i % channels) * pixels + Math.floor(i / channels)])
}

const latentOf = (model: Model): Float32Array =>
  Float32Array.from({ length: model.graph.tensors[0].shape[3] }, (_, i) => ((i * 29) % 17) / 8 - 1)

function worst(a: Float32Array, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length)
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0)
}

describe('transposed convolutions in ONNX', () => {
  it.each([
    ['examples-generator.pth', {}],
    ['pytorch-gan-generator.pth', { epsilon: [0.8] }],
  ] as const)('%s gives the same in either form', async (name, options) => {
    const model = await loadNetwork(fixture(name), options)
    const latent = latentOf(model)
    const [ours] = (await runModel(model, latent, 'simd')).values()
    const files = forms.map((transposed) => exportOnnx(model, { transposed }))
    const has = (file: Uint8Array, op: string): boolean => Buffer.from(file).includes(op)
    expect(files.map((file) => [has(file, 'ConvTranspose'), has(file, 'DepthToSpace')])).toEqual([
      [true, false],
      [false, true],
    ])
    for (const file of files) expect(worst(await runOnnx(file, latent, model), ours)).toBeLessThan(1e-5)
  })

  it('the embedded int8 generator gives the same in either form, but for rounding', async () => {
    const path = new URL('../../models/quantized/generator.safetensors', import.meta.url)
    const model = readModel(readFileSync(path), 'generator')
    const latent = latentOf(model)
    const { scale, zeroPoint } = model.graph.tensors[0].quantization!
    const quantized = Int8Array.from(latent, (v) => Math.round(v / scale) + zeroPoint)
    const [ours] = (await runModel(model, quantized, 'simd')).values()
    for (const transposed of forms) {
      const found = await runOnnx(exportOnnx(model, { transposed }), latent, model)
      // A value that lies between two steps may be rounded to either, and what follows adds up such
      // steps.
      expect(worst(found, ours), transposed).toBeLessThan(0.1)
      const error = found.reduce((sum, value, i) => sum + (value - ours[i]) ** 2, 0) / found.length
      expect(Math.sqrt(error), transposed).toBeLessThan(0.005)
    }
    // Scales of one run are others than those of calibration: as near as int8 is to float.
    for (const transposed of forms) {
      const file = exportOnnx(model, { transposed, activations: 'dynamic', input: 'uint8' })
      expect(Buffer.from(file).includes('ConvInteger'), transposed).toBe(transposed === 'phases')
      const found = await runOnnx(file, latent, model)
      const error = found.reduce((sum, value, i) => sum + (value - ours[i]) ** 2, 0) / found.length
      expect(Math.sqrt(error), transposed).toBeLessThan(0.02)
    }
  })
})
