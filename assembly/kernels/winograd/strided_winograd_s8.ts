// conv_s8 for 3x3 kernels at stride 2, by Winograd's minimal filtering: F(4x4,2x2) and its like
// take 81 products for 16 outputs instead of 144. One group, any padding, int8 or float32 output.
//
// Output i of a direction is w0 x[2i] + w1 x[2i + 1] + w2 x[2i + 2], padding aside. That is a
// convolution of the inputs at even places by two taps, (w0, w2), and one of those at odd places by
// one tap, w1. The first is F(4,2), with five products for four outputs (f42.ts). The second is
// F(4,2) with a second tap of 0, whose product at infinity is 0 and left out. In two directions
// there are four phases (even or odd rows, even or odd columns) with 25, 20, 20 and 16 products.
// All have the same output transform, so the products of a tap are added before it: a tap is one
// sum, over the channels of up to four phases.
//
//   V = B^T d B of each phase, U = G' w G'^T, packed when weights are loaded,
//   m[tap] = start[tap] + sum over channels, and over phases that have the tap, of U[tap] * V[tap],
//   acc = A'^T m A' / scale = foldedBias[o] + sum of x * weight, then as conv_s8 (output.ts).
//
// Exact, so the bytes are those of conv_s8, as in winograd_s8.ts: |V| <= 4,608 and |U| <= 1,152
// (f42.ts) fit int16, everything after them may wrap modulo 2^32, and only acc * 4 has to fit
// int32. The host proves |acc| < 2^29.
//
// Work is shared and blocked as in winograd_s8.ts. Weights are [chunk][tap][panel of the chunk][8
// int32 of start, then phases, pairs of channels as the product wants them]. The phases of a tap
// are even-even, even-odd (columns 0 to 3), odd-even (rows 0 to 3) and odd-odd (both). With
// Phase.products only the products are computed.
// Scratch, for each thread: see scratchBytes of src/host/graph/kernels/strided.ts.

import { CHECKED, checkWinograd } from '../../lib/checks'
import {
  PATCH_SLACK_BYTES,
  Phase,
  Product,
  requireProduct,
  SLACK_BYTES,
  SUMS_GAP_BYTES,
  TAP_GAP_BYTES,
  TILE_BYTES,
  TILING_BYTES,
  WINOGRAD_BOTH_BYTES,
  WINOGRAD_PASS_BYTES,
  WINOGRAD_WORK_BYTES,
  Winograd,
} from '../../lib/instructions'
import { SIMD } from '../../lib/isa'
import { productDot, productMla } from '../../lib/products'
import { scratchOf, start } from '../../threads/split'
import { BIAS42, weights42 } from './f42'
import { requireKinds } from './form'
import { locate, patch, transpose } from './input'
import { transformOutput } from './output'
import { columnOf, rowOf, Tiling, takePart, tileOutput, tilesOf } from './tiles'

const FORM = 42
const SIDE: i32 = 5
const TAPS: usize = 25
/** Rows and columns of input that a tile needs. */
const REACH: i32 = 9

/** How many phases have the tap in this row, or column. */
// @ts-ignore: decorator
@inline
function phasesOf(n: i32): i32 {
  return n == SIDE - 1 ? 1 : 2
}

export function strided_winograd42_s8(i: Winograd, part: i32, parts: i32): void {
  if (CHECKED) checkWinograd(i)
  requireKinds(i)
  const work = scratchOf(i, i.scratch)
  const tiling = changetype<Tiling>(work + WINOGRAD_WORK_BYTES)
  tileOutput(i, FORM, tiling)
  takePart(i, tiling, part, parts)
  const firstGroup = tiling.firstGroup
  const endGroup = tiling.endGroup
  const firstPanel = tiling.firstPanel
  const endPanel = tiling.endPanel
  if (firstGroup >= endGroup || firstPanel >= endPanel) return
  const panels = (i.outputChannels + 7) >> 3
  const most = i.block
  const chunk = i.chunk
  const dot = i.product == Product.dot
  const productsOnly = i.phase == Phase.products
  const pairs = <usize>((i.inputChannels + 7) >> 3) * 4
  const groupBytes = pairs * 64
  const patches: usize = 4 * (<usize>(REACH * REACH) * (<usize>(i.inputChannels + 15) & ~15) + PATCH_SLACK_BYTES)
  const tapStride = <usize>most * groupBytes + TAP_GAP_BYTES
  const transformed = work + ((WINOGRAD_WORK_BYTES + TILING_BYTES + SLACK_BYTES + patches + 63) & ~63)
  const sums = transformed + TAPS * tapStride
  const count = (endGroup - firstGroup + most - 1) / most
  for (let block = 0; block < count; block++) {
    const first = firstGroup + start(endGroup - firstGroup, block, count)
    const groups = firstGroup + start(endGroup - firstGroup, block + 1, count) - first
    if (!productsOnly) transformPhases(i, tiling, first, groups, transformed, tapStride, work)
    for (let panel = firstPanel; panel < endPanel; ) {
      const opening = (panel / chunk) * chunk
      const inChunk = <usize>min(chunk, panels - opening)
      const end = min(opening + <i32>inChunk, endPanel)
      let weights = i.weights + <usize>opening * panelBytesOf(pairs)
      const sumsGroup = <usize>(end - panel) * TAPS * TILE_BYTES + SUMS_GAP_BYTES
      for (let tap = 0; tap < SIDE * SIDE; tap++) {
        const depth = pairs * <usize>(phasesOf(tap / SIDE) * phasesOf(tap % SIDE))
        const panelBytes = depth * 32 + 32
        const opens = weights + <usize>(panel - opening) * panelBytes
        let x = transformed + <usize>tap * tapStride
        let row = sums + <usize>tap * 128
        for (let group = 0; group < groups; group++) {
          let w = opens
          let m = row
          for (let p = panel; p < end; p++) {
            if (dot) productDot(x, w, w + 32, depth, m)
            else productMla(x, w, w + 32, depth, m)
            w += panelBytes
            m += TAPS * 128
          }
          x += groupBytes
          row += sumsGroup
        }
        weights += inChunk * panelBytes
      }
      if (!productsOnly) transformOutput(i, FORM, tiling, first, groups, panel, end - panel, sums, sumsGroup, work)
      panel = end
    }
  }
}

/** Bytes of a panel's weights for all taps: 81 products of a pair. */
// @ts-ignore: decorator
@inline
function panelBytesOf(pairs: usize): usize {
  return pairs * 2592 + TAPS * 32
}

/**
 * transformInput for four phases: [tap][group of 4 tiles][phase][pair of channels][4 tiles][2]
 * int16.
 */
function transformPhases(
  i: Winograd,
  tiling: Tiling,
  firstGroup: i32,
  groups: i32,
  to: usize,
  tapStride: usize,
  work: usize,
): void {
  const channels = i.inputChannels
  const phaseBytes = <usize>((channels + 7) >> 3) * 64
  const both = work + WINOGRAD_PASS_BYTES
  const places = both + WINOGRAD_BOTH_BYTES
  const patches = work + WINOGRAD_WORK_BYTES + TILING_BYTES
  const patchBytes = <usize>(REACH * REACH) * (<usize>(channels + 15) & ~15) + PATCH_SLACK_BYTES
  const step = SIMD ? 8 : 1
  for (let group = firstGroup; group < firstGroup + groups; group++) {
    for (let t = 0; t < 4; t++) {
      const tile = min(group * 4 + t, tilesOf(tiling) - 1)
      const y = rowOf(tiling, tile) * 8
      const x = columnOf(tiling, tile) * 8
      locate(i, y, x, REACH, REACH, places + <usize>t * 16, patches + <usize>t * patchBytes)
    }
    for (let c = 0; c < channels; c += step) {
      for (let phase = 0; phase < 4; phase++) {
        const oddRow = phase >> 1
        const oddColumn = phase & 1
        for (let t: usize = 0; t < 4; t++) {
          const place = places + t * 16
          const rowStride = <usize>load<u32>(place, 4)
          const stride = <usize>load<u32>(place, 8)
          const corner = <usize>load<u32>(place) + <usize>c + <usize>oddRow * rowStride + <usize>oddColumn * stride
          if (SIMD) {
            const at = both + t * 16
            if (phase == 0) evenEven(corner, rowStride * 2, stride * 2, work, at)
            else if (phase == 1) evenOdd(corner, rowStride * 2, stride * 2, work, at)
            else if (phase == 2) oddEven(corner, rowStride * 2, stride * 2, work, at)
            else oddOdd(corner, rowStride * 2, stride * 2, work, at)
          } else {
            patch<i32>(FORM, oddRow != 0, oddColumn != 0, corner, rowStride * 2, stride * 2, work, both + t * 4, 16)
          }
        }
        for (let row = 0; row < SIDE - oddRow; row++) {
          for (let column = 0; column < SIDE - oddColumn; column++) {
            const tap = <usize>(row * SIDE + column)
            const before = <usize>(oddColumn + oddRow * phasesOf(column))
            const at = to + tap * tapStride + before * phaseBytes
            if (SIMD) transpose(both + tap * 64, at + <usize>c * 8)
            else {
              for (let t: usize = 0; t < 4; t++) {
                store<i16>(at + <usize>(c >> 1) * 16 + t * 4 + <usize>(c & 1) * 2, load<i32>(both + tap * 16 + t * 4))
              }
            }
          }
        }
      }
    }
    to += phaseBytes * 4
  }
}

function evenEven(corner: usize, rowStride: usize, stride: usize, passed: usize, to: usize): void {
  patch<v128>(FORM, false, false, corner, rowStride, stride, passed, to, 64)
}

function evenOdd(corner: usize, rowStride: usize, stride: usize, passed: usize, to: usize): void {
  patch<v128>(FORM, false, true, corner, rowStride, stride, passed, to, 64)
}

function oddEven(corner: usize, rowStride: usize, stride: usize, passed: usize, to: usize): void {
  patch<v128>(FORM, true, false, corner, rowStride, stride, passed, to, 64)
}

function oddOdd(corner: usize, rowStride: usize, stride: usize, passed: usize, to: usize): void {
  patch<v128>(FORM, true, true, corner, rowStride, stride, passed, to, 64)
}

/**
 * int8 [outputChannels][3][3][channels] to the packed layout, with int32
 * foldedBias[outputChannels].
 */
export function pack_strided_s8(
  source: usize,
  foldedBias: usize,
  target: usize,
  outputChannels: i32,
  channels: i32,
  chunk: i32,
  product: i32,
): void {
  packStridedPanels(source, foldedBias, target, outputChannels, channels, chunk, product, 0, (outputChannels + 7) >> 3)
}

/** The same for some of the panels. */
export function packStridedPanels(
  source: usize,
  foldedBias: usize,
  target: usize,
  outputChannels: i32,
  channels: i32,
  chunk: i32,
  product: i32,
  firstPanel: i32,
  endPanel: i32,
): void {
  requireProduct(product)
  const pairs = <usize>((channels + 7) >> 3) * 4
  const panels = (outputChannels + 7) >> 3
  for (let panel = firstPanel; panel < endPanel; panel++) {
    const opening = (panel / chunk) * chunk
    const inChunk = <usize>min(chunk, panels - opening)
    let to = target + <usize>opening * panelBytesOf(pairs)
    for (let tap = 0; tap < SIDE * SIDE; tap++) {
      const row = tap / SIDE
      const column = tap % SIDE
      const panelBytes = <usize>(phasesOf(row) * phasesOf(column)) * pairs * 32 + 32
      for (let o = 0; o < 8; o++) {
        const output = panel * 8 + o
        const real = output < outputChannels
        const at = to + <usize>(panel - opening) * panelBytes
        const starts = real && row == 1 && column == 1
        store<i32>(at + <usize>o * 4, starts ? load<i32>(foldedBias + <usize>output * 4) * BIAS42 : 0)
        let place = at + 32 + <usize>(product == Product.dot ? o * 4 : o * 2)
        for (let oddRow = 0; oddRow < phasesOf(row); oddRow++) {
          for (let oddColumn = 0; oddColumn < phasesOf(column); oddColumn++) {
            const filter = source + <usize>(output * 9 + oddRow * 3 + oddColumn) * <usize>channels
            for (let c: usize = 0; c < pairs * 2; c++) {
              const u =
                real && c < <usize>channels
                  ? filterOf(filter + c, <usize>channels, row, column, oddRow != 0, oddColumn != 0)
                  : 0
              store<i16>(place + (c >> 1) * 32 + (c & 1) * (product == Product.dot ? 2 : 16), u)
            }
            place += pairs * 32
          }
        }
      }
      to += inChunk * panelBytes
    }
  }
}

/**
 * G' w G'^T at a tap. The phase's first weight is at `from`, and in a direction where the phase is
 * even its second weight lies two places on.
 */
function filterOf(from: usize, channels: usize, row: i32, column: i32, oddRow: bool, oddColumn: bool): i32 {
  const w0 = rowOfFilter(from, channels, column, oddColumn)
  return oddRow ? w0 : combined(row, w0, rowOfFilter(from + 6 * channels, channels, column, oddColumn))
}

// @ts-ignore: decorator
@inline
function rowOfFilter(from: usize, channels: usize, column: i32, odd: bool): i32 {
  const w0 = <i32>load<i8>(from)
  return odd ? w0 : combined(column, w0, load<i8>(from + 2 * channels))
}

// @ts-ignore: decorator
@inline
function combined(n: i32, w0: i32, w1: i32): i32 {
  return n == 0 ? w0 : n == SIDE - 1 ? w1 : weights42<i32>(n, w0, w1)
}
