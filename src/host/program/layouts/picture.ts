import type { Layout } from '../field.js'

export const preprocess = {
  source: 'frame',
  output: 'arena',
  sourceWidth: 'integer',
  sourceHeight: 'integer',
  outputWidth: 'integer',
  outputHeight: 'integer',
  outputStride: 'integer',
  outputType: 'outputType',
  table: 'weights',
  resizedWidth: 'integer',
  resizedHeight: 'integer',
  offsetX: 'integer',
  offsetY: 'integer',
  pad: 'integer',
  scratch: 'arena',
  swapRedBlue: 'integer',
} as const satisfies Layout
