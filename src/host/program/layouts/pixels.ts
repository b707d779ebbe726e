import type { Layout } from '../field.js'

export const pool = {
  input: 'arena',
  output: 'arena',
  inputHeight: 'integer',
  inputWidth: 'integer',
  channels: 'integer',
  inputStride: 'integer',
  outputHeight: 'integer',
  outputWidth: 'integer',
  outputStride: 'integer',
  kernelHeight: 'integer',
  kernelWidth: 'integer',
  strideY: 'integer',
  strideX: 'integer',
  padTop: 'integer',
  padLeft: 'integer',
} as const satisfies Layout

export const pixelwise = {
  input: 'arena',
  output: 'arena',
  pixels: 'integer',
  channels: 'integer',
  inputStride: 'integer',
  outputStride: 'integer',
} as const satisfies Layout

export const copy = {
  input: 'arena',
  output: 'arena',
  pixels: 'integer',
  pixelBytes: 'integer',
  inputStride: 'integer',
  outputStride: 'integer',
} as const satisfies Layout

export const upsample = {
  input: 'arena',
  output: 'arena',
  inputHeight: 'integer',
  inputWidth: 'integer',
  pixelBytes: 'integer',
  inputStride: 'integer',
  outputStride: 'integer',
  scale: 'integer',
} as const satisfies Layout

export const requantize = {
  ...pixelwise,
  inputZeroPoint: 'integer',
  multiplier: 'float',
  outputZeroPoint: 'integer',
} as const satisfies Layout

/** Of quantizeS8 and dequantizeS8. */
export const scale = { ...pixelwise, multiplier: 'float', zeroPoint: 'integer' } as const satisfies Layout

export const table = { ...pixelwise, table: 'weights' } as const satisfies Layout

export const curve = { ...pixelwise, kind: 'activation' } as const satisfies Layout

export const add = {
  inputA: 'arena',
  inputB: 'arena',
  output: 'arena',
  pixels: 'integer',
  channels: 'integer',
  strideA: 'integer',
  strideB: 'integer',
  outputStride: 'integer',
  zeroPointA: 'integer',
  multiplierA: 'float',
  zeroPointB: 'integer',
  multiplierB: 'float',
  outputZeroPoint: 'integer',
  slope: 'float',
  low: 'integer',
  high: 'integer',
} as const satisfies Layout

/** The zero points and multipliers are not read. */
export const addF32 = { ...add, low: 'float', high: 'float' } as const satisfies Layout

export const parametricCurve = {
  ...pixelwise,
  kind: 'curve',
  parameterA: 'float',
  parameterB: 'float',
} as const satisfies Layout

/**
 * Steps are the second operand's bytes from pixel to pixel and from channel to channel, 0 where it
 * repeats.
 */
export const arithmetic = {
  inputA: 'arena',
  inputB: 'arena',
  output: 'arena',
  pixels: 'integer',
  channels: 'integer',
  strideA: 'integer',
  pixelStep: 'integer',
  channelStep: 'integer',
  outputStride: 'integer',
  kind: 'arithmetic',
  /** 1: b kind a. */
  reversed: 'integer',
} as const satisfies Layout
