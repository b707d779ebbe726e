import { describe, expect, it } from 'vitest'
import { Session } from '../../src/host/engine/session.js'
import type {
  AttributeValue,
  Constant,
  Model,
  Node,
  Quantization,
  Tensor,
} from '../../src/host/graph/types.js'
import { verifyModel } from '../../src/host/graph/verify.js'
import { codeOf } from '../helpers/code-of.js'
import { Random } from '../helpers/kernel.js'
import { int8Model } from '../helpers/models.js'
import { Builder } from '../helpers/random-model.js'

/** One node of each operator on [1, 6, 6, 4]; `int8` adds quantisation. */
function everyOperator(): Model {
  const b = new Builder(new Random(3), 6, 6)
  const a = b.conv(b.tensors[0], 4, 1, 3, 1, 'leaky')
  const depthwise = b.conv(a, 4, 4, 3, 1)
  const sum = b.add(a, depthwise, 'relu')
  const pooled = b.pool('maxPool', sum, 3, 1)
  const averaged = b.pool('averagePool', pooled, 3, 1)
  const joined = b.concat(averaged, a)
  const part = b.slice(joined, 2, 4)
  const curved = b.activation(part, 'swish')
  // A last convolution: what comes after the last weights would stay float32.
  return b.model([b.conv(b.upsample(curved, 2), 4, 1, 1, 1).name])
}

const float = everyOperator()
const int8 = int8Model(float, 1)

const verdict = (model: Model): string => codeOf(() => verifyModel(model), /^(?:\d+_)?\w/)

type Change<T> = (value: T) => T

function withNode(model: Model, op: string, change: Change<Node>): Model {
  const at = model.graph.nodes.findIndex((node) => node.op === op)
  expect(at).toBeGreaterThanOrEqual(0)
  const nodes = model.graph.nodes.map((node, i) => (i === at ? change(node) : node))
  return { ...model, graph: { ...model.graph, nodes } }
}

function withTensor(model: Model, name: string, change: Change<Tensor>): Model {
  const tensors = model.graph.tensors.map((tensor) => (tensor.name === name ? change(tensor) : tensor))
  return { ...model, graph: { ...model.graph, tensors } }
}

const outputOf = (model: Model, op: string): string =>
  model.graph.nodes.find((node) => node.op === op)!.outputs[0]

function withConstant(model: Model, op: string, role: string, change: Change<Constant>): Model {
  const name = model.graph.nodes.find((node) => node.op === op)!.constants[role]
  const constant = change(model.constants.get(name)!)
  return { ...model, constants: new Map([...model.constants, [name, constant]]) }
}

const withQuantization = (model: Model, op: string, quantization: Quantization): Model =>
  withTensor(model, outputOf(model, op), (tensor) => ({ ...tensor, quantization }))

describe.each([
  ['float', float],
  ['int8', int8],
])('%s', (_kind, model) => {
  it('is accepted as it is', () => {
    expect(verdict(model)).toBe('none')
  })

  it.each<[op: string, name: string, value: AttributeValue, code: string]>([
    ['maxPool', 'kernel', [0, 3], 'E_MODEL_OPERATOR'],
    ['maxPool', 'kernel', [3], 'E_MODEL_OPERATOR'],
    ['maxPool', 'kernel', [65_536, 65_536], 'E_MODEL_SHAPE'],
    ['maxPool', 'strides', [0, 1], 'E_MODEL_OPERATOR'],
    ['maxPool', 'strides', [65_537, 1], 'E_MODEL_OPERATOR'],
    ['maxPool', 'pads', [3, 1, 1, 1], 'E_MODEL_SHAPE'],
    ['maxPool', 'pads', [-1, 1, 1, 1], 'E_MODEL_OPERATOR'],
    ['averagePool', 'pads', [1, 1, 2, 1], 'E_MODEL_SHAPE'],
    ['averagePool', 'strides', [2, 2], 'E_MODEL_SHAPE'],
    ['upsample', 'scale', 0, 'E_MODEL_OPERATOR'],
    ['upsample', 'scale', 3, 'E_MODEL_SHAPE'],
    ['upsample', 'scale', 1.5, 'E_MODEL_OPERATOR'],
    ['slice', 'start', 5, 'E_MODEL_SHAPE'],
    ['slice', 'start', -1, 'E_MODEL_OPERATOR'],
    ['slice', 'count', 0, 'E_MODEL_OPERATOR'],
    ['slice', 'count', 3, 'E_MODEL_SHAPE'],
    ['slice', 'count', 2 ** 32 + 4, 'E_MODEL_OPERATOR'],
    ['add', 'activation', 'mish', 'E_MODEL_OPERATOR'],
    ['add', 'slope', 1.01, 'E_MODEL_OPERATOR'],
    ['add', 'slope', -0.1, 'E_MODEL_OPERATOR'],
    ['add', 'slope', Number.NaN, 'E_MODEL_OPERATOR'],
    ['activation', 'kind', 'sine', 'E_MODEL_OPERATOR'],
    ['activation', 'kind', 'constructor', 'E_MODEL_OPERATOR'],
    ['concat', '__proto__', 1, 'E_MODEL_OPERATOR'],
    ['conv', 'groups', 3, 'E_MODEL_SHAPE'],
    ['conv', 'kernel', [129, 129], 'E_MODEL_OPERATOR'],
    ['conv', 'kernel', [7, 3], 'E_MODEL_SHAPE'],
    ['conv', 'pads', [3, 1, 1, 1], 'E_MODEL_SHAPE'],
  ])('refuses %s with %s %j', (op, name, value, code) => {
    const change: Change<Node> = (node) => ({
      ...node,
      attributes: Object.fromEntries([...Object.entries(node.attributes), [name, value]]),
    })
    expect(verdict(withNode(model, op, change))).toBe(code)
  })

  it.each<[op: string, inputs: (names: readonly string[]) => string[], code: string]>([
    ['add', ([a]) => [a], 'E_MODEL_OPERATOR'],
    ['add', ([a, b]) => [a, b, a], 'E_MODEL_OPERATOR'],
    ['add', ([a]) => [a, 'input'], 'E_MODEL_SHAPE'],
    ['concat', () => [], 'E_MODEL_OPERATOR'],
    ['concat', ([a]) => Array(65).fill(a), 'E_MODEL_OPERATOR'],
    ['concat', ([a]) => [a, a, a], 'E_MODEL_SHAPE'],
    ['activation', ([a]) => [a, a], 'E_MODEL_OPERATOR'],
    ['maxPool', () => ['__proto__'], 'E_MODEL_GRAPH'],
  ])('refuses %s with other inputs (%#)', (op, inputs, code) => {
    const changed = withNode(model, op, (node) => ({ ...node, inputs: inputs(node.inputs) }))
    expect(verdict(changed)).toBe(code)
  })
})

describe('quantisation', () => {
  it.each(['maxPool', 'averagePool', 'upsample', 'concat', 'slice'])('%s keeps the scale', (op) => {
    const { scale, zeroPoint } = int8.graph.tensors.find(({ name }) => name === outputOf(int8, op))!
      .quantization!
    expect(verdict(withQuantization(int8, op, { scale: scale * 2, zeroPoint }))).toBe('E_MODEL_QUANTIZATION')
    const moved = zeroPoint === 0 ? 1 : 0
    expect(verdict(withQuantization(int8, op, { scale, zeroPoint: moved }))).toBe('E_MODEL_QUANTIZATION')
  })

  it.each(['conv', 'add'])('%s needs a multiplier within the normal float32 numbers', (op) => {
    for (const scale of [2 ** -126, 2 ** 127]) {
      expect(verdict(withQuantization(int8, op, { scale, zeroPoint: 0 }))).toBe('E_MODEL_QUANTIZATION')
    }
  })

  it.each([
    { scale: 0, zeroPoint: 0 },
    { scale: -1, zeroPoint: 0 },
    { scale: 2 ** -127, zeroPoint: 0 },
    { scale: Number.NaN, zeroPoint: 0 },
    { scale: Number.POSITIVE_INFINITY, zeroPoint: 0 },
    { scale: 1, zeroPoint: 128 },
    { scale: 1, zeroPoint: -129 },
    { scale: 1, zeroPoint: 0.5 },
    { scale: 1, zeroPoint: Number.NaN },
  ])('refuses %o in a model that no file was read for', (quantization) => {
    const model = withTensor(int8, 'input', (tensor) => ({ ...tensor, quantization }))
    expect(verdict(model)).toBe('E_MODEL_QUANTIZATION')
  })

  it('stands exactly where int8 is', () => {
    const bare = withTensor(int8, 'input', ({ name, shape, dtype }) => ({ name, shape, dtype }))
    const dressed = withTensor(float, 'input', (t) => ({ ...t, quantization: { scale: 1, zeroPoint: 0 } }))
    expect([verdict(bare), verdict(dressed)]).toEqual(['E_MODEL_QUANTIZATION', 'E_MODEL_QUANTIZATION'])
  })

  it('refuses sums that can leave int32, up to the last one that can', () => {
    const bias = (value: number): Model =>
      withConstant(int8, 'conv', 'bias', (c) => ({ ...c, data: Int32Array.from(c.data).fill(value, 0, 1) }))
    const weight = Int8Array.from(int8.constants.get(int8.graph.nodes[0].constants.weight)!.data)
    const magnitude = weight.subarray(0, 27).reduce((sum, w) => sum + Math.abs(w), 0)
    const most = 2 ** 31 - 1 - 255 * magnitude
    expect([most, -most].map((value) => verdict(bias(value)))).toEqual(['none', 'none'])
    expect([most + 1, -most - 1].map((value) => verdict(bias(value)))).toEqual(
      Array(2).fill('E_MODEL_QUANTIZATION'),
    )
  })

  it('refuses a table that is not one of 256 int8', () => {
    const table = (change: Partial<Constant>): Model =>
      withConstant(int8, 'activation', 'table', (c) => ({ ...c, ...change }))
    expect(verdict(table({ shape: [255], data: new Int8Array(255) }))).toBe('E_MODEL_SHAPE')
    expect(verdict(table({ shape: [16, 16] }))).toBe('E_MODEL_SHAPE')
    expect(verdict(table({ dtype: 'float32', data: new Float32Array(256) }))).toBe('E_MODEL_SHAPE')
  })
})

describe('constants of a model that no file was read for', () => {
  it.each([
    ['fewer values than their shape', float, { data: new Float32Array(3) }],
    ['more values than their shape', int8, { data: new Int32Array(5) }],
    ['another array than their type', float, { data: new Int32Array(4) }],
  ])('must not have %s', (_what, model, change) => {
    expect(verdict(withConstant(model, 'conv', 'bias', (c) => ({ ...c, ...change })))).toMatch(/^E_MODEL_/)
  })
})

it.each(['add', 'activation'])('%s gives the type that it takes', (op) => {
  const mixed = withTensor(int8, outputOf(int8, op), ({ name, shape }) => ({ name, shape, dtype: 'float32' }))
  expect(verdict(mixed)).toBe('E_MODEL_OPERATOR')
})

it('refuses a window whose sum can leave int32', () => {
  const pooled = (kernel: number): Model => {
    const b = new Builder(new Random(1), 6, 6)
    return b.model([b.pool('averagePool', b.tensors[0], kernel, 1).name])
  }
  expect([2901, 2903].map((kernel) => verdict(pooled(kernel)))).toEqual(['none', 'E_MODEL_SHAPE'])
})

it('refuses a head whose multiplier is beyond what sums of it leave in float32', () => {
  const b = new Builder(new Random(1), 2, 2)
  const model = int8Model(b.model([b.conv(b.tensors[0], 1, 1, 1, 1).name]), 1)
  const scaled = (scale: number): Model =>
    withConstant(model, 'conv', 'weightScale', (c) => ({ ...c, data: Float32Array.of(scale) }))
  expect([2 ** 60, 2 ** 120].map((scale) => verdict(scaled(scale)))).toEqual(['none', 'E_MODEL_QUANTIZATION'])
})

describe('work', () => {
  const pooled = (side: number, kernel: number): Model => {
    const b = new Builder(new Random(1), side, side)
    return b.model([b.pool('maxPool', b.tensors[0], kernel, 1).name])
  }

  it('is capped, as no run can be stopped', () => {
    expect(verdict(pooled(4096, 2897))).toBe('E_MODEL_LIMIT')
    const b = new Builder(new Random(1), 2048, 2048)
    const wide = b.conv(b.tensors[0], 64, 1, 1, 1)
    expect(verdict(b.model([b.conv(wide, 64, 1, 31, 1).name]))).toBe('E_MODEL_LIMIT')
  })

  it('suffices for global pools and pyramids of a large input', () => {
    expect(verdict(pooled(1024, 13))).toBe('none')
    expect(verdict(pooled(512, 511))).toBe('none')
  })
})

it('refuses before any memory is allocated', async () => {
  const { Memory } = WebAssembly
  WebAssembly.Memory = new Proxy(Memory, {
    construct: () => {
      throw new Error('memory was allocated')
    },
  })
  try {
    const model = withQuantization(int8, 'add', { scale: 2 ** -126, zeroPoint: 0 })
    await expect(Session.create(model)).rejects.toMatchObject({ code: 'E_MODEL_QUANTIZATION' })
  } finally {
    WebAssembly.Memory = Memory
  }
})
