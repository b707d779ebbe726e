import type { Layout } from '../field.js'

/**
 * The arguments of pack_winograd_s8. `target` is the one address of weights that an instruction
 * writes to.
 */
export const packWinograd = {
  size: 'winogradSize',
  source: 'arena',
  foldedBias: 'arena',
  target: 'weights',
  outputChannels: 'integer',
  channels: 'integer',
  chunk: 'integer',
  product: 'product',
  /** packingWorkBytes for each thread. */
  work: 'arena',
} as const satisfies Layout

/** The arguments of pack_strided_s8. */
export const packStrided = {
  source: 'arena',
  foldedBias: 'arena',
  target: 'weights',
  outputChannels: 'integer',
  channels: 'integer',
  chunk: 'integer',
  product: 'product',
} as const satisfies Layout

/** The arguments of pack_linear_s8. */
export const packLinear = {
  source: 'arena',
  target: 'weights',
  outputChannels: 'integer',
  depth: 'integer',
  limit: 'integer',
} as const satisfies Layout
