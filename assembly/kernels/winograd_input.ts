// V = B^T d B of overlapping patches d of the input, (size + 2) x (size + 2) at steps of `size`, for each channel; patch
// (y, x) begins at (y * size - padTop, x * size - padLeft), positions outside the input count as inputZeroPoint. Written
// as [tap][group of 4 tiles][pair of channels][4 tiles][2] int16, tap = row * (size + 2) + column, the taps `tapStride`
// bytes apart. A last incomplete group repeats its last tile. Channels are padded to a multiple of 8 with
// arbitrary values: their weights are 0.
//
// This kernel pads: a patch that reaches over the edge is copied first. Ranges: winograd43.ts, winograd23.ts.
// Reads up to 15 bytes beyond a pixel's channels.

import { SIMD } from '../isa'
import { address, word } from '../word'
import { input23 } from './winograd23'
import { input43 } from './winograd43'

/** Bytes of `work` beside the patches: results of one pass, of both passes, four places of tiles. */
export const INPUT_WORK: usize = 36 * 16 + 36 * 64 + 64

/**
 * Transforms tiles 4 * firstGroup to 4 * (firstGroup + groups) - 1. `work` has INPUT_WORK bytes and four padded patches of
 * taps * roundUp(channels, 16) + 16 bytes.
 */
export function transformInput(
  i: usize,
  size: i32,
  firstGroup: i32,
  groups: i32,
  tiles: i32,
  tilesX: i32,
  to: usize,
  tapStride: usize,
  work: usize,
): void {
  const channels = word(i, 7)
  const side = size + 2
  const taps = <usize>(side * side)
  const groupBytes = <usize>((channels + 7) >> 3) * 64
  const passed = work
  const both = work + 36 * 16
  const places = both + 36 * 64
  const patchBytes = taps * (<usize>(channels + 15) & ~15) + 16
  for (let group = firstGroup; group < firstGroup + groups; group++) {
    for (let t = 0; t < 4; t++) {
      const tile = min(group * 4 + t, tiles - 1)
      locate(i, size, tile / tilesX, tile % tilesX, places + <usize>t * 16, places + 64 + <usize>t * patchBytes)
    }
    let target = to
    if (SIMD) {
      for (let c = 0; c < channels; c += 8) {
        for (let t: usize = 0; t < 4; t++) {
          const place = places + t * 16
          const corner = <usize>load<u32>(place) + <usize>c
          const rowStride = <usize>load<u32>(place, 4)
          const stride = <usize>load<u32>(place, 8)
          if (size == 4) patch43(corner, rowStride, stride, passed, both + t * 16)
          else patch23(corner, rowStride, stride, passed, both + t * 16)
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
          single(size, corner, <usize>load<u32>(place, 4), <usize>load<u32>(place, 8), passed, both)
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

/** Address, row stride and pixel stride of tile (tileY, tileX): in the input, or in `patch`, to which an edge is copied. */
function locate(i: usize, size: i32, tileY: i32, tileX: i32, place: usize, patch: usize): void {
  const height = word(i, 5)
  const width = word(i, 6)
  const channels = word(i, 7)
  const stride = <usize>word(i, 8)
  const side = size + 2
  const top = tileY * size - word(i, 13)
  const left = tileX * size - word(i, 14)
  const rowStride = <usize>width * stride
  const corner = address(i, 1) + <usize>(top * width + left) * stride
  if (top >= 0 && left >= 0 && top + side <= height && left + side <= width) {
    store<u32>(place, <u32>corner)
    store<u32>(place, <u32>rowStride, 4)
    store<u32>(place, <u32>stride, 8)
    return
  }
  const padded = <usize>(channels + 15) & ~15
  store<u32>(place, <u32>patch)
  store<u32>(place, <u32>(<usize>side * padded), 4)
  store<u32>(place, <u32>padded, 8)
  const zeroPoint = word(i, 15)
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const inside = <u32>(top + y) < <u32>height && <u32>(left + x) < <u32>width
      if (inside) copyPixel(patch, corner + <usize>y * rowStride + <usize>x * stride, padded)
      else fillPixel(patch, zeroPoint, padded)
      patch += padded
    }
  }
}

/** `bytes` is a multiple of 16, up to 15 more than the pixel has. */
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
  const eight = (<u64>(value & 255)) * 0x0101010101010101
  for (const end = to + bytes; to < end; to += 8) store<u64>(to, eight)
}

/** Eight channels of one 6x6 patch; tap n goes to `to` + 64 n. */
function patch43(corner: usize, rowStride: usize, stride: usize, passed: usize, to: usize): void {
  for (let column = passed, end = passed + 96; column < end; column += 16) {
    const row3 = corner + 3 * rowStride
    input43<v128>(
      v128.load8x8_s(corner),
      v128.load8x8_s(corner + rowStride),
      v128.load8x8_s(corner + 2 * rowStride),
      v128.load8x8_s(row3),
      v128.load8x8_s(row3 + rowStride),
      v128.load8x8_s(row3 + 2 * rowStride),
      column,
      96,
    )
    corner += stride
  }
  for (const end = passed + 576; passed < end; passed += 96) {
    input43<v128>(
      v128.load(passed),
      v128.load(passed, 16),
      v128.load(passed, 32),
      v128.load(passed, 48),
      v128.load(passed, 64),
      v128.load(passed, 80),
      to,
      64,
    )
    to += 384
  }
}

/** Eight channels of one 4x4 patch. */
function patch23(corner: usize, rowStride: usize, stride: usize, passed: usize, to: usize): void {
  for (let column = passed, end = passed + 64; column < end; column += 16) {
    const row2 = corner + 2 * rowStride
    input23<v128>(
      v128.load8x8_s(corner),
      v128.load8x8_s(corner + rowStride),
      v128.load8x8_s(row2),
      v128.load8x8_s(row2 + rowStride),
      column,
      64,
    )
    corner += stride
  }
  for (const end = passed + 256; passed < end; passed += 64) {
    input23<v128>(v128.load(passed), v128.load(passed, 16), v128.load(passed, 32), v128.load(passed, 48), to, 64)
    to += 256
  }
}

/** One channel of one patch; tap n goes to `to` + 4 n as int32. */
function single(size: i32, corner: usize, rowStride: usize, stride: usize, passed: usize, to: usize): void {
  const side = <usize>(size + 2)
  for (let column = passed, end = passed + side * 4; column < end; column += 4) {
    const row2 = corner + 2 * rowStride
    const d0 = <i32>load<i8>(corner)
    const d1 = <i32>load<i8>(corner + rowStride)
    const d2 = <i32>load<i8>(row2)
    const d3 = <i32>load<i8>(row2 + rowStride)
    if (size == 4) {
      const row4 = row2 + 2 * rowStride
      input43<i32>(d0, d1, d2, d3, load<i8>(row4), load<i8>(row4 + rowStride), column, 24)
    } else input23<i32>(d0, d1, d2, d3, column, 16)
    corner += stride
  }
  for (const end = passed + side * side * 4; passed < end; passed += side * 4) {
    const d0 = load<i32>(passed)
    const d1 = load<i32>(passed, 4)
    const d2 = load<i32>(passed, 8)
    const d3 = load<i32>(passed, 12)
    if (size == 4) input43<i32>(d0, d1, d2, d3, load<i32>(passed, 16), load<i32>(passed, 20), to, 4)
    else input23<i32>(d0, d1, d2, d3, to, 4)
    to += side * 4
  }
}

/** Four tiles of eight channels to four pairs of channels of four tiles. */
// @ts-ignore: decorator
@inline
function transpose(from: usize, to: usize): void {
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
