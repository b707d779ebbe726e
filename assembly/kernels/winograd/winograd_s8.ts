// conv_s8 for 3x3 kernels at stride 1, by Winograd's minimal filtering: F(4x4,3x3) takes 36
// products for 16 outputs instead of 144, and F(2x2,3x3) takes 16 for 4 instead of 36. `form` is 43
// or 23. One group, any padding, int8 or float32 output.
//
//   V = B^T d B for overlapping patches (input.ts), U = G' w G'^T, packed when weights are loaded,
//   m[tap] = start[tap] + sum over channels of U[tap] * V[tap], int32 (lib/products.ts),
//   acc = A'^T m A' / scale = foldedBias[o] + sum of x * weight, then as conv_s8 (output.ts).
//
// Exact, so the bytes are those of conv_s8: U and V fit int16, and everything after them is linear
// and may wrap modulo 2^32; the inverse of 9 undoes the factor of 9, and the multiplier the power
// of two. Only acc * 2^6 (F(4,3)) or acc * 4 (F(2,3)) has to fit int32. The host proves |acc| <=
// sum |w| * 128 + |foldedBias| < 2^25 or 2^29 before it chooses this kernel.
//
// A block of tiles is transformed for all channels, multiplied for `chunk` panels of output
// channels at a time, and then written. The products go tap by tap. A tap's weights are read in one
// stream and stay in the first-level cache from one group of tiles to the next: those of a panel,
// or of a whole chunk where they are few. Threads share tiles where there are many. Otherwise they
// share channels, and each transforms all tiles. Weights are [chunk][tap][panel of the chunk][8
// int32 of start, then pairs of channels as the product wants them]. With Phase.products only the
// products are computed, of whatever the scratch holds, so that they can be timed.
// Scratch, for each thread: see scratchBytes of src/host/graph/kernels/winograd.ts.

import { CHECKED, checkWinograd } from '../../lib/checks'
import {
  PATCH_SLACK_BYTES,
  Phase,
  Product,
  requireProduct,
  requireWinogradSize,
  SLACK_BYTES,
  SUMS_GAP_BYTES,
  TAP_GAP_BYTES,
  TILE_BYTES,
  TILING_BYTES,
  WINOGRAD_WORK_BYTES,
  Winograd,
  WinogradSize,
} from '../../lib/instructions'
import { SIMD } from '../../lib/isa'
import { productDot, productMla } from '../../lib/products'
import { scratchOf, start } from '../../threads/split'
import { bias23, weights23 } from './f23'
import { bias43, weights43 } from './f43'
import { requireKinds, sideOf } from './form'
import { transformInput } from './input'
import { transformOutput } from './output'
import { hasShortColumns, hasShortRows, Tiling, takePart, tileOutput } from './tiles'

export function winograd43_s8(i: Winograd, part: i32, parts: i32): void {
  winograd_s8(i, 43, part, parts)
}

export function winograd23_s8(i: Winograd, part: i32, parts: i32): void {
  winograd_s8(i, 23, part, parts)
}

/** Computes groups of tiles in blocks of at most `most`, which are about equally long. */
function winograd_s8(i: Winograd, form: i32, part: i32, parts: i32): void {
  if (CHECKED) checkWinograd(i)
  requireKinds(i)
  const work = scratchOf(i, i.scratch)
  const tiling = changetype<Tiling>(work + WINOGRAD_WORK_BYTES)
  tileOutput(i, form, tiling)
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
  const side = sideOf(form)
  const taps = side * side
  const panelBytes = pairs * 32 + 32
  const groupBytes = pairs * 16
  // A chunk of more does not fit the first-level cache.
  const byPanels = pairs > 32
  // No power of two apart, so that the taps of a tile do not compete for the same lines of the
  // cache.
  const tapStride = <usize>most * groupBytes + TAP_GAP_BYTES
  const transformed =
    work +
    ((WINOGRAD_WORK_BYTES +
      TILING_BYTES +
      SLACK_BYTES +
      4 * (<usize>taps * (<usize>(i.inputChannels + 15) & ~15) + PATCH_SLACK_BYTES) +
      63) &
      ~63)
  const sums = transformed + <usize>taps * tapStride
  const count = (endGroup - firstGroup + most - 1) / most
  for (let block = 0; block < count; block++) {
    const first = firstGroup + start(endGroup - firstGroup, block, count)
    const groups = firstGroup + start(endGroup - firstGroup, block + 1, count) - first
    if (!productsOnly) transformInput(i, form, tiling, first, groups, transformed, tapStride, work)
    for (let panel = firstPanel; panel < endPanel; ) {
      const opening = (panel / chunk) * chunk
      const inChunk = min(chunk, panels - opening)
      const end = min(opening + inChunk, endPanel)
      const weights = i.weights + (<usize>opening * <usize>taps + <usize>(panel - opening)) * panelBytes
      const sumsGroup = <usize>(end - panel) * <usize>taps * TILE_BYTES + SUMS_GAP_BYTES
      for (let tap = 0; tap < taps; tap++) {
        let w = weights + <usize>tap * <usize>inChunk * panelBytes
        // Short tiles lack these taps (tiles.ts).
        const lastRow = form == 43 && tap / side == 4
        const lastColumn = form == 43 && tap % side == 4
        let row = sums + <usize>tap * 128
        let x = transformed + <usize>tap * tapStride
        if (byPanels) {
          for (let p = panel; p < end; p++) {
            let y = x
            let m = row
            for (let group = first; group < first + groups; group++) {
              if (!unused(tiling, group, lastRow, lastColumn)) {
                if (dot) productDot(y, w, w + 32, pairs, m)
                else productMla(y, w, w + 32, pairs, m)
              }
              y += groupBytes
              m += sumsGroup
            }
            w += panelBytes
            row += <usize>taps * 128
          }
        } else {
          for (let group = 0; group < groups; group++) {
            if (!unused(tiling, first + group, lastRow, lastColumn)) {
              let u = w
              let m = row
              for (let p = panel; p < end; p++) {
                if (dot) productDot(x, u, u + 32, pairs, m)
                else productMla(x, u, u + 32, pairs, m)
                u += panelBytes
                m += <usize>taps * 128
              }
            }
            x += groupBytes
            row += sumsGroup
          }
        }
      }
      if (!productsOnly) transformOutput(i, form, tiling, first, groups, panel, end - panel, sums, sumsGroup, work)
      panel = end
    }
  }
}

// @ts-ignore: decorator
@inline
function unused(tiling: Tiling, group: i32, lastRow: bool, lastColumn: bool): bool {
  return (lastRow && hasShortRows(tiling, group)) || (lastColumn && hasShortColumns(tiling, group))
}

/**
 * int8 [outputChannels][3][3][channels] to the packed layout, with int32
 * foldedBias[outputChannels]. Uses PACKING_WORK_BYTES at `work`.
 */
export function pack_winograd_s8(
  size: i32,
  source: usize,
  foldedBias: usize,
  target: usize,
  outputChannels: i32,
  channels: i32,
  chunk: i32,
  product: i32,
  work: usize,
): void {
  packWinogradPanels(
    size,
    source,
    foldedBias,
    target,
    outputChannels,
    channels,
    chunk,
    product,
    work,
    0,
    (outputChannels + 7) >> 3,
  )
}

/** The same for some of the panels. */
export function packWinogradPanels(
  size: i32,
  source: usize,
  foldedBias: usize,
  target: usize,
  outputChannels: i32,
  channels: i32,
  chunk: i32,
  product: i32,
  work: usize,
  firstPanel: i32,
  endPanel: i32,
): void {
  requireWinogradSize(size)
  requireProduct(product)
  const side = size + 2
  const taps = <usize>(side * side)
  const panelBytes = <usize>((channels + 7) >> 3) * 128 + 32
  const panels = (outputChannels + 7) >> 3
  const channelStep: usize = product == Product.dot ? 4 : 2
  for (let panel = firstPanel; panel < endPanel; panel++) {
    const opening = (panel / chunk) * chunk
    const inChunk = <usize>min(chunk, panels - opening)
    const first = target + (<usize>opening * taps + <usize>(panel - opening)) * panelBytes
    for (let o = 0; o < 8; o++) {
      const output = panel * 8 + o
      const real = output < outputChannels
      const bias = real ? load<i32>(foldedBias + <usize>output * 4) : 0
      let to = first
      for (let row = 0; row < side; row++) {
        for (let column = 0; column < side; column++) {
          const factor = size == WinogradSize.f43 ? bias43(row) * bias43(column) : bias23(row) * bias23(column)
          store<i32>(to + <usize>o * 4, bias * factor)
          to += inChunk * panelBytes
        }
      }
      const filter = source + <usize>output * 9 * <usize>channels
      to = first + 32 + <usize>o * channelStep
      for (let c = 0; c < channels; c += 8) {
        if (SIMD) {
          transformFilter<v128>(size, filter, channels, c, real, work)
          storeFilter(to, inChunk * panelBytes, taps, product, work)
        } else {
          for (let n = 0; n < 8; n++) {
            transformFilter<i32>(size, filter, channels, c + n, real, work)
            let at = to + <usize>(n >> 1) * 32 + <usize>(n & 1) * (product == Product.dot ? 2 : 16)
            for (let tap: usize = 0; tap < taps; tap++) {
              store<i16>(at, load<i32>(work + tap * 4))
              at += inChunk * panelBytes
            }
          }
        }
        to += 128
      }
    }
  }
}

/**
 * Writes G' w G'^T of one output channel, and of eight (T = v128) or one (T = i32) input channels
 * from c on, to `work`.
 */
function transformFilter<T>(size: i32, filter: usize, channels: i32, c: i32, real: bool, work: usize): void {
  const bytes: usize = isVector<T>() ? 16 : 4
  const side = <usize>(size + 2)
  const once = work + 36 * bytes
  for (let column: usize = 0; column < 3; column++) {
    const from = filter + column * <usize>channels + <usize>c
    const w0 = filterTap<T>(from, channels - c, real)
    const w1 = filterTap<T>(from + 3 * <usize>channels, channels - c, real)
    const w2 = filterTap<T>(from + 6 * <usize>channels, channels - c, real)
    if (size == WinogradSize.f43) weights43<T>(w0, w1, w2, once + column * bytes, 3 * bytes)
    else weights23<T>(w0, w1, w2, once + column * bytes, 3 * bytes)
  }
  for (let row: usize = 0; row < side; row++) {
    const from = once + row * 3 * bytes
    const w0 = load<T>(from)
    const w1 = load<T>(from + bytes)
    const w2 = load<T>(from + 2 * bytes)
    if (size == WinogradSize.f43) weights43<T>(w0, w1, w2, work + row * side * bytes, bytes)
    else weights23<T>(w0, w1, w2, work + row * side * bytes, bytes)
  }
}

/** The weights at `from`, and zeros where there is no channel: `left` channels are left. */
// @ts-ignore: decorator
@inline
function filterTap<T>(from: usize, left: i32, real: bool): T {
  if (isVector<T>()) {
    if (!real) return i16x8.splat(0)
    const all = v128.load8x8_s(from)
    if (left >= 8) return all
    const lane = i16x8(0, 1, 2, 3, 4, 5, 6, 7)
    return v128.and(all, i16x8.lt_s(lane, i16x8.splat(<i16>left)))
  }
  return real && left > 0 ? <i32>load<i8>(from) : 0
}

/** Stores eight channels of each tap, with `tapBytes` bytes from tap to tap. */
// @ts-ignore: decorator
@inline
function storeFilter(to: usize, tapBytes: usize, taps: usize, product: i32, work: usize): void {
  for (let from = work, end = work + taps * 16; from < end; from += 16) {
    const u = v128.load(from)
    if (product == Product.dot) {
      v128.store32_lane(to, u, 0)
      v128.store32_lane(to, u, 1, 32)
      v128.store32_lane(to, u, 2, 64)
      v128.store32_lane(to, u, 3, 96)
    } else {
      v128.store16_lane(to, u, 0)
      v128.store16_lane(to, u, 1, 16)
      v128.store16_lane(to, u, 2, 32)
      v128.store16_lane(to, u, 3, 48)
      v128.store16_lane(to, u, 4, 64)
      v128.store16_lane(to, u, 5, 80)
      v128.store16_lane(to, u, 6, 96)
      v128.store16_lane(to, u, 7, 112)
    }
    to += tapBytes
  }
}
