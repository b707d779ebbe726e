import { describe, expect, it } from 'vitest'
import { exposeAll } from '../../tools/quantize/calibrate/expose.js'
import { quantizeLinears } from '../../tools/quantize/passes/linear.js'
import { randomInput } from '../helpers/models.js'
import { runReference } from '../helpers/reference.js'
import { runInt8Reference } from '../helpers/reference-int8.js'
import { builds, differing, type Outputs, outputsOf, runModel, Session } from '../helpers/session.js'
import { type TransformerShape, transformer } from '../helpers/transformer.js'

const shapes: Partial<TransformerShape>[] = [
  {},
  { visible: 12, width: 32, heads: 2 },
  { patch: 2, rows: 5, columns: 5, visible: 1, width: 12, heads: 1 },
  { patch: 8, rows: 2, columns: 2, visible: 3, width: 40, heads: 5 },
]

function distance(outputs: Outputs, expected: ReadonlyMap<string, ArrayLike<number>>): number {
  let largest = 0
  for (const [name, values] of outputs) {
    const wanted = expected.get(name)!
    expect(values).toHaveLength(wanted.length)
    values.forEach((value, i) => {
      const difference = Math.abs(value - wanted[i])
      largest = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(largest, difference)
    })
  }
  return largest
}

describe.each(shapes)('a transformer of shape %o', (shape) => {
  const float = transformer(3, shape)

  it('float: the values of the reference, the same bytes in every build, planned or exposed', async () => {
    const input = randomInput(float, 1)
    const all = await runModel(exposeAll(float), input, 'scalar')
    for (const build of builds) expect(differing(await runModel(float, input, build), all)).toBeUndefined()
    expect(distance(all, runReference(float, input))).toBeLessThan(2e-5)
    expect(distance(all, runInt8Reference(float, input))).toBeLessThan(5e-6)
  })

  it('int8: each layer follows from the one before it, to the bit where no curve is involved', async () => {
    const model = quantizeLinears(float)
    const input = randomInput(model, 2)
    const all = await runModel(exposeAll(model), input, 'scalar')
    for (const build of builds) expect(differing(await runModel(model, input, build), all)).toBeUndefined()
    const { nodes, tensors } = model.graph
    const curved = new Set(['activation', 'attention', 'softmax'])
    let checked = 0
    for (const node of nodes) {
      if (curved.has(node.op) || node.inputs.length > 1) continue
      const alone = {
        ...model,
        graph: { ...model.graph, nodes: [node], tensors, inputs: node.inputs, outputs: node.outputs },
      }
      const from = node.inputs[0] === 'input' ? input : (all.get(node.inputs[0]) as Float32Array)
      const [name] = node.outputs
      const made = runInt8Reference(alone, from).get(name)!
      expect(differing(new Map([[name, all.get(name)!]]), new Map([[name, made]])), node.name).toBeUndefined()
      checked++
    }
    expect(checked).toBeGreaterThan(15)
  })
})

describe('a session', () => {
  it('gives the same with any number of threads, whether or not the heads divide among them', async () => {
    const model = quantizeLinears(transformer(5, { visible: 11, width: 64, heads: 8 }))
    const input = randomInput(model, 6)
    const alone = await runModel(model, input, 'simd')
    for (const threads of [2, 3, 4]) {
      expect(differing(await runModel(model, input, 'simd', threads), alone), `${threads}`).toBeUndefined()
    }
  })

  it('works on the patches that it has chosen', async () => {
    const model = transformer(4, { visible: 3 })
    const input = randomInput(model, 5)
    const session = await Session.create(model)
    const runOn = (...indices: number[]): Outputs => {
      session.select(indices)
      session.setInput(input)
      session.run()
      return outputsOf(session)
    }
    const [latent, prediction] = model.graph.outputs
    const first = runOn(7, 2, 11)
    const turned = runOn(2, 11, 7)
    // Attention doesn't know the order of its tokens: the class token sees the same, up to the
    // order of sums.
    const classOf = (outputs: Outputs): number[] => [...outputs.get(latent)!.slice(0, 24)]
    classOf(first).forEach((v, c) => {
      expect(v).toBeCloseTo(classOf(turned)[c], 4)
    })
    first.get(prediction)!.forEach((v, c) => {
      expect(v).toBeCloseTo(turned.get(prediction)![c], 4)
    })
    expect(distance(runOn(0, 1, 2), runReference(model, input))).toBeLessThan(2e-5)
    session.close()
  })

  it.each([
    ['too few', [1, 2]],
    ['twice the same', [1, 2, 1]],
    ['beyond the last', [1, 2, 12]],
    ['negative', [1, 2, -1]],
    ['a fraction', [1, 2, 0.5]],
  ])('refuses a selection: %s', async (_, indices) => {
    const session = await Session.create(transformer(4, { visible: 3 }))
    expect(() => session.select(indices)).toThrow(expect.objectContaining({ code: 'E_OPTION' }))
    session.close()
  })

  it('takes another number of patches with the weights that it has', async () => {
    const input = randomInput(transformer(6), 5)
    for (const build of builds) {
      const session = await Session.create(quantizeLinears(transformer(6, { visible: 2 })), { build })
      for (const visible of [12, 5, 1, 7]) {
        const model = quantizeLinears(transformer(6, { visible }))
        session.replan(model)
        session.select(Array.from({ length: visible }, (_, i) => i))
        session.setInput(input)
        session.run()
        const fresh = await runModel(model, input, 'scalar')
        expect(differing(outputsOf(session), fresh), `${visible}, ${build}`).toBeUndefined()
      }
      session.close()
    }
  })

  it('does not take a network of other weights', async () => {
    const session = await Session.create(transformer(6))
    expect(() => session.replan(transformer(6, { width: 48 }))).toThrow(
      expect.objectContaining({ code: 'E_OPTION' }),
    )
    session.close()
  })

  it('stops after the output that is wanted', async () => {
    const model = transformer(8)
    const input = randomInput(model, 9)
    const [latent] = model.graph.outputs
    const session = await Session.create(model)
    session.setInput(input)
    session.run(latent)
    const values = session.output(latent)
    session.setInput(input)
    session.run()
    expect(differing(new Map([[latent, values]]), outputsOf(session))).toBeUndefined()
    expect(() => session.run('nothing')).toThrow(expect.objectContaining({ code: 'E_OPTION' }))
    session.close()
  })
})
