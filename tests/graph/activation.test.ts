import { describe, expect, it } from 'vitest'
import { runNode, type TensorFlow } from '../../bench/peers/tfjs-graph.js'
import type { NodeView } from '../../src/host/graph/descriptor.js'
import { activation, curveOf } from '../../src/host/graph/ops/activation.js'
import { activationSlope, fusedActivation } from '../../src/host/graph/ops/shared.js'
import { activationKinds } from '../../src/host/program/kinds.js'
import { codeOf } from '../helpers/code-of.js'

const tensor = { name: 'x', shape: [1, 1, 1, 4], dtype: 'float32' } as const

function viewOf(op: string, attributes: NodeView['node']['attributes']): NodeView {
  const node = { name: 'n', op, inputs: ['x'], outputs: ['x'], constants: {}, attributes }
  return { node, inputs: [tensor], output: tensor, constants: {} }
}

const place = {
  input: () => ({ address: 64, stride: 16 }),
  output: { address: 64, stride: 16 },
  block: () => 0,
  scratch: 0,
}

describe('the kind of a curve', () => {
  it.each(Object.entries(activationKinds))('%s is written as %d', (kind, number) => {
    const view = viewOf('activation', { kind })
    expect(activation.emit(view, place)).toMatchObject({ opcode: 'activationF32', fields: { kind: number } })
    expect(curveOf(view.node)).toBe(kind)
    expect(activation.curve?.(view.node)(0)).toBeTypeOf('number')
  })

  it.each([
    ['another', { kind: 'sine' }],
    ['a name of Object.prototype', { kind: 'constructor' }],
    ['a number', { kind: 3 }],
    ['none', {}],
  ])('%s is refused, and is no swish', (_what, attributes) => {
    const view = viewOf('activation', attributes)
    expect(codeOf(() => curveOf(view.node))).toBe('E_MODEL_OPERATOR')
    expect(codeOf(() => activation.curve?.(view.node))).toBe('E_MODEL_OPERATOR')
    expect(codeOf(() => activation.emit(view, place))).toBe('E_MODEL_OPERATOR')
    expect(codeOf(() => runNode({} as TensorFlow, view, [], { filters: [] }))).toBe('E_MODEL_OPERATOR')
  })

  it('that tfjs lacks is refused there, and is no mish', () => {
    const view = viewOf('activation', { kind: 'gelu' })
    expect(codeOf(() => runNode({} as TensorFlow, view, [], { filters: [] }))).toBe('E_MODEL_OPERATOR')
  })
})

describe('a fused activation', () => {
  it.each([
    [{}, 1],
    [{ activation: 'linear' }, 1],
    [{ activation: 'relu' }, 0],
    [{ activation: 'relu6' }, 0],
    [{ activation: 'leaky' }, 0.1],
    [{ activation: 'leaky', slope: 0.25 }, 0.25],
  ])('%o has the slope %d', (attributes, slope) => {
    expect(activationSlope(viewOf('conv', attributes))).toBe(slope)
  })

  it.each([{ activation: 'mish' }, { activation: 1 }])('%o is refused', (attributes) => {
    expect(codeOf(() => fusedActivation(viewOf('conv', attributes)))).toBe('E_MODEL_OPERATOR')
    expect(codeOf(() => activationSlope(viewOf('conv', attributes)))).toBe('E_MODEL_OPERATOR')
  })
})
