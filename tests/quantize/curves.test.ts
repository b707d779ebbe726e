import { describe, expect, it } from 'vitest'
import type { Model } from '../../src/host/graph/types.js'
import { curves, parametricCurves } from '../helpers/curves.js'
import { Random } from '../helpers/kernel.js'
import { quantizedBy } from '../helpers/models.js'
import { Builder } from '../helpers/random-model.js'
import { builds, differing, runModel } from '../helpers/session.js'

/** A curve of the input, and what follows it, so that the curve becomes a table. */
function network(kind: string): Model {
  const b = new Builder(new Random(1), 16, 16)
  const curved = b.activation(b.tensors[0], kind)
  return b.model([b.conv(curved, 3, 1, 1, 1).name, curved.name])
}

/** -6 to 6: where every curve bends. */
const input = Float32Array.from({ length: 768 }, (_, n) => (n / 767) * 12 - 6)

const tested = { ...curves, hardMish: (x: number) => parametricCurves.hardMish(x, 0, 0) }

describe.each(Object.keys(tested) as (keyof typeof tested)[])('%s', (kind) => {
  const float = network(kind)
  const [, curved] = float.graph.outputs

  it('is what its formula says in float32', async () => {
    const values = (await runModel(float, input, 'simd')).get(curved)!
    values.forEach((y, n) => {
      expect(Math.abs(y - tested[kind](input[n]))).toBeLessThan(1e-6 * Math.max(1, Math.abs(input[n])))
    })
  })

  it('is a table in int8: each value rounded once, the same on every build', async () => {
    const taken = new Map([['input', input], ...(await runModel(float, input, 'simd'))])
    const model = quantizedBy(float, taken)
    const [node] = model.graph.nodes
    const [from, to] = [node.inputs[0], node.outputs[0]].map(
      (name) => model.graph.tensors.find((t) => t.name === name)!.quantization!,
    )
    const table = model.constants.get(node.constants.table)!.data
    const all = Int8Array.from({ length: 768 }, (_, n) => (n % 256) - 128)
    const outputs = await runModel(model, all, 'scalar')
    const values = outputs.get(curved)!
    all.forEach((q, n) => {
      const y = tested[kind]((q - from.zeroPoint) * from.scale)
      const exact = Math.max(-128, Math.min(127, y / to.scale + to.zeroPoint))
      // Half a step, and what a value that lies between two may be off by.
      expect(Math.abs(table[q + 128] - exact)).toBeLessThanOrEqual(0.5 + 1e-6)
      expect(values[n]).toBe(Math.fround((table[q + 128] - to.zeroPoint) * to.scale))
    })
    for (const build of builds) expect(differing(await runModel(model, all, build), outputs)).toBeUndefined()
  })
})
