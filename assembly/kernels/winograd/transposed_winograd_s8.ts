// conv_transpose_s8 where each phase has two by two taps, as a 4x4 kernel at stride 2 has. Every
// phase is a 2x2 convolution of stride 1 (phase.ts), which Winograd's minimal filtering computes.
// F(4x4,2x2) takes 25 products for 16 outputs instead of 64, and F(2x2,2x2) takes 9 for 4 instead
// of 16. `form` is 42 or 22. Any padding, int8 or float32 output.
//
//   V = B^T d B for overlapping patches (input.ts), U = G' w G'^T,
//   m[tap] = start[tap] + sum over channels of U[tap] * V[tap], int32 (lib/products.ts),
//   acc = A'^T m A' / scale = foldedBias[phase][o] + sum of x * weight, then as conv_s8
//   (output.ts).
//
// Exact, so the bytes are those of conv_transpose_s8: as in winograd_s8.ts, everything after U and
// V may wrap modulo 2^32. Only acc * 4 (F(4,2)) or acc (F(2,2)) has to fit int32. The host proves
// the first before it chooses this kernel.
//
// Weights stay int8, a quarter of conv_transpose_s8's bytes, where the transforms of other kernels
// take many times more. U is made when it is needed: a row of its taps and eight output channels at
// a time, small enough for the first-level cache, or in registers (products22.ts). That is a
// fraction of the work of four tiles. Weights are packed as [phase][panel of 8 channels][8 int32 of
// foldedBias, then pair of channels][2][2 taps][16], the 16 as the product wants them: [8
// channels][2] (dot) or [2][8] (multiply-adds). Channels are padded to a multiple of 8 with zeros.
//
// Scratch, for each thread: see scratchBytes of src/host/graph/kernels/transposed.ts.

import { CHECKED, checkWinograd } from '../../lib/checks'
import {
  INSTRUCTION_BYTES,
  PATCH_SLACK_BYTES,
  Phase,
  Product,
  requireProduct,
  SLACK_BYTES,
  START_BYTES,
  SUMS_GAP_BYTES,
  TAP_GAP_BYTES,
  TILE_BYTES,
  TILING_BYTES,
  TransposedWinograd,
  WINOGRAD_WORK_BYTES,
  Winograd,
} from '../../lib/instructions'
import { SIMD } from '../../lib/isa'
import { productDot, productMla } from '../../lib/products'
import { scratchOf, start } from '../../threads/split'
import { phaseBefore, phaseSize } from '../conv_transpose/phase'
import { BIAS22, weights22 } from './f22'
import { BIAS42, weights42 } from './f42'
import { requireKinds, sideOf } from './form'
import { transformInput } from './input'
import { transformOutput } from './output'
import { rowProducts22 } from './products22'
import { groupsOf, Tiling, tileOutput } from './tiles'

/** Taps of a phase, in each direction. */
const TAPS = 2
/** Bytes of the packed weights of a pair of channels, for a panel of 8 output channels. */
const PAIR_BYTES: usize = 64

export function transposed_winograd42_s8(i: TransposedWinograd, thread: i32, threads: i32): void {
  phases(i, 42, thread, threads)
}

export function transposed_winograd22_s8(i: TransposedWinograd, thread: i32, threads: i32): void {
  phases(i, 22, thread, threads)
}

/** Each phase is a convolution of its own, whose instruction lies at the start of scratch. */
function phases(i: TransposedWinograd, form: i32, thread: i32, threads: i32): void {
  if (CHECKED) checkWinograd(i)
  requireKinds(i)
  const strideY = i.strideY
  const strideX = i.strideX
  const at = scratchOf(i, i.scratch)
  const record = changetype<Winograd>(at)
  const phaseBytes = <usize>((i.outputChannels + 7) >> 3) * panelBytesOf(i)
  memory.copy(at, changetype<usize>(i), INSTRUCTION_BYTES)
  record.outputStride = i.outputStride * strideX
  record.outputRowStride = i.outputRowStride * strideY
  for (let y0 = 0; y0 < min(strideY, i.outputHeight); y0++) {
    for (let x0 = 0; x0 < min(strideX, i.outputWidth); x0++) {
      record.output = i.output + <usize>(y0 * i.outputRowStride + x0 * i.outputStride)
      record.outputHeight = phaseSize(i.outputHeight, y0, strideY)
      record.outputWidth = phaseSize(i.outputWidth, x0, strideX)
      record.padTop = phaseBefore(y0, i.padTop, TAPS, strideY)
      record.padLeft = phaseBefore(x0, i.padLeft, TAPS, strideX)
      const tiling = changetype<Tiling>(at + INSTRUCTION_BYTES + WINOGRAD_WORK_BYTES)
      tileOutput(record, form, tiling)
      const groups = groupsOf(tiling)
      const panels = (i.outputChannels + 7) >> 3
      // winograd_s8.ts shares its work in the same way.
      const byGroups = groups >= threads * 8
      blocks(
        record,
        form,
        byGroups ? start(groups, thread, threads) : 0,
        byGroups ? start(groups, thread + 1, threads) : groups,
        byGroups ? 0 : start(panels, thread, threads),
        byGroups ? panels : start(panels, thread + 1, threads),
      )
      record.weights += phaseBytes
    }
  }
}

/** Bytes of a panel's packed weights, which begin with its bias. */
function panelBytesOf(i: Winograd): usize {
  return 32 + <usize>((i.inputChannels + 7) >> 3) * 4 * PAIR_BYTES
}

/**
 * Computes some groups of four tiles and panels of the phase whose instruction is `i`. More scratch
 * lies behind it.
 */
function blocks(i: Winograd, form: i32, firstGroup: i32, endGroup: i32, firstPanel: i32, endPanel: i32): void {
  if (firstGroup >= endGroup || firstPanel >= endPanel) return
  const most = i.block
  const dot = i.product == Product.dot
  const productsOnly = i.phase == Phase.products
  const side = sideOf(form)
  const taps = <usize>(side * side)
  const pairs = <usize>((i.inputChannels + 7) >> 3) * 4
  const groupBytes = pairs * 16
  const sumsBytes = taps * TILE_BYTES + SUMS_GAP_BYTES
  const work = changetype<usize>(i) + INSTRUCTION_BYTES
  const tiling = changetype<Tiling>(work + WINOGRAD_WORK_BYTES)
  const patches: usize = 4 * (taps * (<usize>(i.inputChannels + 15) & ~15) + PATCH_SLACK_BYTES)
  const starts = work + ((WINOGRAD_WORK_BYTES + TILING_BYTES + SLACK_BYTES + patches + 63) & ~63)
  // No power of two apart, so that they do not compete for the same lines of the cache.
  const filters = starts + START_BYTES
  const filterStride = pairs * 32 + TAP_GAP_BYTES
  const transformed = filters + <usize>side * filterStride
  const tapStride = <usize>most * groupBytes + TAP_GAP_BYTES
  const sums = transformed + taps * tapStride
  memory.fill(starts, 0, START_BYTES)
  const count = (endGroup - firstGroup + most - 1) / most
  for (let block = 0; block < count; block++) {
    const first = firstGroup + start(endGroup - firstGroup, block, count)
    const groups = firstGroup + start(endGroup - firstGroup, block + 1, count) - first
    if (!productsOnly) transformInput(i, form, tiling, first, groups, transformed, tapStride, work)
    for (let panel = firstPanel; panel < endPanel; panel++) {
      const weights = i.weights + <usize>panel * panelBytesOf(i)
      for (let o: usize = 0; o < 32; o += 4) {
        store<i32>(starts + 32 + o, load<i32>(weights + o) * (form == 42 ? BIAS42 : BIAS22))
      }
      let x = transformed
      let m = sums
      const once = SIMD && dot && groups == 1 && form == 22
      for (let row = 0; row < side; row++) {
        if (once) {
          const from = row == 1 ? starts + 32 : starts
          rowProducts22(row, x, tapStride, from, weights + 32, pairs, m)
          x += 3 * tapStride
          m += 3 * 128
          continue
        }
        if (!productsOnly) transformFilters(form, row, weights + 32, pairs, filters, filterStride)
        for (let column = 0; column < side; column++) {
          const from = row == 1 && column == 1 ? starts + 32 : starts
          const w = filters + <usize>column * filterStride
          for (let group: usize = 0; group < <usize>groups; group++) {
            if (dot) productDot(x + group * groupBytes, from, w, pairs, m + group * sumsBytes)
            else productMla(x + group * groupBytes, from, w, pairs, m + group * sumsBytes)
          }
          x += tapStride
          m += 128
        }
      }
      if (!productsOnly) transformOutput(i, form, tiling, first, groups, panel, 1, sums, sumsBytes, work)
    }
  }
}

/** Row `row` of G' w G'^T for a panel's channels, with `stride` bytes from column to column. */
function transformFilters(form: i32, row: i32, from: usize, pairs: usize, to: usize, stride: usize): void {
  const edge = row == 0 || row == sideOf(form) - 1
  if (edge && row > 0) from += 32
  if (form == 42) {
    if (edge) filters42(0, from, pairs, to, stride)
    else if (row == 1) filters42(1, from, pairs, to, stride)
    else if (row == 2) filters42(2, from, pairs, to, stride)
    else filters42(3, from, pairs, to, stride)
  } else if (edge) filters22(0, from, pairs, to, stride)
  else filters22(1, from, pairs, to, stride)
}

/**
 * With `row` 0 the weights at `from` stay as they are. Other rows combine them with those that
 * follow.
 */
// @ts-ignore: decorator
@inline
function filters42(row: i32, from: usize, pairs: usize, to: usize, stride: usize): void {
  for (const end = from + pairs * PAIR_BYTES; from < end; from += PAIR_BYTES) {
    if (SIMD) {
      columns42<v128>(row, from, to, stride)
      columns42<v128>(row, from + 8, to + 16, stride)
    } else for (let n: usize = 0; n < 16; n++) columns42<i32>(row, from + n, to + n * 2, stride)
    to += 32
  }
}

// @ts-ignore: decorator
@inline
function columns42<T>(row: i32, from: usize, to: usize, stride: usize): void {
  let w0 = weight<T>(from)
  let w1 = weight<T>(from + 16)
  if (row != 0) {
    w0 = weights42<T>(row, w0, weight<T>(from + 32))
    w1 = weights42<T>(row, w1, weight<T>(from + 48))
  }
  keep<T>(to, w0)
  keep<T>(to + stride, weights42<T>(1, w0, w1))
  keep<T>(to + 2 * stride, weights42<T>(2, w0, w1))
  keep<T>(to + 3 * stride, weights42<T>(3, w0, w1))
  keep<T>(to + 4 * stride, w1)
}

// @ts-ignore: decorator
@inline
function filters22(row: i32, from: usize, pairs: usize, to: usize, stride: usize): void {
  for (const end = from + pairs * PAIR_BYTES; from < end; from += PAIR_BYTES) {
    if (SIMD) {
      columns22<v128>(row, from, to, stride)
      columns22<v128>(row, from + 8, to + 16, stride)
    } else for (let n: usize = 0; n < 16; n++) columns22<i32>(row, from + n, to + n * 2, stride)
    to += 32
  }
}

// @ts-ignore: decorator
@inline
function columns22<T>(row: i32, from: usize, to: usize, stride: usize): void {
  let w0 = weight<T>(from)
  let w1 = weight<T>(from + 16)
  if (row != 0) {
    w0 = weights22<T>(w0, weight<T>(from + 32))
    w1 = weights22<T>(w1, weight<T>(from + 48))
  }
  keep<T>(to, w0)
  keep<T>(to + stride, weights22<T>(w0, w1))
  keep<T>(to + 2 * stride, w1)
}

// @ts-ignore: decorator
@inline
function weight<T>(from: usize): T {
  if (isVector<T>()) return v128.load8x8_s(from)
  return <i32>load<i8>(from)
}

// @ts-ignore: decorator
@inline
function keep<T>(to: usize, value: T): void {
  if (isVector<T>()) store<T>(to, value)
  else store<i16>(to, value)
}

/**
 * int8 [outputChannels][2][2][channels] of one phase to its packed layout, with foldedBias[o] =
 * bias[o] - inputZeroPoint * sum(weight[o]).
 */
export function pack_transposed_s8(
  source: usize,
  target: usize,
  bias: usize,
  outputChannels: i32,
  channels: i32,
  inputZeroPoint: i32,
  product: i32,
): void {
  requireProduct(product)
  const padded = (channels + 7) & ~7
  for (let first = 0; first < outputChannels; first += 8) {
    for (let n = 0; n < 8; n++) {
      const o = first + n
      const real = o < outputChannels
      let sum = 0
      for (let tap = 0; tap < TAPS * TAPS; tap++) {
        const from = source + <usize>((o * TAPS * TAPS + tap) * channels)
        const to = target + 32 + <usize>(tap * 16)
        for (let c = 0; c < padded; c++) {
          const w = real && c < channels ? <i32>load<i8>(from + <usize>c) : 0
          const place = product == Product.dot ? n * 2 + (c & 1) : (c & 1) * 8 + n
          store<i8>(to + <usize>(c >> 1) * PAIR_BYTES + <usize>place, w)
          sum += w
        }
      }
      store<i32>(target + <usize>n * 4, real ? load<i32>(bias + <usize>o * 4) - inputZeroPoint * sum : 0)
    }
    target += 32 + <usize>(padded >> 1) * PAIR_BYTES
  }
}
