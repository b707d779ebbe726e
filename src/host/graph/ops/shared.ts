import { OcellusError } from '../../errors.js'
import { kindOf, outputTypes } from '../../program/kinds.js'
import { type AttributeRule, attribute, elementBytes, type NodeView } from '../descriptor.js'
import type { Node, Quantization, Tensor } from '../types.js'

/** Activations that a kernel applies for free while it writes: max(y, y * slope), then a clamp. */
export const fusedActivations = ['linear', 'relu', 'relu6', 'leaky'] as const

export const activationAttributes = {
  activation: { kind: 'choice', values: fusedActivations, optional: true },
  slope: { kind: 'number', min: 0, max: 1, optional: true },
} as const satisfies Record<string, AttributeRule>

export function fail(
  view: NodeView,
  code: 'E_MODEL_SHAPE' | 'E_MODEL_OPERATOR' | 'E_MODEL_QUANTIZATION',
  what: string,
): never {
  throw new OcellusError(code, `${view.node.name} (${view.node.op}): ${what}`)
}

export type FusedActivation = (typeof fusedActivations)[number]

/** Which activation is fused. Throws E_MODEL_OPERATOR for one that is not known. */
export function fusedActivation(view: NodeView): FusedActivation {
  const kind = attribute(view, 'activation') ?? 'linear'
  const known = fusedActivations.find((name) => name === kind)
  return known ?? fail(view, 'E_MODEL_OPERATOR', `the activation ${kind} is unknown`)
}

/** The slope of max(y, y * slope): 1 is linear, 0 is ReLU. */
export function activationSlope(view: NodeView): number {
  switch (fusedActivation(view)) {
    case 'leaky': {
      const slope = attribute(view, 'slope')
      return typeof slope === 'number' ? slope : 0.1
    }
    case 'relu':
    case 'relu6':
      return 0
    case 'linear':
      return 1
  }
}

/** Whether a node has no activation fused to it: one of a slope of 1 is none. */
export function isLinear({ attributes: { activation = 'linear', slope } }: Node): boolean {
  return activation === 'linear' || (activation === 'leaky' && slope === 1)
}

/** Whether a positive factor goes through the fused activation: f(s x) = s f(x). */
export const isHomogeneous = ({ attributes: { activation = 'linear' } }: Node): boolean =>
  activation === 'linear' || activation === 'relu' || activation === 'leaky'

/** Bounds of the fused activation's clamp: int8 of a quantised output, else float32. */
export function activationBounds(view: NodeView): { low: number; high: number } {
  const relu6 = fusedActivation(view) === 'relu6'
  if (view.output.dtype === 'float32') {
    // An int8 convolution with a float32 output has no activation, and reads no bounds.
    if (view.inputs[0].dtype === 'int8') return { low: 0, high: 0 }
    return { low: Number.NEGATIVE_INFINITY, high: relu6 ? 6 : Number.POSITIVE_INFINITY }
  }
  const { scale, zeroPoint } = quantizationOf(view, view.output)
  return { low: -128, high: relu6 ? Math.min(127, Math.round(6 / scale) + zeroPoint) : 127 }
}

/** The fields by which every convolution turns its sums into outputs. */
export const outputFields = (view: NodeView) => ({
  inputZeroPoint: view.inputs[0].quantization?.zeroPoint ?? 0,
  outputZeroPoint: view.output.quantization?.zeroPoint ?? 0,
  slope: activationSlope(view),
  ...activationBounds(view),
  outputType: kindOf(outputTypes, view.output.dtype),
})

export function quantizationOf(view: NodeView, tensor: Tensor): Quantization {
  if (tensor.quantization === undefined)
    fail(view, 'E_MODEL_QUANTIZATION', `${tensor.name} has no scale and zero point`)
  return tensor.quantization
}

export function sameQuantization(a: Tensor, b: Tensor): boolean {
  return (
    a.dtype === b.dtype &&
    a.quantization?.scale === b.quantization?.scale &&
    a.quantization?.zeroPoint === b.quantization?.zeroPoint
  )
}

export function requireSameType(view: NodeView): void {
  for (const input of view.inputs) {
    if (input.dtype !== view.output.dtype) {
      fail(
        view,
        'E_MODEL_OPERATOR',
        `${input.name} is ${input.dtype} but ${view.output.name} is ${view.output.dtype}`,
      )
    }
  }
}

/** Operators that move values keep their input's scale, as the LiteRT specification says. */
export function requireSameQuantization(view: NodeView): void {
  for (const input of view.inputs) {
    if (!sameQuantization(input, view.output)) {
      fail(
        view,
        'E_MODEL_QUANTIZATION',
        `${input.name} and ${view.output.name} must share type, scale and zero point`,
      )
    }
  }
}

export function requireFeatureMap(view: NodeView, tensor: Tensor): readonly number[] {
  if (tensor.shape.length !== 4 || tensor.shape[0] !== 1) {
    fail(
      view,
      'E_MODEL_SHAPE',
      `${tensor.name} is [${tensor.shape.join(', ')}], not a feature map [1, height, width, channels]`,
    )
  }
  return tensor.shape
}

/**
 * A multiplier that float32 holds as a normal number, so that no engine flushes it to zero. `what`:
 * a name, or an output channel.
 */
export function multiplier(view: NodeView, value: number, what: string | number): number {
  const rounded = Math.fround(value)
  if (!(rounded >= 2 ** -126 && rounded < 2 ** 100)) {
    fail(
      view,
      'E_MODEL_QUANTIZATION',
      `${typeof what === 'number' ? `output channel ${what}` : what} gives a multiplier of ${value}, outside float32's normal range`,
    )
  }
  return rounded
}

/** Output side of a sliding window. */
export const windowed = (
  size: number,
  before: number,
  after: number,
  kernel: number,
  stride: number,
): number => Math.floor((size + before + after - kernel) / stride) + 1

export const bytesOf = ({ dtype }: Tensor): number => elementBytes[dtype]

/** What `types` of a descriptor may be. */
export const anyType = ['int8', 'float32', 'int32'] as const
export const realTypes = ['int8', 'float32'] as const
export const floatOnly = ['float32'] as const

export const noBlocks = () => []
export const nothing = () => {}
export const none = () => 0
