// What firmware may run: an export for each instruction that it can hold, under the name of its
// opcode (src/host/program/opcodes.ts), and one for each format of its frames. Convolutions and the
// preprocessing have forms of their own for microcontrollers; the others are the engine's, on one
// thread. scripts/firmware.mjs makes C of this module when the product is built.

import { attention_f32 } from '../kernels/attention/attention_f32'
import { attention_s16 } from '../kernels/attention/attention_s16'
import { conv_f32 } from '../kernels/conv/conv_f32'
import { depthwise_f32 } from '../kernels/conv/depthwise_f32'
import { depthwise_s8 } from '../kernels/conv/depthwise_s8'
import { conv_transpose_f32 } from '../kernels/conv_transpose/conv_transpose_f32'
import { conv_transpose_s8 } from '../kernels/conv_transpose/conv_transpose_s8'
import { decode_yolo } from '../kernels/detect/decode_yolo'
import { suppress as suppressKernel } from '../kernels/detect/suppress'
import { linear_s8 } from '../kernels/linear/linear_s8'
import { constant as constantKernel } from '../kernels/moves/constant'
import { gather_rows } from '../kernels/moves/gather_rows'
import { pad as padKernel } from '../kernels/moves/pad'
import { rearrange as rearrangeKernel } from '../kernels/moves/rearrange'
import { resize_f32 } from '../kernels/picture/resize_f32'
import { activation_f32 } from '../kernels/pixelwise/activation_f32'
import { add_f32 } from '../kernels/pixelwise/add_f32'
import { add_s8 } from '../kernels/pixelwise/add_s8'
import { arithmetic_f32 } from '../kernels/pixelwise/arithmetic_f32'
import { copy as copyKernel } from '../kernels/pixelwise/copy'
import { curve_f32 } from '../kernels/pixelwise/curve_f32'
import { dequantize_s8 } from '../kernels/pixelwise/dequantize_s8'
import { quantize_s8 } from '../kernels/pixelwise/quantize_s8'
import { requantize_s8 } from '../kernels/pixelwise/requantize_s8'
import { table_s8 } from '../kernels/pixelwise/table_s8'
import { upsample as upsampleKernel } from '../kernels/pixelwise/upsample'
import { average_pool_f32, average_pool_s8 } from '../kernels/pool/average_pool'
import { max_pool_f32, max_pool_s8 } from '../kernels/pool/max_pool'
import { embed_tokens_f32 } from '../kernels/tokens/embed_tokens_f32'
import { group_norm_f32 } from '../kernels/tokens/group_norm_f32'
import { layer_norm_f32 } from '../kernels/tokens/layer_norm_f32'
import { matmul_f32 } from '../kernels/tokens/matmul_f32'
import { patches_f32 } from '../kernels/tokens/patches_f32'
import { reduce_f32 } from '../kernels/tokens/reduce_f32'
import { scatter_tokens_f32 } from '../kernels/tokens/scatter_tokens_f32'
import { softmax_f32 } from '../kernels/tokens/softmax_f32'
import {
  Add,
  AddF32,
  Arithmetic,
  Attention,
  AttentionS16,
  ConstantTensor,
  Conv,
  ConvF32,
  ConvTranspose,
  ConvTransposeF32,
  Copy,
  Curve,
  DecodeYolo,
  EmbedTokens,
  GatherRows,
  GroupNorm,
  LayerNorm,
  Linear,
  Matmul,
  Pad,
  ParametricCurve,
  Patches,
  Pixelwise,
  Pool,
  Rearrange,
  Reduce,
  Requantize,
  Resize,
  Scale,
  ScatterTokens,
  Suppress,
  Table,
  Upsample,
} from '../lib/instructions'
import { conv_s8 } from './conv_s8'

export {
  preprocess_grey as preprocessGrey,
  preprocess_rgb as preprocessRgb,
  preprocess_rgb565 as preprocessRgb565,
  preprocess_rgba as preprocessRgba,
  preprocess_yuv422 as preprocessYuv422,
} from './preprocess'

export function convS8(i: Conv): void {
  conv_s8(i)
}

export function depthwiseS8(i: Conv): void {
  depthwise_s8(i, 0, 1)
}

export function convF32(i: ConvF32): void {
  conv_f32(i, 0, 1)
}

export function depthwiseF32(i: ConvF32): void {
  depthwise_f32(i, 0, 1)
}

export function maxPoolS8(i: Pool): void {
  max_pool_s8(i, 0, 1)
}

export function maxPoolF32(i: Pool): void {
  max_pool_f32(i, 0, 1)
}

export function averagePoolS8(i: Pool): void {
  average_pool_s8(i, 0, 1)
}

export function averagePoolF32(i: Pool): void {
  average_pool_f32(i, 0, 1)
}

export function upsample(i: Upsample): void {
  upsampleKernel(i, 0, 1)
}

export function copy(i: Copy): void {
  copyKernel(i, 0, 1)
}

export function requantizeS8(i: Requantize): void {
  requantize_s8(i, 0, 1)
}

export function addS8(i: Add): void {
  add_s8(i, 0, 1)
}

export function addF32(i: AddF32): void {
  add_f32(i, 0, 1)
}

export function curveF32(i: ParametricCurve): void {
  curve_f32(i, 0, 1)
}

export function arithmeticF32(i: Arithmetic): void {
  arithmetic_f32(i, 0, 1)
}

export function reduceF32(i: Reduce): void {
  reduce_f32(i, 0, 1)
}

export function groupNormF32(i: GroupNorm): void {
  group_norm_f32(i, 0, 1)
}

export function matmulF32(i: Matmul): void {
  matmul_f32(i, 0, 1)
}

export function resizeF32(i: Resize): void {
  resize_f32(i, 0, 1)
}

export function rearrange(i: Rearrange): void {
  rearrangeKernel(i, 0, 1)
}

export function gatherRows(i: GatherRows): void {
  gather_rows(i, 0, 1)
}

export function pad(i: Pad): void {
  padKernel(i, 0, 1)
}

export function constant(i: ConstantTensor): void {
  constantKernel(i, 0, 1)
}

export function tableS8(i: Table): void {
  table_s8(i, 0, 1)
}

export function activationF32(i: Curve): void {
  activation_f32(i, 0, 1)
}

export function quantizeS8(i: Scale): void {
  quantize_s8(i, 0, 1)
}

export function dequantizeS8(i: Scale): void {
  dequantize_s8(i, 0, 1)
}

export function linearS8(i: Linear): void {
  linear_s8(i, 0, 1)
}

export function layerNormF32(i: LayerNorm): void {
  layer_norm_f32(i, 0, 1)
}

export function softmaxF32(i: Pixelwise): void {
  softmax_f32(i, 0, 1)
}

export function attentionF32(i: Attention): void {
  attention_f32(i, 0, 1)
}

export function attentionS16(i: AttentionS16): void {
  attention_s16(i, 0, 1)
}

export function patchesF32(i: Patches): void {
  patches_f32(i, 0, 1)
}

export function embedTokensF32(i: EmbedTokens): void {
  embed_tokens_f32(i, 0, 1)
}

export function scatterTokensF32(i: ScatterTokens): void {
  scatter_tokens_f32(i, 0, 1)
}

export function decodeYolo(i: DecodeYolo): void {
  decode_yolo(i, 0, 1)
}

export function suppress(i: Suppress): void {
  suppressKernel(i, 0, 1)
}

export function convTransposeS8(i: ConvTranspose): void {
  conv_transpose_s8(i, 0, 1)
}

export function convTransposeF32(i: ConvTransposeF32): void {
  conv_transpose_f32(i, 0, 1)
}
