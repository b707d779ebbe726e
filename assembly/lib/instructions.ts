// Written by scripts/instructions.mjs from src/host/program/, which says what each name means.
// Do not edit. An instruction is read as the class of its layout: changetype<Conv>(i).inputHeight,
// or a parameter of type Conv.

export const OP_CONV_S8: i32 = 1
export const OP_DEPTHWISE_S8: i32 = 2
export const OP_CONV_F32: i32 = 3
export const OP_DEPTHWISE_F32: i32 = 4
export const OP_MAX_POOL_S8: i32 = 5
export const OP_MAX_POOL_F32: i32 = 6
export const OP_AVERAGE_POOL_S8: i32 = 7
export const OP_AVERAGE_POOL_F32: i32 = 8
export const OP_UPSAMPLE: i32 = 9
export const OP_COPY: i32 = 10
export const OP_REQUANTIZE_S8: i32 = 11
export const OP_ADD_S8: i32 = 12
export const OP_ADD_F32: i32 = 13
export const OP_TABLE_S8: i32 = 14
export const OP_ACTIVATION_F32: i32 = 15
export const OP_QUANTIZE_S8: i32 = 16
export const OP_DEQUANTIZE_S8: i32 = 17
export const OP_PREPROCESS: i32 = 18
export const OP_WINOGRAD43_S8: i32 = 19
export const OP_WINOGRAD23_S8: i32 = 20
export const OP_CONV_MLA_S8: i32 = 21
export const OP_CONV_RELAXED_S8: i32 = 22
export const OP_STRIDED_WINOGRAD42_S8: i32 = 23
export const OP_CURVE_F32: i32 = 24
export const OP_ARITHMETIC_F32: i32 = 25
export const OP_REDUCE_F32: i32 = 26
export const OP_GROUP_NORM_F32: i32 = 27
export const OP_MATMUL_F32: i32 = 28
export const OP_RESIZE_F32: i32 = 29
export const OP_CONV_TRANSPOSE_S8: i32 = 30
export const OP_CONV_TRANSPOSE_F32: i32 = 31
export const OP_TRANSPOSED_WINOGRAD42_S8: i32 = 32
export const OP_TRANSPOSED_WINOGRAD22_S8: i32 = 33
export const OP_REARRANGE: i32 = 34
export const OP_GATHER_ROWS: i32 = 35
export const OP_PAD: i32 = 36
export const OP_CONSTANT: i32 = 37
export const OP_LINEAR_S8: i32 = 40
export const OP_LAYER_NORM_F32: i32 = 41
export const OP_SOFTMAX_F32: i32 = 42
export const OP_ATTENTION_F32: i32 = 43
export const OP_PATCHES_F32: i32 = 44
export const OP_EMBED_TOKENS_F32: i32 = 45
export const OP_SCATTER_TOKENS_F32: i32 = 46
export const OP_ATTENTION_S16: i32 = 47
export const OP_DECODE_YOLO: i32 = 60
export const OP_SUPPRESS: i32 = 61
export const OP_PACK_WINOGRAD: i32 = 62
export const OP_PACK_STRIDED: i32 = 63
export const OP_PACK_LINEAR: i32 = 64

// The kinds that fields and arguments have. The host writes no other number, and a kernel traps on
// one before it computes.

export const enum ActivationKind {
  logistic = 1,
  mish = 2,
  swish = 3,
  gelu = 4,
  tanh = 5,
  hardSwish = 6,
}

export function requireActivationKind(value: i32): void {
  if (<u32>(value - 1) > 5) unreachable()
}

export const enum CurveKind {
  relu = 1,
  leakyRelu = 2,
  clip = 3,
  affine = 4,
  square = 5,
  sqrt = 6,
  reciprocal = 7,
  abs = 8,
  exp = 9,
  log = 10,
  erf = 11,
  elu = 12,
  celu = 13,
  selu = 14,
  softplus = 15,
  softsign = 16,
  hardSigmoid = 17,
  power = 18,
  hardMish = 19,
}

export function requireCurveKind(value: i32): void {
  if (<u32>(value - 1) > 18) unreachable()
}

export const enum ArithmeticKind {
  add = 1,
  sub = 2,
  mul = 3,
  div = 4,
  min = 5,
  max = 6,
  pow = 7,
  slope = 8,
}

export function requireArithmeticKind(value: i32): void {
  if (<u32>(value - 1) > 7) unreachable()
}

export const enum ReduceKind {
  mean = 1,
  sum = 2,
  max = 3,
  min = 4,
  prod = 5,
  l1 = 6,
  l2 = 7,
  sumSquare = 8,
  argMax = 9,
  argMin = 10,
}

export function requireReduceKind(value: i32): void {
  if (<u32>(value - 1) > 9) unreachable()
}

export const enum PadMode {
  constant = 0,
  reflect = 1,
  edge = 2,
}

export function requirePadMode(value: i32): void {
  if (<u32>value > 2) unreachable()
}

export const enum OutputType {
  int8 = 0,
  float32 = 1,
}

export function requireOutputType(value: i32): void {
  if (<u32>value > 1) unreachable()
}

export const enum Product {
  dot = 0,
  mla = 1,
}

export function requireProduct(value: i32): void {
  if (<u32>value > 1) unreachable()
}

export const enum ConvProduct {
  dot = 0,
  mla = 1,
  relaxed = 2,
}

export function requireConvProduct(value: i32): void {
  if (<u32>value > 2) unreachable()
}

export const enum Phase {
  whole = 0,
  products = 1,
}

export function requirePhase(value: i32): void {
  if (<u32>value > 1) unreachable()
}

export const enum OverlapKind {
  iou = 0,
  diou = 1,
}

export function requireOverlapKind(value: i32): void {
  if (<u32>value > 1) unreachable()
}

export const enum WinogradSize {
  f23 = 2,
  f43 = 4,
}

export function requireWinogradSize(value: i32): void {
  if (value != 2 && value != 4) unreachable()
}

export const enum RowFinding {
  wide = 1,
  least = 2,
}

export function requireRowFinding(value: i32): void {
  if (<u32>(value - 1) > 1) unreachable()
}

// Sizes by which the host plans memory.

export const INSTRUCTION_BYTES: usize = 128
export const SCRATCH_STRIDE_OFFSET: usize = 124
export const SLACK_BYTES: usize = 64
export const TILE_BYTES: usize = 128
export const GATHER_SLACK_BYTES: usize = 64
export const WINOGRAD_PASS_BYTES: usize = 576
export const WINOGRAD_BOTH_BYTES: usize = 2304
export const WINOGRAD_WORK_BYTES: usize = 2944
export const TILING_BYTES: usize = 64
export const PATCH_SLACK_BYTES: usize = 16
export const SUMS_GAP_BYTES: usize = 192
export const TAP_GAP_BYTES: usize = 64
export const START_BYTES: usize = 64
export const PACKING_WORK_BYTES: usize = 864
export const PACKING_STRIDE_BYTES: usize = 896
export const LINEAR_PAIRS: usize = 512
export const LINEAR_PANEL_BYTES: usize = 16384
export const SEVEN_LONG_PAIRS: usize = 256
export const SEVEN_SHORT_PAIRS: usize = 64
export const SEVEN_GAP_BYTES: usize = 64
export const SEVEN_PANELS: usize = 14

export const PROGRAM_VERSION: i32 = 2
export const WIDE_LIMIT: i32 = 127
export const NARROW_LIMIT: i32 = 63
export const WEIGHT_OFFSET: i32 = 64

// The words of the control block.

export const CONTROL_GENERATION: usize = 64512
export const CONTROL_PROGRAM: usize = 64576
export const CONTROL_COUNT: usize = 64580
export const CONTROL_QUORUM: usize = 64584
export const CONTROL_ARRIVED: usize = 64640
export const CONTROL_PHASE: usize = 64704
export const CONTROL_FAILED: usize = 64768
export const CONTROL_CLAIMED: usize = 64772
export const CONTROL_REASON_LENGTH: usize = 64776
export const CONTROL_REASON: usize = 65280
export const CONTROL_SLEEPERS: usize = 64832
export const CONTROL_READY: usize = 64896
export const CONTROL_SHARES: usize = 65024
export const CONTROL_GATE: usize = 65152
export const CONTROL_CREW: usize = 65216
export const CONTROL_INDEX: usize = 65220

/** What run returns when another thread has failed. */
export const ABORTED: i32 = -1

// The list of candidates.

export const LIST_HEADER_BYTES: usize = 64
export const ENTRY_BYTES: usize = 56

@unmanaged
export class CandidateList {
  count: i32
  kept: i32
}

@unmanaged
export class Candidate {
  xmin: f64
  ymin: f64
  xmax: f64
  ymax: f64
  score: f64
  classId: i32
  origin: i32
  link: i32
}

// The layouts of instructions.

@unmanaged
export class Instruction {
  opcode: i32
}

@unmanaged
export class Filter extends Instruction {
  input: usize
  output: usize
  weights: usize
  bias: usize
  multipliers: usize
  inputHeight: i32
  inputWidth: i32
  inputChannels: i32
  inputStride: i32
  outputHeight: i32
  outputWidth: i32
  outputChannels: i32
  outputStride: i32
  kernelHeight: i32
  kernelWidth: i32
  strideY: i32
  strideX: i32
  padTop: i32
  padLeft: i32
}

@unmanaged
export class Conv extends Filter {
  groups: i32
  inputZeroPoint: i32
  outputZeroPoint: i32
  slope: f32
  low: i32
  high: i32
  outputType: i32
  scratch: usize
  block: i32
}

@unmanaged
export class ConvF32 extends Filter {
  groups: i32
  inputZeroPoint: i32
  outputZeroPoint: i32
  slope: f32
  low: f32
  high: f32
  outputType: i32
  scratch: usize
  block: i32
}

@unmanaged
export class ConvTranspose extends Filter {
  leastTapsX: i32
  inputZeroPoint: i32
  outputZeroPoint: i32
  slope: f32
  low: i32
  high: i32
  outputType: i32
  scratch: usize
  block: i32
}

@unmanaged
export class ConvTransposeF32 extends Filter {
  leastTapsX: i32
  inputZeroPoint: i32
  outputZeroPoint: i32
  slope: f32
  low: f32
  high: f32
  outputType: i32
  scratch: usize
  block: i32
}

@unmanaged
export class Winograd extends Instruction {
  input: usize
  output: usize
  weights: usize
  multipliers: usize
  inputHeight: i32
  inputWidth: i32
  inputChannels: i32
  inputStride: i32
  outputHeight: i32
  outputWidth: i32
  outputChannels: i32
  outputStride: i32
  padTop: i32
  padLeft: i32
  inputZeroPoint: i32
  outputZeroPoint: i32
  slope: f32
  low: i32
  high: i32
  outputType: i32
  scratch: usize
  block: i32
  chunk: i32
  product: i32
  phase: i32
  outputRowStride: i32
}

@unmanaged
export class TransposedWinograd extends Winograd {
  strideY: i32
  strideX: i32
}

@unmanaged
export class Pool extends Instruction {
  input: usize
  output: usize
  inputHeight: i32
  inputWidth: i32
  channels: i32
  inputStride: i32
  outputHeight: i32
  outputWidth: i32
  outputStride: i32
  kernelHeight: i32
  kernelWidth: i32
  strideY: i32
  strideX: i32
  padTop: i32
  padLeft: i32
}

@unmanaged
export class Pixelwise extends Instruction {
  input: usize
  output: usize
  pixels: i32
  channels: i32
  inputStride: i32
  outputStride: i32
}

@unmanaged
export class Requantize extends Pixelwise {
  inputZeroPoint: i32
  multiplier: f32
  outputZeroPoint: i32
}

@unmanaged
export class Scale extends Pixelwise {
  multiplier: f32
  zeroPoint: i32
}

@unmanaged
export class Table extends Pixelwise {
  table: usize
}

@unmanaged
export class Curve extends Pixelwise {
  kind: i32
}

@unmanaged
export class ParametricCurve extends Pixelwise {
  kind: i32
  parameterA: f32
  parameterB: f32
}

@unmanaged
export class Arithmetic extends Instruction {
  inputA: usize
  inputB: usize
  output: usize
  pixels: i32
  channels: i32
  strideA: i32
  pixelStep: i32
  channelStep: i32
  outputStride: i32
  kind: i32
  reversed: i32
}

@unmanaged
export class Reduce extends Instruction {
  input: usize
  output: usize
  rows: i32
  channels: i32
  inputStride: i32
  outputStride: i32
  kind: i32
}

@unmanaged
export class GroupNorm extends Pixelwise {
  groups: i32
  gamma: usize
  beta: usize
  epsilon: f32
  scratch: usize
}

@unmanaged
export class Matmul extends Instruction {
  left: usize
  right: usize
  output: usize
  batch: i32
  rows: i32
  depth: i32
  columns: i32
  leftStride: i32
  rightStride: i32
  outputStride: i32
}

@unmanaged
export class Resize extends Instruction {
  input: usize
  output: usize
  rowTable: usize
  columnTable: usize
  inputWidth: i32
  outputHeight: i32
  outputWidth: i32
  channels: i32
  inputStride: i32
  outputStride: i32
  taps: i32
}

@unmanaged
export class Rearrange extends Instruction {
  input: usize
  output: usize
  pixels: i32
  outputChannels: i32
  outputStride: i32
  inputChannels: i32
  inputStride: i32
  elementBytes: i32
  offset: i32
  loop0: i32
  loop1: i32
  loop2: i32
  loop3: i32
  loop4: i32
  loop5: i32
  step0: i32
  step1: i32
  step2: i32
  step3: i32
  step4: i32
  step5: i32
}

@unmanaged
export class GatherRows extends Instruction {
  input: usize
  rowIndices: usize
  output: usize
  rows: i32
  count: i32
  rowBytes: i32
  inputStride: i32
  indexStride: i32
  outputStride: i32
}

@unmanaged
export class Pad extends Instruction {
  input: usize
  output: usize
  inputHeight: i32
  inputWidth: i32
  outputHeight: i32
  outputWidth: i32
  channels: i32
  elementBytes: i32
  inputStride: i32
  outputStride: i32
  padTop: i32
  padLeft: i32
  mode: i32
  value: i32
}

@unmanaged
export class ConstantTensor extends Instruction {
  values: usize
  output: usize
  pixels: i32
  pixelBytes: i32
  outputStride: i32
}

@unmanaged
export class LayerNorm extends Pixelwise {
  gamma: usize
  beta: usize
  epsilon: f32
}

@unmanaged
export class Add extends Instruction {
  inputA: usize
  inputB: usize
  output: usize
  pixels: i32
  channels: i32
  strideA: i32
  strideB: i32
  outputStride: i32
  zeroPointA: i32
  multiplierA: f32
  zeroPointB: i32
  multiplierB: f32
  outputZeroPoint: i32
  slope: f32
  low: i32
  high: i32
}

@unmanaged
export class AddF32 extends Instruction {
  inputA: usize
  inputB: usize
  output: usize
  pixels: i32
  channels: i32
  strideA: i32
  strideB: i32
  outputStride: i32
  zeroPointA: i32
  multiplierA: f32
  zeroPointB: i32
  multiplierB: f32
  outputZeroPoint: i32
  slope: f32
  low: f32
  high: f32
}

@unmanaged
export class Copy extends Instruction {
  input: usize
  output: usize
  pixels: i32
  pixelBytes: i32
  inputStride: i32
  outputStride: i32
}

@unmanaged
export class Upsample extends Instruction {
  input: usize
  output: usize
  inputHeight: i32
  inputWidth: i32
  pixelBytes: i32
  inputStride: i32
  outputStride: i32
  scale: i32
}

@unmanaged
export class Preprocess extends Instruction {
  source: usize
  output: usize
  sourceWidth: i32
  sourceHeight: i32
  outputWidth: i32
  outputHeight: i32
  outputStride: i32
  outputType: i32
  table: usize
  resizedWidth: i32
  resizedHeight: i32
  offsetX: i32
  offsetY: i32
  pad: i32
  scratch: usize
  swapRedBlue: i32
}

@unmanaged
export class Linear extends Instruction {
  input: usize
  output: usize
  weights: usize
  bias: usize
  scales: usize
  tokens: i32
  inputChannels: i32
  inputStride: i32
  outputChannels: i32
  outputStride: i32
  scratch: usize
  block: i32
  limit: i32
  seven: i32
}

@unmanaged
export class Attention extends Instruction {
  input: usize
  output: usize
  tokens: i32
  heads: i32
  headChannels: i32
  inputStride: i32
  outputStride: i32
  scale: f32
  scratch: usize
}

@unmanaged
export class AttentionS16 extends Attention {
  limit: i32
  weightLimit: i32
  valueLimit: i32
}

@unmanaged
export class Patches extends Instruction {
  input: usize
  output: usize
  tokens: i32
  outputStride: i32
  inputStride: i32
  inputWidth: i32
  patch: i32
  columns: i32
  places: i32
  indices: usize
  channels: i32
}

@unmanaged
export class EmbedTokens extends Instruction {
  input: usize
  output: usize
  tokens: i32
  channels: i32
  inputStride: i32
  outputStride: i32
  places: i32
  first: usize
  positions: usize
  indices: usize
}

@unmanaged
export class ScatterTokens extends Instruction {
  input: usize
  output: usize
  tokens: i32
  channels: i32
  inputStride: i32
  outputStride: i32
  places: i32
  mask: usize
  positions: usize
  indices: usize
}

@unmanaged
export class DecodeYolo extends Instruction {
  input: usize
  inputStride: i32
  rows: i32
  columns: i32
  anchors: i32
  classes: i32
  newCoords: i32
  multiLabel: i32
  classMask: usize
  parameters: usize
  candidates: usize
  capacity: i32
  origin: i32
  sourceWidth: i32
  sourceHeight: i32
  inputWidth: i32
  inputHeight: i32
  resizedWidth: i32
  resizedHeight: i32
  offsetX: i32
  offsetY: i32
}

@unmanaged
export class Suppress extends Instruction {
  candidates: usize
  chains: usize
  classes: i32
  kind: i32
  agnostic: i32
  bestOnly: i32
  maxResults: i32
  clip: i32
  sourceWidth: i32
  sourceHeight: i32
  parameters: usize
}

@unmanaged
export class PackWinograd extends Instruction {
  size: i32
  source: usize
  foldedBias: usize
  target: usize
  outputChannels: i32
  channels: i32
  chunk: i32
  product: i32
  work: usize
}

@unmanaged
export class PackStrided extends Instruction {
  source: usize
  foldedBias: usize
  target: usize
  outputChannels: i32
  channels: i32
  chunk: i32
  product: i32
}

@unmanaged
export class PackLinear extends Instruction {
  source: usize
  target: usize
  outputChannels: i32
  depth: i32
  limit: i32
}
