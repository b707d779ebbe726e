import { OcellusError } from '../errors.js'
import { limits } from '../limits.js'
import { elements, type NodeView, type OperatorDescriptor } from './descriptor.js'

/**
 * Units of work: one is a multiply-accumulate of a convolution or a matrix product without groups,
 * in float32 about 0.15 ns of one core with SIMD, in int8 a fifth of that. Operators that do
 * something else say in their descriptor's `work` how many of these it takes, measured and rounded
 * up to a power of two.
 */
export const units = {
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

/** The work of one node, in units. */
export const workOf = ({ view, operator }: Viewed): number =>
  operator.work?.(view) ?? operator.macs(view) + workOfValues(view)

/** What the values of a node's output take, so many units each. */
export const workOfValues = ({ output }: NodeView, each: number = units.moved): number =>
  elements(output.shape) * each

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
