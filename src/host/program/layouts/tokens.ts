import type { Layout } from '../field.js'
import { pixelwise } from './pixels.js'

export const layerNorm = {
  ...pixelwise,
  gamma: 'weights',
  beta: 'weights',
  epsilon: 'float',
} as const satisfies Layout

/** Strides are bytes between neighbouring tokens. */
export const linear = {
  input: 'arena',
  output: 'arena',
  weights: 'weights',
  bias: 'weights',
  scales: 'weights',
  tokens: 'integer',
  inputChannels: 'integer',
  inputStride: 'integer',
  outputChannels: 'integer',
  outputStride: 'integer',
  scratch: 'arena',
  block: 'integer',
  limit: 'integer',
  /**
   * Pairs of depth that seven products of halves widen at a time; 0 where all eight are computed.
   */
  seven: 'integer',
} as const satisfies Layout

export const attention = {
  input: 'arena',
  output: 'arena',
  tokens: 'integer',
  heads: 'integer',
  headChannels: 'integer',
  inputStride: 'integer',
  outputStride: 'integer',
  scale: 'float',
  scratch: 'arena',
} as const satisfies Layout

export const attentionS16 = {
  ...attention,
  limit: 'integer',
  weightLimit: 'integer',
  valueLimit: 'integer',
} as const satisfies Layout

export const patches = {
  input: 'arena',
  output: 'arena',
  tokens: 'integer',
  outputStride: 'integer',
  inputStride: 'integer',
  inputWidth: 'integer',
  patch: 'integer',
  columns: 'integer',
  places: 'integer',
  indices: 'state',
  channels: 'integer',
} as const satisfies Layout

/** `tokens` are those chosen, without the class token; `places` all there are. */
const tokenwise = {
  input: 'arena',
  output: 'arena',
  tokens: 'integer',
  channels: 'integer',
  inputStride: 'integer',
  outputStride: 'integer',
  places: 'integer',
} as const satisfies Layout

export const embedTokens = {
  ...tokenwise,
  first: 'weights',
  positions: 'weights',
  indices: 'state',
} as const satisfies Layout

export const scatterTokens = {
  ...tokenwise,
  mask: 'weights',
  positions: 'weights',
  indices: 'state',
} as const satisfies Layout

export const reduce = {
  input: 'arena',
  output: 'arena',
  rows: 'integer',
  channels: 'integer',
  inputStride: 'integer',
  outputStride: 'integer',
  kind: 'reduce',
} as const satisfies Layout

export const groupNorm = {
  ...pixelwise,
  groups: 'integer',
  gamma: 'weights',
  beta: 'weights',
  epsilon: 'float',
  scratch: 'arena',
} as const satisfies Layout

export const matmul = {
  left: 'arena',
  right: 'arena',
  output: 'arena',
  batch: 'integer',
  rows: 'integer',
  depth: 'integer',
  columns: 'integer',
  leftStride: 'integer',
  rightStride: 'integer',
  outputStride: 'integer',
} as const satisfies Layout
