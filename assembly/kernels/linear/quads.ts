// Products of quads of int8 for linear_s8, in relaxed builds with limit 63. Weights are plus 64, so
// within 1..127, as [panel][quad of depth][8 channels][4]; rows are [4 rows][quad][4][4] int8.
//
// Where a processor adds quads in one instruction, that is used, and is twice as fast as pairs of
// int16. What the 64 adds, 64 times the row's sum, is taken off at the start. Where a processor
// adds pairs in int16 (x86 without VNNI, or a runtime that does not use it), the pairs of four
// quads are added before they are widened. What the 64 adds to a sum of four pairs is taken off
// before, because with it the sum would not fit.
//
// Exact: |q| <= 63 and 0 < weight + 64 < 128, so two products are at most 16,002 and four at most
// 32,004. They fit int16 however the relaxed instruction adds, and its second operand has 7 bits.
// Eight products with weights of at most 63, which four pairs are after the correction, are at most
// 31,752; before it, they wrap modulo 2^16.

import { addsQuads, dotPairs, dotQuads, ones, RELAXED } from '../../lib/isa'
import { addDot } from '../../lib/vector'

const QUADS: usize = 512 // quads of a panel that are multiplied at a time

/**
 * Multiplies one panel, of 32 bytes a quad of depth, with all rows. Quads come in twos. The
 * corrections are those that quantizeRows makes for the form that is used here.
 */
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
    const w = from + done * 32
    let fields = rows + done * 16
    let to = sums
    let correction = one ? corrections : corrections + done * 4
    for (let n = count; n > 0; n -= 4) {
      if (one) fourRows(fields, w, length, to, correction, done == 0)
      else {
        twoRows(fields, correction, w, length, to, done == 0)
        if (n > 2) twoRows(fields + 8, correction + 8, w, length, to + 64, done == 0)
      }
      fields += quads * 16
      to += 128
      correction += one ? 16 : ((quads + 3) & ~3) * 4
    }
  }
}

/**
 * Two rows of a group of four x 8 channels, four quads at a time; the sums of the last quads are
 * added at the end. The loop has a way out after each quad, although it never ends after the first
 * or third. V8 12 and older do all loads of a block of code at its beginning, for which there are
 * too few registers.
 */
// @ts-ignore: decorator
@inline
function twoRows(x: usize, c: usize, w: usize, quads: usize, sums: usize, begin: bool): void {
  if (RELAXED) {
    const one = ones()
    const zero = i32x4.splat(0)
    let a0 = begin ? zero : v128.load(sums)
    let a1 = begin ? zero : v128.load(sums, 16)
    let b0 = begin ? zero : v128.load(sums, 32)
    let b1 = begin ? zero : v128.load(sums, 48)
    const end = x + quads * 16
    let s0: v128
    let s1: v128
    let t0: v128
    let t1: v128
    for (;;) {
      s0 = s1 = v128.load32_splat(c)
      t0 = t1 = v128.load32_splat(c, 4)
      let w0 = v128.load(w)
      let w1 = v128.load(w, 16)
      let u = v128.load32_splat(x)
      s0 = i16x8.add(s0, dotPairs(u, w0))
      s1 = i16x8.add(s1, dotPairs(u, w1))
      u = v128.load32_splat(x, 4)
      t0 = i16x8.add(t0, dotPairs(u, w0))
      t1 = i16x8.add(t1, dotPairs(u, w1))
      x += 16
      if (x == end) break
      w += 32
      w0 = v128.load(w)
      w1 = v128.load(w, 16)
      u = v128.load32_splat(x)
      s0 = i16x8.add(s0, dotPairs(u, w0))
      s1 = i16x8.add(s1, dotPairs(u, w1))
      u = v128.load32_splat(x, 4)
      t0 = i16x8.add(t0, dotPairs(u, w0))
      t1 = i16x8.add(t1, dotPairs(u, w1))
      x += 16
      if (x == end) break
      w += 32
      w0 = v128.load(w)
      w1 = v128.load(w, 16)
      u = v128.load32_splat(x)
      s0 = i16x8.add(s0, dotPairs(u, w0))
      s1 = i16x8.add(s1, dotPairs(u, w1))
      u = v128.load32_splat(x, 4)
      t0 = i16x8.add(t0, dotPairs(u, w0))
      t1 = i16x8.add(t1, dotPairs(u, w1))
      x += 16
      if (x == end) break
      w += 32
      w0 = v128.load(w)
      w1 = v128.load(w, 16)
      u = v128.load32_splat(x)
      s0 = i16x8.add(s0, dotPairs(u, w0))
      s1 = i16x8.add(s1, dotPairs(u, w1))
      u = v128.load32_splat(x, 4)
      t0 = i16x8.add(t0, dotPairs(u, w0))
      t1 = i16x8.add(t1, dotPairs(u, w1))
      x += 16
      a0 = addDot(a0, s0, one)
      a1 = addDot(a1, s1, one)
      b0 = addDot(b0, t0, one)
      b1 = addDot(b1, t1, one)
      w += 32
      c += 16
      if (x == end) {
        s0 = s1 = t0 = t1 = zero
        break
      }
    }
    v128.store(sums, addDot(a0, s0, one))
    v128.store(sums, addDot(a1, s1, one), 16)
    v128.store(sums, addDot(b0, t0, one), 32)
    v128.store(sums, addDot(b1, t1, one), 48)
  }
}

/** Four rows x 8 channels, quad by quad. */
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
