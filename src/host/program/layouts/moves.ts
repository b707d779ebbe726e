import type { Layout } from '../field.js'

/** Loops from the outermost to the innermost; steps are in elements of the input. */
export const rearrange = {
  input: 'arena',
  output: 'arena',
  pixels: 'integer',
  outputChannels: 'integer',
  outputStride: 'integer',
  inputChannels: 'integer',
  inputStride: 'integer',
  elementBytes: 'integer',
  offset: 'integer',
  loop0: 'integer',
  loop1: 'integer',
  loop2: 'integer',
  loop3: 'integer',
  loop4: 'integer',
  loop5: 'integer',
  step0: 'integer',
  step1: 'integer',
  step2: 'integer',
  step3: 'integer',
  step4: 'integer',
  step5: 'integer',
} as const satisfies Layout

export const gatherRows = {
  input: 'arena',
  rowIndices: 'arena',
  output: 'arena',
  rows: 'integer',
  count: 'integer',
  rowBytes: 'integer',
  inputStride: 'integer',
  indexStride: 'integer',
  outputStride: 'integer',
} as const satisfies Layout

export const pad = {
  input: 'arena',
  output: 'arena',
  inputHeight: 'integer',
  inputWidth: 'integer',
  outputHeight: 'integer',
  outputWidth: 'integer',
  channels: 'integer',
  elementBytes: 'integer',
  inputStride: 'integer',
  outputStride: 'integer',
  padTop: 'integer',
  padLeft: 'integer',
  mode: 'padMode',
  /** The bits of one element. */
  value: 'integer',
} as const satisfies Layout

/** A tensor whose values stand in the model. */
export const constant = {
  values: 'weights',
  output: 'arena',
  pixels: 'integer',
  pixelBytes: 'integer',
  outputStride: 'integer',
} as const satisfies Layout

export const resize = {
  input: 'arena',
  output: 'arena',
  rowTable: 'weights',
  columnTable: 'weights',
  inputWidth: 'integer',
  outputHeight: 'integer',
  outputWidth: 'integer',
  channels: 'integer',
  inputStride: 'integer',
  outputStride: 'integer',
  taps: 'integer',
} as const satisfies Layout
