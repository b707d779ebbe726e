// gather_bytes.ts for a 3x3 convolution of a picture: 3 channels whose pixels are 4 bytes apart.
// Such taps are too short for vectors of their own, but one load holds a row of three, and two
// vectors hold the rows of a field: 27 bytes, k = 0 to 26.
//
// The fields lie inside the input. Reads 16 bytes of each row, so up to 5 beyond its last tap;
// writes 14 vectors, or 7 of quads.

import { firstHalves, firstPairs, firstQuads, lastHalves, lastPairs, lastQuads } from '../../lib/turn'

// @ts-ignore: decorator
@inline
function first16(row: usize, rowStride: usize): v128 {
  const lines = v128.load(row)
  return i8x16.shuffle(lines, v128.load(row + rowStride), 0, 1, 2, 4, 5, 6, 8, 9, 10, 16, 17, 18, 20, 21, 22, 24)
}

/** k = 16 to 26. What follows is arbitrary. */
// @ts-ignore: decorator
@inline
function last11(row: usize, rowStride: usize): v128 {
  const lines = v128.load(row + rowStride)
  return i8x16.shuffle(lines, v128.load(row + 2 * rowStride), 9, 10, 16, 17, 18, 20, 21, 22, 24, 25, 26, 0, 0, 0, 0, 0)
}

/** Four pixels whose fields begin at a, b, c and d, to pairs of int16 or to quads of int8. */
export function gatherPicture(a: usize, b: usize, c: usize, d: usize, rowStride: usize, to: usize, quads: bool): void {
  const a0 = first16(a, rowStride)
  const b0 = first16(b, rowStride)
  const c0 = first16(c, rowStride)
  const d0 = first16(d, rowStride)
  const a1 = last11(a, rowStride)
  const b1 = last11(b, rowStride)
  const c1 = last11(c, rowStride)
  const d1 = last11(d, rowStride)
  if (quads) {
    const ab0 = firstQuads(a0, b0)
    const cd0 = firstQuads(c0, d0)
    v128.store(to, firstHalves(ab0, cd0))
    v128.store(to, lastHalves(ab0, cd0), 16)
    const ab1 = lastQuads(a0, b0)
    const cd1 = lastQuads(c0, d0)
    v128.store(to, firstHalves(ab1, cd1), 32)
    v128.store(to, lastHalves(ab1, cd1), 48)
    const ab2 = firstQuads(a1, b1)
    const cd2 = firstQuads(c1, d1)
    v128.store(to, firstHalves(ab2, cd2), 64)
    v128.store(to, lastHalves(ab2, cd2), 80)
    v128.store(to, firstHalves(lastQuads(a1, b1), lastQuads(c1, d1)), 96)
    return
  }
  storePairs(to, firstPairs(a0, b0), firstPairs(c0, d0))
  storePairs(to + 64, lastPairs(a0, b0), lastPairs(c0, d0))
  storePairs(to + 128, firstPairs(a1, b1), firstPairs(c1, d1))
  const cd = firstQuads(lastPairs(a1, b1), lastPairs(c1, d1))
  v128.store(to, i16x8.extend_low_i8x16_s(cd), 192)
  v128.store(to, i16x8.extend_high_i8x16_s(cd), 208)
}

// @ts-ignore: decorator
@inline
function storePairs(to: usize, ab: v128, cd: v128): void {
  const first = firstQuads(ab, cd)
  v128.store(to, i16x8.extend_low_i8x16_s(first))
  v128.store(to, i16x8.extend_high_i8x16_s(first), 16)
  const last = lastQuads(ab, cd)
  v128.store(to, i16x8.extend_low_i8x16_s(last), 32)
  v128.store(to, i16x8.extend_high_i8x16_s(last), 48)
}
