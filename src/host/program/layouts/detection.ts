import type { Layout } from '../field.js'

export const decodeYolo = {
  input: 'arena',
  inputStride: 'integer',
  rows: 'integer',
  columns: 'integer',
  anchors: 'integer',
  classes: 'integer',
  newCoords: 'integer',
  multiLabel: 'integer',
  classMask: 'state',
  parameters: 'state',
  candidates: 'arena',
  capacity: 'integer',
  origin: 'integer',
  sourceWidth: 'integer',
  sourceHeight: 'integer',
  inputWidth: 'integer',
  inputHeight: 'integer',
  resizedWidth: 'integer',
  resizedHeight: 'integer',
  offsetX: 'integer',
  offsetY: 'integer',
} as const satisfies Layout

export const suppress = {
  candidates: 'arena',
  /** An int32 a class, which this instruction writes. */
  chains: 'state',
  classes: 'integer',
  kind: 'overlap',
  agnostic: 'integer',
  bestOnly: 'integer',
  maxResults: 'integer',
  clip: 'integer',
  sourceWidth: 'integer',
  sourceHeight: 'integer',
  parameters: 'state',
} as const satisfies Layout
