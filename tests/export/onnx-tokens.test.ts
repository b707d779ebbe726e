import * as ort from 'onnxruntime-web'
import { expect, test } from 'vitest'
import type { Model } from '../../src/host/graph/types.js'
import { exportOnnx } from '../../tools/export/onnx.js'
import { quantizeLinears } from '../../tools/quantize/passes/linear.js'
import { randomInput } from '../helpers/models.js'
import { runModel } from '../helpers/session.js'
import { transformer } from '../helpers/transformer.js'

/** What ONNX Runtime makes of an exported network, by output. */
async function runOnnx(model: Model, input: Float32Array): Promise<Map<string, Float32Array>> {
  const session = await ort.InferenceSession.create(exportOnnx(model), { executionProviders: ['wasm'] })
  const [, height, width] = model.graph.tensors[0].shape
  const pixels = height * width
  const planar = Float32Array.from(input, (_, n) => input[(n % pixels) * 3 + Math.floor(n / pixels)])
  const results = await session.run({ input: new ort.Tensor('float32', planar, [1, 3, height, width]) })
  await session.release()
  return new Map(Object.entries(results).map(([name, { data }]) => [name, data as Float32Array]))
}

const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a, (v, n) => Math.abs(v - b[n])).reduce((x, y) => Math.max(x, y), 0)

test.each([{}, { visible: 12 }, { patch: 2, rows: 5, columns: 5, visible: 1 }])(
  'ONNX Runtime computes what we do, shape %o',
  async (shape) => {
    const model = transformer(11, shape)
    const input = randomInput(model, 12)
    const ours = await runModel(model, input, 'simd')
    const theirs = await runOnnx(model, input)
    for (const [name, values] of ours) {
      expect(theirs.get(name)).toHaveLength(values.length)
      expect(distance(values, theirs.get(name)!)).toBeLessThan(2e-5)
    }
  },
)

test('int8 weights, with one scale for all tokens instead of one each, are near', async () => {
  const float = transformer(13)
  const model = quantizeLinears(float)
  const input = randomInput(model, 14)
  const [exact, ours, theirs] = [
    await runModel(float, input, 'simd'),
    await runModel(model, input, 'simd'),
    await runOnnx(model, input),
  ]
  const [latent] = model.graph.outputs
  const error = (values: ArrayLike<number>): number => distance(values, exact.get(latent)!)
  expect(error(theirs.get(latent)!)).toBeGreaterThan(0)
  expect(error(theirs.get(latent)!)).toBeLessThan(0.2)
  expect(error(ours.get(latent)!)).toBeLessThan(error(theirs.get(latent)!))
})
