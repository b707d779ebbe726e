import { OcellusError } from '../errors.js'
import { limits } from '../limits.js'
import { elements, integer, integers, type NodeView, type OperatorDescriptor } from './descriptor.js'
import { bytesOf } from './ops/shared.js'

/**
 * Units of work: one is a multiply-accumulate of a convolution or a matrix product without groups,
 * in float32 about 0.15 ns of one core with SIMD, in int8 a fifth of that. What other operators do
 * is counted in as many of these as it takes, measured and rounded up to a power of two.
 */
const units = {
  /** Of a convolution with groups: its channels can't share what they load. */
  grouped: 8,
  /** A product of two activations, which nobody has packed. */
  product: 4,
  /** Sixteen bytes of a pixel that a window looks at; of fewer bytes too. */
  averaged: 16,
  compared: 2,
  /** A value of the output. */
  curve: 64,
  looked: 8,
  normalised: 16,
  moved: 16,
} as const

/** Operators by what their output's values take; the others are counted by `macs` or a window. */
const ofValues: Readonly<Record<string, number>> = {
  softmax: units.curve,
  layerNorm: units.normalised,
  groupNorm: units.normalised,
  arithmetic: units.normalised,
}

/** The work of one node, in units. */
export function workOf({ view, operator }: Viewed): number {
  const { node, output, inputs } = view
  const values = elements(output.shape)
  const moved = values * (ofValues[node.op] ?? units.moved)
  switch (node.op) {
    case 'averagePool':
      return looksOf(view) * units.averaged + moved
    case 'maxPool':
      return looksOf(view) * units.compared + moved
    case 'matmul':
      return operator.macs(view) * units.product + moved
    case 'activation':
      return values * (output.dtype === 'int8' ? units.looked : units.curve)
    case 'reduce':
      return elements(inputs[0].shape) * units.moved
    case 'resize':
      // Four taps in each direction at most.
      return values * 16 * units.moved
    case 'conv':
      return operator.macs(view) * (integer(view, 'groups', 1) > 1 ? units.grouped : 1) + moved
    default:
      return operator.macs(view) + moved
  }
}

/** How often a pool loads sixteen bytes. */
function looksOf(view: NodeView): number {
  const [, height, width, channels] = view.output.shape
  const vectors = Math.ceil((channels * bytesOf(view.output)) / 16)
  return height * width * vectors * elements(integers(view, 'kernel'))
}

interface Viewed {
  readonly view: NodeView
  readonly operator: OperatorDescriptor
}

/** What `maxWork` says, or its default. Throws E_OPTION. */
export function checkMaxWork(maxWork: number = limits.work): number {
  if (maxWork >= 1) return maxWork
  throw new OcellusError('E_OPTION', `maxWork is ${maxWork}: give a number of at least 1`)
}

/** A few bytes can ask for a pool that takes years. Throws E_MODEL_LIMIT. */
export function checkWork(views: readonly Viewed[], maxWork: number): void {
  const work = views.reduce((sum, one) => sum + workOf(one), 0)
  if (work <= maxWork) return
  throw new OcellusError(
    'E_MODEL_LIMIT',
    `one inference takes ${work.toExponential(1)} units of work; the most is ${maxWork.toExponential(1)}: use a smaller input, or raise maxWork (--max-work) if you trust the model`,
  )
}
