// V = B^T d B, for each channel, of overlapping patches d of the input. A patch is side x side
// (form.ts), or one less in a direction. The patch of the tile that begins with output (y, x)
// (tiles.ts) begins at (y - padTop, x - padLeft), and positions outside the input count as
// inputZeroPoint. V is written as [tap][group of 4 tiles][pair of channels][4 tiles][2] int16, tap
// = row * side + column, with `tapStride` bytes from tap to tap. An incomplete last group repeats
// its last tile. Channels are padded to a multiple of 8 with arbitrary values, because their
// weights are 0.
//
// A patch that reaches over the edge is copied first, so this kernel pads. f43.ts and the other
// forms have the ranges. Reads up to 15 bytes beyond a pixel's channels.

import {
  PATCH_SLACK_BYTES,
  TILING_BYTES,
  WINOGRAD_BOTH_BYTES,
  WINOGRAD_PASS_BYTES,
  WINOGRAD_WORK_BYTES,
  Winograd,
} from '../../lib/instructions'
import { SIMD } from '../../lib/isa'
import { input22 } from './f22'
import { input23 } from './f23'
import { input33 } from './f33'
import { input41, input42 } from './f42'
import { input43 } from './f43'
import { sideOf, sizeOf } from './form'
import { columnOf, firstOf, hasShortColumns, hasShortRows, rowOf, Tiling, tilesOf } from './tiles'

/**
 * Transforms tiles 4 * firstGroup to 4 * (firstGroup + groups) - 1. `work` has WINOGRAD_WORK_BYTES
 * (results of one pass, of both passes, four places of tiles), the tiling, and four padded patches
 * of taps * roundUp(channels, 16) + PATCH_SLACK_BYTES.
 */
export function transformInput(
  i: Winograd,
  form: i32,
  tiling: Tiling,
  firstGroup: i32,
  groups: i32,
  to: usize,
  tapStride: usize,
  work: usize,
): void {
  const channels = i.inputChannels
  const taps = <usize>(sideOf(form) * sideOf(form))
  const groupBytes = <usize>((channels + 7) >> 3) * 64
  const passed = work
  const both = work + WINOGRAD_PASS_BYTES
  const places = both + WINOGRAD_BOTH_BYTES
  const patches = work + WINOGRAD_WORK_BYTES + TILING_BYTES
  const patchBytes = taps * (<usize>(channels + 15) & ~15) + PATCH_SLACK_BYTES
  for (let group = firstGroup; group < firstGroup + groups; group++) {
    const shortRows = hasShortRows(tiling, group)
    const shortColumns = hasShortColumns(tiling, group)
    const sideY = sideOf(form) - i32(shortRows)
    const sideX = sideOf(form) - i32(shortColumns)
    for (let t = 0; t < 4; t++) {
      const tile = min(group * 4 + t, tilesOf(tiling) - 1)
      const y = firstOf(rowOf(tiling, tile), tiling.wholeRows, sizeOf(form))
      const x = firstOf(columnOf(tiling, tile), tiling.wholeColumns, sizeOf(form))
      locate(i, y, x, sideY, sideX, places + <usize>t * 16, patches + <usize>t * patchBytes)
    }
    let target = to
    if (SIMD) {
      for (let c = 0; c < channels; c += 8) {
        for (let t: usize = 0; t < 4; t++) {
          const place = places + t * 16
          const corner = <usize>load<u32>(place) + <usize>c
          const rowStride = <usize>load<u32>(place, 4)
          const stride = <usize>load<u32>(place, 8)
          if (form == 43) {
            if (!shortRows) {
              if (!shortColumns) patch43(corner, rowStride, stride, passed, both + t * 16)
              else patch43x33(corner, rowStride, stride, passed, both + t * 16)
            } else if (!shortColumns) patch33x43(corner, rowStride, stride, passed, both + t * 16)
            else patch33(corner, rowStride, stride, passed, both + t * 16)
          } else if (form == 42) patch42(corner, rowStride, stride, passed, both + t * 16)
          else if (form == 23) patch23(corner, rowStride, stride, passed, both + t * 16)
          else patch22(corner, rowStride, stride, passed, both + t * 16)
        }
        let at = target
        for (let tap = both, end = both + taps * 64; tap < end; tap += 64) {
          transpose(tap, at)
          at += tapStride
        }
        target += 64
      }
    } else {
      for (let c = 0; c < channels; c++) {
        for (let t: usize = 0; t < 4; t++) {
          const place = places + t * 16
          const corner = <usize>load<u32>(place) + <usize>c
          const rowStride = <usize>load<u32>(place, 4)
          patch<i32>(form, shortRows, shortColumns, corner, rowStride, <usize>load<u32>(place, 8), passed, both, 4)
          let at = target + <usize>(c >> 1) * 16 + t * 4 + <usize>(c & 1) * 2
          for (let tap: usize = 0; tap < taps; tap++) {
            store<i16>(at, load<i32>(both + tap * 4))
            at += tapStride
          }
        }
      }
    }
    to += groupBytes
  }
}

/**
 * Finds the address, the row stride and the pixel stride of the patch of output (y, x). They are
 * those of the input, or of `patch`, to which a patch at the edge is copied.
 */
export function locate(i: Winograd, y: i32, x: i32, sideY: i32, sideX: i32, place: usize, patch: usize): void {
  const height = i.inputHeight
  const width = i.inputWidth
  const channels = i.inputChannels
  const stride = <usize>i.inputStride
  const top = y - i.padTop
  const left = x - i.padLeft
  const rowStride = <usize>width * stride
  const corner = i.input + <usize>(top * width + left) * stride
  if (top >= 0 && left >= 0 && top + sideY <= height && left + sideX <= width) {
    store<u32>(place, <u32>corner)
    store<u32>(place, <u32>rowStride, 4)
    store<u32>(place, <u32>stride, 8)
    return
  }
  const padded = <usize>(channels + 15) & ~15
  store<u32>(place, <u32>patch)
  store<u32>(place, <u32>(<usize>sideX * padded), 4)
  store<u32>(place, <u32>padded, 8)
  const zeroPoint = i.inputZeroPoint
  for (let row = 0; row < sideY; row++) {
    for (let column = 0; column < sideX; column++) {
      const inside = <u32>(top + row) < <u32>height && <u32>(left + column) < <u32>width
      if (inside) copyPixel(patch, corner + <usize>row * rowStride + <usize>column * stride, padded)
      else fillPixel(patch, zeroPoint, padded)
      patch += padded
    }
  }
}

/** `bytes` is a multiple of 16, and up to 15 more than the pixel has. */
// @ts-ignore: decorator
@inline
function copyPixel(to: usize, from: usize, bytes: usize): void {
  for (const end = to + bytes; to < end; to += 16) {
    if (SIMD) v128.store(to, v128.load(from))
    else {
      store<u64>(to, load<u64>(from))
      store<u64>(to, load<u64>(from, 8), 8)
    }
    from += 16
  }
}

// @ts-ignore: decorator
@inline
function fillPixel(to: usize, value: i32, bytes: usize): void {
  const eight = <u64>(value & 255) * 0x0101010101010101
  for (const end = to + bytes; to < end; to += 8) store<u64>(to, eight)
}

function patch43(corner: usize, rowStride: usize, stride: usize, passed: usize, to: usize): void {
  patch<v128>(43, false, false, corner, rowStride, stride, passed, to, 64)
}

/** Whole in height, short in width. */
function patch43x33(corner: usize, rowStride: usize, stride: usize, passed: usize, to: usize): void {
  patch<v128>(43, false, true, corner, rowStride, stride, passed, to, 64)
}

function patch33x43(corner: usize, rowStride: usize, stride: usize, passed: usize, to: usize): void {
  patch<v128>(43, true, false, corner, rowStride, stride, passed, to, 64)
}

function patch33(corner: usize, rowStride: usize, stride: usize, passed: usize, to: usize): void {
  patch<v128>(43, true, true, corner, rowStride, stride, passed, to, 64)
}

function patch42(corner: usize, rowStride: usize, stride: usize, passed: usize, to: usize): void {
  patch<v128>(42, false, false, corner, rowStride, stride, passed, to, 64)
}

function patch23(corner: usize, rowStride: usize, stride: usize, passed: usize, to: usize): void {
  patch<v128>(23, false, false, corner, rowStride, stride, passed, to, 64)
}

function patch22(corner: usize, rowStride: usize, stride: usize, passed: usize, to: usize): void {
  patch<v128>(22, false, false, corner, rowStride, stride, passed, to, 64)
}

/**
 * One patch of eight channels (T = v128) or of one (T = i32). Tap n goes to `to` + n * `step`. A
 * short direction has five taps: the last one goes to the place of the sixth, and the fifth place
 * keeps what it held. In form 42 a short direction has four inputs and no fifth tap
 * (strided_winograd_s8.ts).
 */
// @ts-ignore: decorator
@inline
export function patch<T>(
  form: i32,
  shortRows: bool,
  shortColumns: bool,
  corner: usize,
  rowStride: usize,
  stride: usize,
  passed: usize,
  to: usize,
  step: usize,
): void {
  const side = <usize>sideOf(form)
  const row = side * sizeof<T>()
  const columns = shortColumns ? row - sizeof<T>() : row
  for (let column = passed, end = passed + columns; column < end; column += sizeof<T>()) {
    const row2 = corner + 2 * rowStride
    const d0 = byte<T>(corner)
    const d1 = byte<T>(corner + rowStride)
    const d2 = byte<T>(row2)
    if (form == 22) input22<T>(d0, d1, d2, column, row)
    else {
      const row3 = corner + 3 * rowStride
      const d3 = byte<T>(row3)
      if (form == 23) input23<T>(d0, d1, d2, d3, column, row)
      else if (form == 42 && shortRows) input41<T>(d0, d1, d2, d3, column, row)
      else {
        const d4 = byte<T>(row3 + rowStride)
        if (form == 42) input42<T>(d0, d1, d2, d3, d4, column, row)
        else if (shortRows) input33<T>(d0, d1, d2, d3, d4, column, row)
        else input43<T>(d0, d1, d2, d3, d4, byte<T>(row3 + 2 * rowStride), column, row)
      }
    }
    corner += stride
  }
  const rows = form == 42 && shortRows ? side - 1 : side
  for (const end = passed + rows * row; passed < end; passed += row) {
    if (form == 43 && shortRows && passed == end - 2 * row) {
      passed += row
      to += side * step
    }
    const d0 = load<T>(passed)
    const d1 = load<T>(passed, sizeof<T>())
    const d2 = load<T>(passed, 2 * sizeof<T>())
    if (form == 22) input22<T>(d0, d1, d2, to, step)
    else {
      const d3 = load<T>(passed, 3 * sizeof<T>())
      if (form == 23) input23<T>(d0, d1, d2, d3, to, step)
      else if (form == 42 && shortColumns) input41<T>(d0, d1, d2, d3, to, step)
      else {
        const d4 = load<T>(passed, 4 * sizeof<T>())
        if (form == 42) input42<T>(d0, d1, d2, d3, d4, to, step)
        else if (shortColumns) input33<T>(d0, d1, d2, d3, d4, to, step)
        else input43<T>(d0, d1, d2, d3, d4, load<T>(passed, 5 * sizeof<T>()), to, step)
      }
    }
    to += side * step
  }
}

/** Widened int8: eight (T = v128) or one (T = i32). */
// @ts-ignore: decorator
@inline
function byte<T>(from: usize): T {
  if (isVector<T>()) return v128.load8x8_s(from)
  return <i32>load<i8>(from)
}

/** Four tiles of eight channels to four pairs of channels of four tiles. */
// @ts-ignore: decorator
@inline
export function transpose(from: usize, to: usize): void {
  const a = v128.load(from)
  const b = v128.load(from, 16)
  const c = v128.load(from, 32)
  const d = v128.load(from, 48)
  const abLow = i8x16.shuffle(a, b, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23)
  const cdLow = i8x16.shuffle(c, d, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23)
  const abHigh = i8x16.shuffle(a, b, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31)
  const cdHigh = i8x16.shuffle(c, d, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31)
  v128.store(to, i8x16.shuffle(abLow, cdLow, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23))
  v128.store(to, i8x16.shuffle(abLow, cdLow, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31), 16)
  v128.store(to, i8x16.shuffle(abHigh, cdHigh, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23), 32)
  v128.store(to, i8x16.shuffle(abHigh, cdHigh, 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31), 48)
}
