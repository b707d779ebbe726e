import type { Model } from './types.js'

/**
 * Whether a model is quantised: its heads may be float32 all the same, and of a network of tokens
 * all but the weights.
 */
export const isInt8 = ({ graph }: Model): boolean =>
  graph.tensors.some((t) => t.dtype === 'int8') ||
  graph.nodes.some(({ constants }) => Object.hasOwn(constants, 'weightScale'))
