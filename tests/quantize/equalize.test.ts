import { expect, it } from 'vitest'
import { equalize, pairs } from '../../tools/quantize/passes/equalize.js'
import { readDarknet } from '../../tools/quantize/readers/darknet.js'
import { runReference } from '../helpers/reference.js'
import { randomizer, randomWeights } from '../readers/tiny.js'

const layer = (lines: string): string => `\n[convolutional]\n${lines}\n`
const cfg = `[net]
width=12
height=10
channels=3
${layer('filters=6\nsize=1\nactivation=leaky')}
${layer('filters=6\ngroups=6\nsize=3\npad=1\nactivation=leaky')}
${layer('filters=8\nsize=1\nactivation=mish')}
${layer('filters=8\ngroups=8\nsize=3\npad=1\nactivation=relu')}
${layer('filters=6\nsize=1\nactivation=linear')}
[yolo]
anchors=10,14
classes=1
`

it('evens out channels before a depthwise convolution, and leaves the float network as it was', () => {
  const random = randomizer(3)
  const model = readDarknet({
    cfg: { text: cfg, file: 'x.cfg' },
    weights: { bytes: randomWeights(cfg, 5), file: 'x.weights' },
  })
  const input = Float32Array.from({ length: 12 * 10 * 3 }, random)
  const before = runReference(model, input)
  // mish lets no factor through, so the second depthwise convolution has no partner
  expect(pairs(model).map(([a, b]) => [a.name, b.name])).toEqual([['0_convolutional', '1_convolutional']])

  const range = (values: Float32Array): Float64Array => {
    const found = new Float64Array(6)
    values.forEach((v, i) => {
      found[i % 6] = Math.max(found[i % 6], Math.abs(v))
    })
    return found
  }
  const ranges = range(before.get('0_convolutional')!)
  const even = equalize(model, new Map([['0_convolutional', ranges]]))
  const after = runReference(even, input)
  const largest = Math.max(...ranges)
  for (const r of range(after.get('0_convolutional')!)) expect(r / largest).toBeCloseTo(1, 5)
  const [head] = model.graph.outputs
  const [want, got] = [before.get(head)!, after.get(head)!]
  for (const [i, w] of want.entries()) expect(Math.abs(got[i] - w)).toBeLessThan(1e-5)
})
