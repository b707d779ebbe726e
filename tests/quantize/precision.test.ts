import { describe, expect, it, test } from 'vitest'
import { OcellusError } from '../../src/host/errors.js'
import { readModel, writeModel } from '../../src/host/graph/file.js'
import type { Model, Tensor } from '../../src/host/graph/types.js'
import { verifyModel } from '../../src/host/graph/verify.js'
import { exposeAll } from '../../tools/quantize/calibrate/expose.js'
import { fromRange } from '../../tools/quantize/calibrate/observers.js'
import { precisionOf } from '../../tools/quantize/passes/precision.js'
import { rewriteInt8 } from '../../tools/quantize/passes/rewrite.js'
import { shareScales } from '../../tools/quantize/passes/share.js'
import { type QuantizeOptions, quantizeModel } from '../../tools/quantize/quantize.js'
import { Random } from '../helpers/kernel.js'
import { Builder } from '../helpers/random-model.js'
import { builds, differing, type Outputs, runModel, Session } from '../helpers/session.js'

/** Every rule for scales, a head that a curve follows, and one that two nodes read. */
function network(): Model {
  const b = new Builder(new Random(7), 12, 12)
  const stem = b.conv(b.tensors[0], 8, 1, 3, 2, 'leaky')
  const curved = b.activation(b.conv(stem, 8, 1, 3, 1), 'mish')
  const sum = b.add(stem, curved)
  const pooled = b.pool('maxPool', sum, 3, 1)
  const joined = b.concat(pooled, b.slice(curved, 2, 4))
  const deep = b.convTranspose(joined, 6, 4, 2, 'relu')
  const head = b.activation(b.conv(deep, 4, 1, 1, 1), 'logistic')
  const plain = b.conv(joined, 5, 1, 1, 1)
  return b.model([head.name, plain.name, pooled.name])
}

const float = network()
const input = Float32Array.from({ length: 12 * 12 * 3 }, (_, n) => ((n * 29) % 97) / 97)
const names = float.graph.nodes.map(({ name }) => name)

async function scalesOf(model: Model, precision: ReturnType<typeof precisionOf>) {
  const values = await runModel(exposeAll(model), input, 'simd')
  const groups = shareScales(model, precision)
  const ranges = new Map<string, [number, number]>()
  for (const [name, data] of values) {
    const [low, high] = ranges.get(groups.get(name)!) ?? [0, 0]
    ranges.set(groups.get(name)!, [Math.min(low, ...data), Math.max(high, ...data)])
  }
  return new Map([...groups].map(([name, group]) => [name, fromRange(...ranges.get(group)!)]))
}

async function mixed(model: Model, ...kept: string[]): Promise<Model> {
  const precision = precisionOf(model, kept)
  return rewriteInt8(model, await scalesOf(model, precision), { reduceRange: false, precision })
}

/** A run on the float input, whatever the type of the model's own. */
async function runNamed(model: Model, build: (typeof builds)[number] = 'simd'): Promise<Outputs> {
  const session = await Session.create(model, { build })
  const { shape } = session.inputMetadata[0]
  const planes = Float32Array.from(input, (_, n) => input[(n % 144) * 3 + Math.floor(n / 144)])
  session.run({ input: { dtype: 'float32', shape, data: planes } })
  const outputs = new Map(session.outputs.map(({ name }) => [name, session.output(name)]))
  session.close()
  return outputs
}

function codeOf(run: () => unknown): string {
  try {
    run()
    return 'none'
  } catch (error) {
    if (error instanceof OcellusError) return error.code
    throw error
  }
}

/** The largest energy of an output's error, as a share of the output's own. */
function noise(found: Outputs, wanted: Outputs): number {
  let most = 0
  for (const [name, values] of wanted) {
    let error = 0
    let energy = 0
    for (let i = 0; i < values.length; i++) {
      error += (values[i] - found.get(name)![i]) ** 2
      energy += values[i] ** 2
    }
    most = Math.max(most, error / energy)
  }
  return most
}

describe('the precision of a node', () => {
  it('is int8 by default, but for a curve that only a head goes through', () => {
    const precision = precisionOf(float)
    const kept = names.filter((name) => precision.get(name) === 'float32')
    expect(kept).toEqual(['9_activation'])
  })

  it('of all float32 leaves the network as it was', async () => {
    const model = await mixed(float, ...names)
    expect(model.graph.tensors).toEqual(float.graph.tensors)
    expect(model.graph.nodes).toEqual(float.graph.nodes)
    expect(
      differing(await runModel(model, input, 'simd'), await runModel(float, input, 'simd')),
    ).toBeUndefined()
  })

  it.each(names)(
    'can be float32 for %s alone: a sound model, near the float one, the same on every build',
    async (name) => {
      const model = readModel(writeModel(await mixed(float, name)), 'mixed')
      const { views } = verifyModel(model)
      const { view } = views.find(({ view: { node } }) => node.name === name)!
      for (const { dtype } of [...view.inputs, view.output]) expect(dtype).toBe('float32')
      const found = await runNamed(model)
      expect([...found.keys()]).toEqual(float.graph.outputs)
      expect(noise(found, await runModel(float, input, 'simd'))).toBeLessThan(0.01)
      for (const build of builds) expect(differing(await runNamed(model, build), found)).toBeUndefined()
    },
  )

  it('can be int8 for one node alone', async () => {
    for (const name of names.filter((one) => one !== '9_activation')) {
      const model = await mixed(float, ...names.filter((other) => other !== name))
      const { view } = verifyModel(model).views.find(({ view: { node } }) => node.name === name)!
      expect(view.inputs.map(({ dtype }) => dtype)).toEqual(view.inputs.map(() => 'int8'))
      expect(noise(await runNamed(model), await runModel(float, input, 'simd'))).toBeLessThan(0.01)
    }
  })

  it('makes each conversion once, however many read it', async () => {
    // 0_conv's output is read by 1_conv and 3_add.
    const model = await mixed(float, '1_conv', '3_add')
    const made = model.graph.nodes.filter(({ op }) => op === 'dequantize').map(({ outputs }) => outputs[0])
    expect(new Set(made).size).toBe(made.length)
    expect(made.filter((name) => name.startsWith('0_conv'))).toEqual(['0_conv.out_float32'])
  })

  it('ties no scales by a node that is float32', () => {
    const pool = float.graph.nodes.find(({ op }) => op === 'maxPool')!
    const tied = (kept: string[]): boolean => {
      const groups = shareScales(float, precisionOf(float, kept))
      return groups.get(pool.inputs[0]) === groups.get(pool.outputs[0])
    }
    expect(tied([])).toBe(true)
    expect(tied([pool.name])).toBe(false)
  })

  it.each(names)('is chosen for %s in a whole quantisation', async (name) => {
    const photo = async () => ({
      width: 12,
      height: 12,
      data: Uint8ClampedArray.from({ length: 576 }, (_, n) => (n * 31) % 256),
    })
    const { model } = await quantizeModel(float, [photo], {
      ...{ method: 'minmax', percentile: 99.9, reduceRange: false, equalize: true, biasCorrection: true },
      ...{ compare: 1, float: [name] },
    })
    const { view } = verifyModel(model).views.find(({ view: { node } }) => node.name === name)!
    expect([...view.inputs, view.output].map(({ dtype }) => dtype)).not.toContain('int8')
  })

  it('is refused for a name of no node', async () => {
    expect(codeOf(() => precisionOf(float, ['0_conv', 'nothing']))).toBe('E_OPTION')
    const options: QuantizeOptions = {
      ...{ method: 'minmax', percentile: 99.9, reduceRange: false, equalize: false, biasCorrection: true },
      ...{ compare: 1, float: ['nothing'] },
    }
    await expect(quantizeModel(float, [new Float32Array(1)], options)).rejects.toMatchObject({
      code: 'E_OPTION',
    })
  })
})

test('names that converted tensors would have are not taken twice', async () => {
  const [head] = float.graph.outputs
  const rename = (name: string): string => (name === '0_conv.out' ? '5_slice.out_float32' : name)
  const { graph } = float
  const renamed: Model = {
    ...float,
    graph: {
      ...graph,
      tensors: graph.tensors.map((t) => ({ ...t, name: rename(t.name) })),
      nodes: graph.nodes.map((n) => ({ ...n, inputs: n.inputs.map(rename), outputs: n.outputs.map(rename) })),
    },
  }
  const model = await mixed(renamed, '6_concat')
  verifyModel(model)
  expect(model.graph.outputs).toContain(head)
})

test('two convolutions that share weights have each its own biases in int8', async () => {
  const b = new Builder(new Random(2), 12, 12)
  const first = b.conv(b.tensors[0], 3, 1, 3, 1, 'relu')
  const second = b.conv(first, 3, 1, 3, 1, 'relu')
  b.nodes[1] = { ...b.nodes[1], constants: b.nodes[0].constants }
  const { graph, constants } = b.model([second.name])
  const used = new Set(Object.values(b.nodes[0].constants))
  const shared: Model = { graph, constants: new Map([...constants].filter(([name]) => used.has(name))) }
  const model = await mixed(shared)
  expect(model.graph.nodes[0].constants.bias).not.toBe(model.graph.nodes[1].constants.bias)
  expect(model.graph.nodes[0].constants.weight).toBe(model.graph.nodes[1].constants.weight)
  verifyModel(readModel(writeModel(model), 'shared'))
  expect(noise(await runNamed(model), await runModel(shared, input, 'simd'))).toBeLessThan(0.01)
})

test('a model for tensors is calibrated on its inputs by name', async () => {
  const b = new Builder(new Random(5), 12, 12)
  const [picture] = b.tensors
  const shift: Tensor = { name: 'shift', shape: [1, 12, 12, 6], dtype: 'float32' }
  const label: Tensor = { name: 'label', shape: [2], dtype: 'int32' }
  b.tensors.push(shift, label)
  const sum = b.add(b.conv(picture, 6, 1, 3, 1, 'relu'), shift)
  const out = b.conv(sum, 4, 1, 1, 1)
  const { graph, constants } = b.model([out.name, 'label'])
  const { preprocessing: _, ...rest } = graph
  const inputs = ['input', 'shift', 'label']
  const model: Model = { graph: { ...rest, inputs, task: { kind: 'tensors', forms: [] } }, constants }
  const feeds = (seed: number) =>
    ({
      input: { dtype: 'float32', shape: [1, 3, 12, 12], data: input.map((x) => x * 6 - 3 + seed / 9) },
      shift: {
        dtype: 'float32',
        shape: [1, 6, 12, 12],
        data: Float32Array.from({ length: 864 }, (_, n) => Math.sin(n)),
      },
      label: { dtype: 'int32', shape: [2], data: Int32Array.of(seed, 2) },
    }) as const
  const { model: int8, layers } = await quantizeModel(model, [feeds(1), async () => feeds(2)], {
    ...{ method: 'minmax', percentile: 99.9, reduceRange: false, equalize: true, biasCorrection: true },
    compare: 2,
  })
  expect(int8.graph.tensors.filter(({ name }) => inputs.includes(name)).map(({ dtype }) => dtype)).toEqual([
    'int8',
    'int8',
    'int32',
  ])
  for (const { decibels } of layers) expect(decibels).toBeGreaterThan(30)
  const session = await Session.create(readModel(writeModel(int8), 'tensors'))
  expect(session.run(feeds(3)).label.data).toEqual(Int32Array.of(3, 2))
  session.close()
})
