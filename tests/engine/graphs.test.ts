import { describe, expect, it } from 'vitest'
import { operators } from '../../src/host/graph/ops/index.js'
import type { Model } from '../../src/host/graph/types.js'
import { exposeAll } from '../../tools/quantize/calibrate/expose.js'
import { int8Model, quantizedBy, randomInput, randomInt8Input, tinyModel } from '../helpers/models.js'
import { randomModel } from '../helpers/random-model.js'
import { runReference } from '../helpers/reference.js'
import { runInt8Reference } from '../helpers/reference-int8.js'
import { builds, differing, type Outputs, runModel } from '../helpers/session.js'
import { transformer } from '../helpers/transformer.js'
import { everyLayer } from '../readers/tiny.js'

/** The largest difference, relative to values above 1. */
function distance(outputs: Outputs, expected: ReadonlyMap<string, ArrayLike<number>>): number {
  let largest = 0
  for (const [name, values] of outputs) {
    const wanted = expected.get(name)!
    expect(values).toHaveLength(wanted.length)
    values.forEach((value, i) => {
      const difference = Math.abs(value - wanted[i]) / Math.max(1, Math.abs(wanted[i]))
      largest = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(largest, difference)
    })
  }
  return largest
}

/** Planned with shared memory and with none shared: the same bytes, on every build. */
async function runEveryWay(model: Model, input: Float32Array | Int8Array) {
  const all = await runModel(exposeAll(model), input, 'scalar')
  for (const build of builds) {
    expect(differing(await runModel(model, input, build), all), `${build}, planned`).toBeUndefined()
    expect(
      differing(await runModel(exposeAll(model), input, build), all),
      `${build}, exposed`,
    ).toBeUndefined()
  }
  return all
}

const seeds = Array.from({ length: 40 }, (_, seed) => seed)

describe('a network with every darknet layer', () => {
  const float = tinyModel(everyLayer, 7)

  it('gives in float what the reference gives', async () => {
    const input = randomInput(float, 1)
    const all = await runEveryWay(float, input)
    expect(distance(all, runReference(float, input))).toBeLessThan(1e-4)
  })

  it.each([false, true])('gives in int8 the bytes of the reference (reduced range %s)', async (reduce) => {
    const model = int8Model(float, 2, reduce)
    const input = randomInt8Input(model, 3)
    const all = await runEveryWay(model, input)
    const reference = runInt8Reference(model, input)
    const exact = [...all].filter(([name]) => !floatCurves(model).has(name))
    expect(exact.length).toBeGreaterThan(20)
    expect(differing(new Map(exact), reference)).toBeUndefined()
    expect(distance(all, reference)).toBeLessThan(1e-6)
  })
})

/**
 * Outputs of float32 activations, whose curves docs/engine.md gives to a few units in the last
 * place only.
 */
function floatCurves({ graph }: Model): Set<string> {
  const curves = new Set<string>()
  for (const { op, inputs, outputs } of graph.nodes) {
    const [input] = inputs.map((name) => graph.tensors.find((tensor) => tensor.name === name))
    if (op === 'activation' && input?.dtype === 'float32') curves.add(outputs[0])
  }
  return curves
}

/**
 * The same int8 network with float32 islands: each maximum is taken between dequantize and
 * quantize.
 */
function withIslands(model: Model): Model {
  const { graph } = model
  const tensors = new Map(graph.tensors.map((tensor) => [tensor.name, tensor]))
  const nodes = graph.nodes.flatMap((node) => {
    if (node.op !== 'maxPool') return [node]
    const [real, most] = [`${node.name}.real`, `${node.name}.most`]
    for (const [name, like] of [
      [real, node.inputs[0]],
      [most, node.outputs[0]],
    ]) {
      tensors.set(name, { name, shape: tensors.get(like)!.shape, dtype: 'float32' })
    }
    const plain = { constants: {}, attributes: {} }
    return [
      { ...plain, name: `${node.name}.in`, op: 'dequantize', inputs: node.inputs, outputs: [real] },
      { ...node, inputs: [real], outputs: [most] },
      { ...plain, name: `${node.name}.out`, op: 'quantize', inputs: [most], outputs: node.outputs },
    ]
  })
  return { ...model, graph: { ...graph, nodes, tensors: [...tensors.values()] } }
}

describe('random networks', () => {
  it('use every operator', () => {
    const used = seeds.flatMap(
      (seed) => withIslands(int8Model(randomModel(seed, 14, true), seed)).graph.nodes,
    )
    // Those on tokens are run by tokens.test.ts, those that networks have in float32 alone by
    // tests/onnx.
    const tokens = transformer(1).graph.nodes.map(({ op }) => op)
    const others = ['arithmetic', 'constant', 'gather', 'groupNorm', 'matmul', 'reduce', 'resize']
    const expected = [...operators.keys()].filter(
      (op) => op === 'add' || op === 'activation' || !(tokens.includes(op) || others.includes(op)),
    )
    expect(new Set(used.map(({ op }) => op))).toEqual(new Set(expected))
  })

  it.each(seeds)('int8 with values far beyond 6, where ReLU6 clamps, seed %i', async (seed) => {
    const float = randomModel(seed, 14, true)
    const values = [...runReference(float, randomInput(float, seed))]
    const model = quantizedBy(float, new Map(values.map(([name, v]) => [name, v.map((x) => x * 40)])))
    const input = randomInt8Input(model, seed)
    const all = [...(await runEveryWay(model, input))].filter(([name]) => !floatCurves(model).has(name))
    expect(differing(new Map(all), runInt8Reference(model, input))).toBeUndefined()
  })

  it('give the same outputs with float32 islands', async () => {
    for (const seed of seeds) {
      const model = int8Model(randomModel(seed, 14, true), seed)
      const islands = withIslands(model)
      const input = randomInt8Input(model, seed)
      const all = await runEveryWay(islands, input)
      expect(differing(await runModel(model, input, 'scalar'), all), `seed ${seed}`).toBeUndefined()
    }
  })

  it.each(seeds)('float, seed %i', async (seed) => {
    const model = randomModel(seed, 14, true)
    const input = randomInput(model, seed)
    const all = await runEveryWay(model, input)
    expect(distance(all, runReference(model, input))).toBeLessThan(1e-4)
  })

  it.each(seeds)('int8, seed %i', async (seed) => {
    const model = int8Model(randomModel(seed, 14, true), seed)
    const input = randomInt8Input(model, seed)
    const all = await runEveryWay(model, input)
    const reference = runInt8Reference(model, input)
    const curves = floatCurves(model)
    expect(differing(new Map([...all].filter(([name]) => !curves.has(name))), reference)).toBeUndefined()
    expect(distance(all, reference)).toBeLessThan(1e-6)
  })
})
