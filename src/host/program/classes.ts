import type { Layout } from './field.js'
import {
  conv,
  convF32,
  convTranspose,
  convTransposeF32,
  filter,
  transposedWinograd,
  winograd,
} from './layouts/convolution.js'
import { decodeYolo, suppress } from './layouts/detection.js'
import { constant, gatherRows, pad, rearrange, resize } from './layouts/moves.js'
import { packLinear, packStrided, packWinograd } from './layouts/packing.js'
import { preprocess } from './layouts/picture.js'
import {
  add,
  addF32,
  arithmetic,
  copy,
  curve,
  parametricCurve,
  pixelwise,
  pool,
  requantize,
  scale,
  table,
  upsample,
} from './layouts/pixels.js'
import {
  attention,
  attentionS16,
  embedTokens,
  groupNorm,
  layerNorm,
  linear,
  matmul,
  patches,
  reduce,
  scatterTokens,
} from './layouts/tokens.js'

export interface EngineClass {
  readonly layout: Layout
  /** The class whose fields come first. */
  readonly base?: string
}

/**
 * The engine's classes over an instruction: one for each layout, and Filter, which kernels of
 * convolutions share.
 */
export const classes: Readonly<Record<string, EngineClass>> = {
  Filter: { layout: filter },
  Conv: { layout: conv, base: 'Filter' },
  ConvF32: { layout: convF32, base: 'Filter' },
  ConvTranspose: { layout: convTranspose, base: 'Filter' },
  ConvTransposeF32: { layout: convTransposeF32, base: 'Filter' },
  Winograd: { layout: winograd },
  TransposedWinograd: { layout: transposedWinograd, base: 'Winograd' },
  Pool: { layout: pool },
  Pixelwise: { layout: pixelwise },
  Requantize: { layout: requantize, base: 'Pixelwise' },
  Scale: { layout: scale, base: 'Pixelwise' },
  Table: { layout: table, base: 'Pixelwise' },
  Curve: { layout: curve, base: 'Pixelwise' },
  ParametricCurve: { layout: parametricCurve, base: 'Pixelwise' },
  Arithmetic: { layout: arithmetic },
  Reduce: { layout: reduce },
  GroupNorm: { layout: groupNorm, base: 'Pixelwise' },
  Matmul: { layout: matmul },
  Resize: { layout: resize },
  Rearrange: { layout: rearrange },
  GatherRows: { layout: gatherRows },
  Pad: { layout: pad },
  ConstantTensor: { layout: constant },
  LayerNorm: { layout: layerNorm, base: 'Pixelwise' },
  Add: { layout: add },
  AddF32: { layout: addF32 },
  Copy: { layout: copy },
  Upsample: { layout: upsample },
  Preprocess: { layout: preprocess },
  Linear: { layout: linear },
  Attention: { layout: attention },
  AttentionS16: { layout: attentionS16, base: 'Attention' },
  Patches: { layout: patches },
  EmbedTokens: { layout: embedTokens },
  ScatterTokens: { layout: scatterTokens },
  DecodeYolo: { layout: decodeYolo },
  Suppress: { layout: suppress },
  PackWinograd: { layout: packWinograd },
  PackStrided: { layout: packStrided },
  PackLinear: { layout: packLinear },
}
