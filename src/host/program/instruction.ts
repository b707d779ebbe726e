/**
 * The engine's program: fixed-size instructions of 32 little-endian 32-bit words in linear memory.
 * Word 0 is the opcode, the fields follow in the order of their layout, and the last word is the
 * stride of the scratch. From this folder scripts/instructions.mjs writes
 * assembly/lib/instructions.ts and the tables of docs/engine.md; a test fails when they are stale.
 */
import type { Layout } from './field.js'
import {
  conv,
  convF32,
  convTranspose,
  convTransposeF32,
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
import type { Opcode } from './opcodes.js'
import { sizes } from './sizes.js'

export { activationKinds } from './kinds.js'
export { type Opcode, opcodes } from './opcodes.js'
export { instructionWords, scratchStrideWord } from './sizes.js'

export const { instructionBytes } = sizes

/** The layout of each instruction. */
export const fields = {
  convS8: conv,
  depthwiseS8: conv,
  convMlaS8: conv,
  convRelaxedS8: conv,
  convF32,
  depthwiseF32: convF32,
  winograd43S8: winograd,
  winograd23S8: winograd,
  stridedWinograd42S8: winograd,
  convTransposeS8: convTranspose,
  convTransposeF32,
  transposedWinograd42S8: transposedWinograd,
  transposedWinograd22S8: transposedWinograd,
  maxPoolS8: pool,
  maxPoolF32: pool,
  averagePoolS8: pool,
  averagePoolF32: pool,
  upsample,
  copy,
  requantizeS8: requantize,
  addS8: add,
  addF32,
  tableS8: table,
  activationF32: curve,
  curveF32: parametricCurve,
  arithmeticF32: arithmetic,
  reduceF32: reduce,
  groupNormF32: groupNorm,
  matmulF32: matmul,
  resizeF32: resize,
  rearrange,
  gatherRows,
  pad,
  constant,
  quantizeS8: scale,
  dequantizeS8: scale,
  preprocess,
  linearS8: linear,
  layerNormF32: layerNorm,
  softmaxF32: pixelwise,
  attentionF32: attention,
  attentionS16,
  patchesF32: patches,
  embedTokensF32: embedTokens,
  scatterTokensF32: scatterTokens,
  decodeYolo,
  suppress,
  packWinograd,
  packStrided,
  packLinear,
} as const satisfies Record<Opcode, Layout>

/** Values by the names of an instruction's fields: numbers of kinds.ts and addresses too. */
export type Fields<O extends Opcode> = Readonly<Record<keyof (typeof fields)[O], number>>

export type Instruction = {
  [O in Opcode]: { readonly opcode: O; readonly fields: Fields<O> }
}[Opcode]

/** The word of an instruction that holds a field. */
export function wordOf<O extends Opcode>(opcode: O, field: keyof Fields<O> & string): number {
  return Object.keys(fields[opcode]).indexOf(field) + 1
}
