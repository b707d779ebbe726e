// Products of quads of int8 for linear_s8, in relaxed builds with limit 63. Weights plus 64, so 1..127, [panel][quad of depth]
// [8 channels][4], rows [4 rows][quad][4][4] int8; what the 64 adds, 64 times the row's sum, is taken off from the start. Where a
// processor adds quads in one instruction, that is used, twice as fast as pairs of int16; where it adds pairs in int16 (x86
// without VNNI, or a runtime that doesn't use it), two quads' pairs are added before they are widened.
//
// Exact: |q| <= 63 and 0 < weight + 64 < 128, so two products are at most 16,002 and four at most 32,004: they fit int16
// however the relaxed instruction adds, and its second operand is within its 7 bits.

import { addsQuads, dotPairs, dotQuads, RELAXED } from '../isa'

const QUADS: usize = 512 // quads of a panel that are multiplied at a time

/** One panel with all rows, 32 bytes of weights a quad of depth; quads come in twos. */
export function multiplyQuads(
  rows: usize,
  weights: usize,
  p: i32,
  depth: i32,
  sums: usize,
  corrections: usize,
  count: i32,
): void {
  const quads = <usize>((depth + 7) >> 3) * 2
  const from = weights + <usize>p * quads * 32
  const one = addsQuads()
  for (let done: usize = 0; done < quads; done += QUADS) {
    const length = min(QUADS, quads - done)
    let fields = rows + done * 16
    let to = sums
    let correction = corrections
    for (let n = count; n > 0; n -= 4) {
      if (one) fourRows(fields, from + done * 32, length, to, correction, done == 0)
      else {
        twoRows(fields, from + done * 32, length, to, correction, done == 0)
        if (n > 2) twoRows(fields + 8, from + done * 32, length, to + 64, correction + 8, done == 0)
      }
      fields += quads * 16
      to += 128
      correction += 16
    }
  }
}

/** Two rows of a group of four x 8 channels, two quads at a time. */
// @ts-ignore: decorator
@inline
function twoRows(x: usize, w: usize, quads: usize, sums: usize, corrections: usize, begin: bool): void {
  if (RELAXED) {
    const ones = i16x8.splat(1)
    let a0 = begin ? v128.load32_splat(corrections) : v128.load(sums)
    let a1 = begin ? a0 : v128.load(sums, 16)
    let b0 = begin ? v128.load32_splat(corrections, 4) : v128.load(sums, 32)
    let b1 = begin ? b0 : v128.load(sums, 48)
    for (const end = x + quads * 16; x < end; x += 32) {
      const w0 = v128.load(w)
      const w1 = v128.load(w, 16)
      const w2 = v128.load(w, 32)
      const w3 = v128.load(w, 48)
      let v = v128.load32_splat(x)
      let u = v128.load32_splat(x, 16)
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(i16x8.add(dotPairs(v, w0), dotPairs(u, w2)), ones))
      a1 = i32x4.add(a1, i32x4.dot_i16x8_s(i16x8.add(dotPairs(v, w1), dotPairs(u, w3)), ones))
      v = v128.load32_splat(x, 4)
      u = v128.load32_splat(x, 20)
      b0 = i32x4.add(b0, i32x4.dot_i16x8_s(i16x8.add(dotPairs(v, w0), dotPairs(u, w2)), ones))
      b1 = i32x4.add(b1, i32x4.dot_i16x8_s(i16x8.add(dotPairs(v, w1), dotPairs(u, w3)), ones))
      w += 64
    }
    v128.store(sums, a0)
    v128.store(sums, a1, 16)
    v128.store(sums, b0, 32)
    v128.store(sums, b1, 48)
  }
}

/** Four rows x 8 channels, a quad at a time. */
// @ts-ignore: decorator
@inline
function fourRows(x: usize, w: usize, quads: usize, sums: usize, corrections: usize, begin: bool): void {
  if (RELAXED) {
    let a0 = begin ? v128.load32_splat(corrections) : v128.load(sums)
    let a1 = begin ? a0 : v128.load(sums, 16)
    let b0 = begin ? v128.load32_splat(corrections, 4) : v128.load(sums, 32)
    let b1 = begin ? b0 : v128.load(sums, 48)
    let c0 = begin ? v128.load32_splat(corrections, 8) : v128.load(sums, 64)
    let c1 = begin ? c0 : v128.load(sums, 80)
    let d0 = begin ? v128.load32_splat(corrections, 12) : v128.load(sums, 96)
    let d1 = begin ? d0 : v128.load(sums, 112)
    for (const end = x + quads * 16; x < end; x += 16) {
      const w0 = v128.load(w)
      const w1 = v128.load(w, 16)
      let v = v128.load32_splat(x)
      a0 = dotQuads(v, w0, a0)
      a1 = dotQuads(v, w1, a1)
      v = v128.load32_splat(x, 4)
      b0 = dotQuads(v, w0, b0)
      b1 = dotQuads(v, w1, b1)
      v = v128.load32_splat(x, 8)
      c0 = dotQuads(v, w0, c0)
      c1 = dotQuads(v, w1, c1)
      v = v128.load32_splat(x, 12)
      d0 = dotQuads(v, w0, d0)
      d1 = dotQuads(v, w1, d1)
      w += 32
    }
    v128.store(sums, a0)
    v128.store(sums, a1, 16)
    v128.store(sums, b0, 32)
    v128.store(sums, b1, 48)
    v128.store(sums, c0, 64)
    v128.store(sums, c1, 80)
    v128.store(sums, d0, 96)
    v128.store(sums, d1, 112)
  }
}
