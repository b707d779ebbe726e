// Executes a program: instructions of INSTRUCTION_BYTES, one after the other. The host has checked
// every field when it wrote it, so only the opcode is checked here: a host and an engine of
// different versions cannot misunderstand each other silently.

import { attention_f32 } from './kernels/attention/attention_f32'
import { attention_s16 } from './kernels/attention/attention_s16'
import { conv_f32 } from './kernels/conv/conv_f32'
import { conv_mla_s8, conv_relaxed_s8, conv_s8 } from './kernels/conv/conv_s8'
import { depthwise_f32 } from './kernels/conv/depthwise_f32'
import { depthwise_s8 } from './kernels/conv/depthwise_s8'
import { conv_transpose_f32 } from './kernels/conv_transpose/conv_transpose_f32'
import { conv_transpose_s8 } from './kernels/conv_transpose/conv_transpose_s8'
import { decode_yolo } from './kernels/detect/decode_yolo'
import { suppress } from './kernels/detect/suppress'
import { linear_s8 } from './kernels/linear/linear_s8'
import { constant } from './kernels/moves/constant'
import { gather_rows } from './kernels/moves/gather_rows'
import { pad } from './kernels/moves/pad'
import { rearrange } from './kernels/moves/rearrange'
import { preprocess } from './kernels/picture/preprocess'
import { resize_f32 } from './kernels/picture/resize_f32'
import { activation_f32 } from './kernels/pixelwise/activation_f32'
import { add_f32 } from './kernels/pixelwise/add_f32'
import { add_s8 } from './kernels/pixelwise/add_s8'
import { arithmetic_f32 } from './kernels/pixelwise/arithmetic_f32'
import { copy } from './kernels/pixelwise/copy'
import { curve_f32 } from './kernels/pixelwise/curve_f32'
import { dequantize_s8 } from './kernels/pixelwise/dequantize_s8'
import { quantize_s8 } from './kernels/pixelwise/quantize_s8'
import { requantize_s8 } from './kernels/pixelwise/requantize_s8'
import { table_s8 } from './kernels/pixelwise/table_s8'
import { upsample } from './kernels/pixelwise/upsample'
import { average_pool_f32, average_pool_s8 } from './kernels/pool/average_pool'
import { max_pool_f32, max_pool_s8 } from './kernels/pool/max_pool'
import { embed_tokens_f32 } from './kernels/tokens/embed_tokens_f32'
import { group_norm_f32 } from './kernels/tokens/group_norm_f32'
import { layer_norm_f32 } from './kernels/tokens/layer_norm_f32'
import { matmul_f32 } from './kernels/tokens/matmul_f32'
import { patches_f32 } from './kernels/tokens/patches_f32'
import { reduce_f32 } from './kernels/tokens/reduce_f32'
import { scatter_tokens_f32 } from './kernels/tokens/scatter_tokens_f32'
import { softmax_f32 } from './kernels/tokens/softmax_f32'
import { strided_winograd42_s8 } from './kernels/winograd/strided_winograd_s8'
import { transposed_winograd22_s8, transposed_winograd42_s8 } from './kernels/winograd/transposed_winograd_s8'
import { winograd23_s8, winograd43_s8 } from './kernels/winograd/winograd_s8'
import {
  ABORTED,
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
  INSTRUCTION_BYTES,
  Instruction,
  LayerNorm,
  Linear,
  Matmul,
  OP_ACTIVATION_F32,
  OP_ADD_F32,
  OP_ADD_S8,
  OP_ARITHMETIC_F32,
  OP_ATTENTION_F32,
  OP_ATTENTION_S16,
  OP_AVERAGE_POOL_F32,
  OP_AVERAGE_POOL_S8,
  OP_CONSTANT,
  OP_CONV_F32,
  OP_CONV_MLA_S8,
  OP_CONV_RELAXED_S8,
  OP_CONV_S8,
  OP_CONV_TRANSPOSE_F32,
  OP_CONV_TRANSPOSE_S8,
  OP_COPY,
  OP_CURVE_F32,
  OP_DECODE_YOLO,
  OP_DEPTHWISE_F32,
  OP_DEPTHWISE_S8,
  OP_DEQUANTIZE_S8,
  OP_EMBED_TOKENS_F32,
  OP_GATHER_ROWS,
  OP_GROUP_NORM_F32,
  OP_LAYER_NORM_F32,
  OP_LINEAR_S8,
  OP_MATMUL_F32,
  OP_MAX_POOL_F32,
  OP_MAX_POOL_S8,
  OP_PACK_LINEAR,
  OP_PACK_STRIDED,
  OP_PACK_WINOGRAD,
  OP_PAD,
  OP_PATCHES_F32,
  OP_PREPROCESS,
  OP_QUANTIZE_S8,
  OP_REARRANGE,
  OP_REDUCE_F32,
  OP_REQUANTIZE_S8,
  OP_RESIZE_F32,
  OP_SCATTER_TOKENS_F32,
  OP_SOFTMAX_F32,
  OP_STRIDED_WINOGRAD42_S8,
  OP_SUPPRESS,
  OP_TABLE_S8,
  OP_TRANSPOSED_WINOGRAD22_S8,
  OP_TRANSPOSED_WINOGRAD42_S8,
  OP_UPSAMPLE,
  OP_WINOGRAD23_S8,
  OP_WINOGRAD43_S8,
  PackLinear,
  PackStrided,
  PackWinograd,
  Pad,
  ParametricCurve,
  Patches,
  Pixelwise,
  Pool,
  Preprocess,
  Rearrange,
  Reduce,
  Requantize,
  Resize,
  Scale,
  ScatterTokens,
  Suppress,
  Table,
  TransposedWinograd,
  Upsample,
  Winograd,
} from './lib/instructions'
import { THREADS } from './lib/isa'
import { pack_linear, pack_strided, pack_winograd } from './pack'
import { barrier, closeGate, crewNow, gather, indexNow } from './threads/barrier'
import { sharesOf, takeShare } from './threads/shares'
import { join } from './threads/split'

/**
 * Runs `count` instructions from `program`. Returns 0, or 1 + the index of an instruction whose
 * opcode is unknown, or ABORTED when another thread has failed.
 *
 * With several threads the caller leads them (assembly/threads/barrier.ts): each does a share of an
 * instruction, and all of them finish it before any begins the next one. A build without threads
 * does the share of thread `thread` alone.
 */
export function run(program: usize, count: i32, thread: i32, threads: i32): i32 {
  if (THREADS && threads > 1 && count > 0) return gather(threads) ? follow(program, count, 0) : ABORTED
  join(thread, threads)
  for (let n = 0; n < count; n++) {
    if (!execute(program, thread, threads)) return n + 1
    program += INSTRUCTION_BYTES
  }
  return 0
}

/**
 * Runs the rest of a frame as number `thread` of its crew, which may grow from instruction to
 * instruction.
 */
export function follow(program: usize, count: i32, thread: i32): i32 {
  for (let n = indexNow(); n < count; n++) {
    const crew = crewNow()
    join(thread, crew)
    if (!share(program + <usize>n * INSTRUCTION_BYTES, thread, crew)) {
      closeGate()
      return n + 1
    }
    if (!barrier(crew, n + 1 == count)) return ABORTED
  }
  return 0
}

/** Does a thread's part of an instruction. */
function share(i: usize, thread: i32, threads: i32): bool {
  const each = threads > 1 ? sharesOf(i, threads) : 1
  if (each == 1) return execute(i, thread, threads)
  for (let part = takeShare(thread, threads, each); part >= 0; part = takeShare(thread, threads, each)) {
    execute(i, part, threads * each)
  }
  return true
}

function execute(i: usize, thread: i32, threads: i32): bool {
  switch (changetype<Instruction>(i).opcode) {
    case OP_CONV_S8:
      conv_s8(changetype<Conv>(i), thread, threads)
      break
    case OP_DEPTHWISE_S8:
      depthwise_s8(changetype<Conv>(i), thread, threads)
      break
    case OP_CONV_F32:
      conv_f32(changetype<ConvF32>(i), thread, threads)
      break
    case OP_DEPTHWISE_F32:
      depthwise_f32(changetype<ConvF32>(i), thread, threads)
      break
    case OP_MAX_POOL_S8:
      max_pool_s8(changetype<Pool>(i), thread, threads)
      break
    case OP_MAX_POOL_F32:
      max_pool_f32(changetype<Pool>(i), thread, threads)
      break
    case OP_AVERAGE_POOL_S8:
      average_pool_s8(changetype<Pool>(i), thread, threads)
      break
    case OP_AVERAGE_POOL_F32:
      average_pool_f32(changetype<Pool>(i), thread, threads)
      break
    case OP_UPSAMPLE:
      upsample(changetype<Upsample>(i), thread, threads)
      break
    case OP_COPY:
      copy(changetype<Copy>(i), thread, threads)
      break
    case OP_REQUANTIZE_S8:
      requantize_s8(changetype<Requantize>(i), thread, threads)
      break
    case OP_ADD_S8:
      add_s8(changetype<Add>(i), thread, threads)
      break
    case OP_ADD_F32:
      add_f32(changetype<AddF32>(i), thread, threads)
      break
    case OP_CURVE_F32:
      curve_f32(changetype<ParametricCurve>(i), thread, threads)
      break
    case OP_ARITHMETIC_F32:
      arithmetic_f32(changetype<Arithmetic>(i), thread, threads)
      break
    case OP_REDUCE_F32:
      reduce_f32(changetype<Reduce>(i), thread, threads)
      break
    case OP_GROUP_NORM_F32:
      group_norm_f32(changetype<GroupNorm>(i), thread, threads)
      break
    case OP_MATMUL_F32:
      matmul_f32(changetype<Matmul>(i), thread, threads)
      break
    case OP_RESIZE_F32:
      resize_f32(changetype<Resize>(i), thread, threads)
      break
    case OP_REARRANGE:
      rearrange(changetype<Rearrange>(i), thread, threads)
      break
    case OP_GATHER_ROWS:
      gather_rows(changetype<GatherRows>(i), thread, threads)
      break
    case OP_PAD:
      pad(changetype<Pad>(i), thread, threads)
      break
    case OP_CONSTANT:
      constant(changetype<ConstantTensor>(i), thread, threads)
      break
    case OP_TABLE_S8:
      table_s8(changetype<Table>(i), thread, threads)
      break
    case OP_ACTIVATION_F32:
      activation_f32(changetype<Curve>(i), thread, threads)
      break
    case OP_QUANTIZE_S8:
      quantize_s8(changetype<Scale>(i), thread, threads)
      break
    case OP_DEQUANTIZE_S8:
      dequantize_s8(changetype<Scale>(i), thread, threads)
      break
    case OP_PREPROCESS:
      preprocess(changetype<Preprocess>(i), thread, threads)
      break
    case OP_LINEAR_S8:
      linear_s8(changetype<Linear>(i), thread, threads)
      break
    case OP_LAYER_NORM_F32:
      layer_norm_f32(changetype<LayerNorm>(i), thread, threads)
      break
    case OP_SOFTMAX_F32:
      softmax_f32(changetype<Pixelwise>(i), thread, threads)
      break
    case OP_ATTENTION_F32:
      attention_f32(changetype<Attention>(i), thread, threads)
      break
    case OP_ATTENTION_S16:
      attention_s16(changetype<AttentionS16>(i), thread, threads)
      break
    case OP_PATCHES_F32:
      patches_f32(changetype<Patches>(i), thread, threads)
      break
    case OP_EMBED_TOKENS_F32:
      embed_tokens_f32(changetype<EmbedTokens>(i), thread, threads)
      break
    case OP_SCATTER_TOKENS_F32:
      scatter_tokens_f32(changetype<ScatterTokens>(i), thread, threads)
      break
    case OP_CONV_MLA_S8:
      conv_mla_s8(changetype<Conv>(i), thread, threads)
      break
    case OP_CONV_RELAXED_S8:
      conv_relaxed_s8(changetype<Conv>(i), thread, threads)
      break
    case OP_WINOGRAD43_S8:
      winograd43_s8(changetype<Winograd>(i), thread, threads)
      break
    case OP_WINOGRAD23_S8:
      winograd23_s8(changetype<Winograd>(i), thread, threads)
      break
    case OP_STRIDED_WINOGRAD42_S8:
      strided_winograd42_s8(changetype<Winograd>(i), thread, threads)
      break
    case OP_DECODE_YOLO:
      decode_yolo(changetype<DecodeYolo>(i), thread, threads)
      break
    case OP_SUPPRESS:
      suppress(changetype<Suppress>(i), thread, threads)
      break
    case OP_CONV_TRANSPOSE_S8:
      conv_transpose_s8(changetype<ConvTranspose>(i), thread, threads)
      break
    case OP_CONV_TRANSPOSE_F32:
      conv_transpose_f32(changetype<ConvTransposeF32>(i), thread, threads)
      break
    case OP_TRANSPOSED_WINOGRAD42_S8:
      transposed_winograd42_s8(changetype<TransposedWinograd>(i), thread, threads)
      break
    case OP_TRANSPOSED_WINOGRAD22_S8:
      transposed_winograd22_s8(changetype<TransposedWinograd>(i), thread, threads)
      break
    case OP_PACK_WINOGRAD:
      pack_winograd(changetype<PackWinograd>(i), thread, threads)
      break
    case OP_PACK_STRIDED:
      pack_strided(changetype<PackStrided>(i), thread, threads)
      break
    case OP_PACK_LINEAR:
      pack_linear(changetype<PackLinear>(i), thread, threads)
      break
    default:
      return false
  }
  return true
}
