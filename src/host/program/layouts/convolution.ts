import type { Layout } from '../field.js'

/**
 * What every convolution over gathered fields has. Strides are bytes between neighbouring pixels.
 */
export const filter = {
  input: 'arena',
  output: 'arena',
  weights: 'weights',
  bias: 'weights',
  /** float32 kernels have none. */
  multipliers: 'weights',
  inputHeight: 'integer',
  inputWidth: 'integer',
  /** Of one group, as outputChannels. */
  inputChannels: 'integer',
  inputStride: 'integer',
  outputHeight: 'integer',
  outputWidth: 'integer',
  outputChannels: 'integer',
  outputStride: 'integer',
  kernelHeight: 'integer',
  kernelWidth: 'integer',
  strideY: 'integer',
  strideX: 'integer',
  padTop: 'integer',
  padLeft: 'integer',
} as const satisfies Layout

/** How sums become int8 outputs. `low` and `high` are int8. */
const requantization = {
  inputZeroPoint: 'integer',
  outputZeroPoint: 'integer',
  slope: 'float',
  low: 'integer',
  high: 'integer',
  outputType: 'outputType',
} as const satisfies Layout

/** How sums become float32 outputs; the zero points and the type are not read. */
const activation = { ...requantization, low: 'float', high: 'float' } as const satisfies Layout

/** `block`: output pixels that are gathered at a time. */
const blocks = { scratch: 'arena', block: 'integer' } as const satisfies Layout

export const conv = { ...filter, groups: 'integer', ...requantization, ...blocks } as const satisfies Layout
export const convF32 = { ...filter, groups: 'integer', ...activation, ...blocks } as const satisfies Layout

/** One group; assembly/kernels/conv_transpose/phase.ts says what `leastTapsX` is. */
export const convTranspose = {
  ...filter,
  leastTapsX: 'integer',
  ...requantization,
  ...blocks,
} as const satisfies Layout
export const convTransposeF32 = {
  ...filter,
  leastTapsX: 'integer',
  ...activation,
  ...blocks,
} as const satisfies Layout

export const winograd = {
  input: 'arena',
  output: 'arena',
  weights: 'weights',
  multipliers: 'weights',
  inputHeight: 'integer',
  inputWidth: 'integer',
  inputChannels: 'integer',
  inputStride: 'integer',
  outputHeight: 'integer',
  outputWidth: 'integer',
  outputChannels: 'integer',
  outputStride: 'integer',
  padTop: 'integer',
  padLeft: 'integer',
  ...requantization,
  scratch: 'arena',
  /** The most groups of 4 tiles that the kernel works on at a time. */
  block: 'integer',
  /** Panels of 8 output channels whose weights lie together; transposed kernels do not read it. */
  chunk: 'integer',
  product: 'product',
  phase: 'phase',
  outputRowStride: 'integer',
} as const satisfies Layout

/** Output and paddings are those of the whole, not of a phase. */
export const transposedWinograd = {
  ...winograd,
  strideY: 'integer',
  strideX: 'integer',
} as const satisfies Layout
