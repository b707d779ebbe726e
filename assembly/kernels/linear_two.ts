// linear_pairs.ts's products of two panels of 8 channels at a time, for linear_seven.ts: two rows, four vectors of weights and
// eight sums, four pairs of depth to a round. A twentieth faster than four rows by one panel in V8 on x86, where the panels
// stay in the first-level cache and are long. Rows are aligned to 8 bytes, `pairs` is a multiple of 4; nothing here can
// overflow that does not in linear_seven.ts.
//
// V8 puts the loads of all that runs without a branch first, and would run out of registers: branches that are never taken,
// as rows are aligned, keep the pairs apart.

import { addDot } from '../vector'

/**
 * Adds to the sums, [row][8] int32, or begins them, the products of `count` rows and two panels of weights, of which the second
 * and its sums are `panelStep` and `sumsStep` bytes after the first. A group of four rows has `groupBytes`.
 */
export function multiplyTwo(
  rows: usize,
  groupBytes: usize,
  panel: usize,
  panelStep: usize,
  pairs: usize,
  sums: usize,
  sumsStep: usize,
  count: i32,
  begin: bool,
): void {
  const zero = i32x4.splat(0)
  for (let row = 0; row < count - 1; row += 2) {
    const other = sums + sumsStep
    let a0 = begin ? zero : v128.load(sums)
    let a1 = begin ? zero : v128.load(sums, 16)
    let a2 = begin ? zero : v128.load(other)
    let a3 = begin ? zero : v128.load(other, 16)
    let b0 = begin ? zero : v128.load(sums, 32)
    let b1 = begin ? zero : v128.load(sums, 48)
    let b2 = begin ? zero : v128.load(other, 32)
    let b3 = begin ? zero : v128.load(other, 48)
    let p = panel
    let q = panel + panelStep
    let u: v128
    let v: v128
    let w: v128
    let x = rows
    for (const end = x + pairs * 16; x < end; x += 64) {
      u = v128.load32_splat(x)
      v = v128.load32_splat(x, 4)
      w = v128.load(p)
      a0 = addDot(a0, u, w)
      b0 = addDot(b0, v, w)
      w = v128.load(p, 16)
      a1 = addDot(a1, u, w)
      b1 = addDot(b1, v, w)
      w = v128.load(q)
      a2 = addDot(a2, u, w)
      b2 = addDot(b2, v, w)
      w = v128.load(q, 16)
      a3 = addDot(a3, u, w)
      b3 = addDot(b3, v, w)
      if (x & 1) break
      u = v128.load32_splat(x, 16)
      v = v128.load32_splat(x, 20)
      w = v128.load(p, 32)
      a0 = addDot(a0, u, w)
      b0 = addDot(b0, v, w)
      w = v128.load(p, 48)
      a1 = addDot(a1, u, w)
      b1 = addDot(b1, v, w)
      w = v128.load(q, 32)
      a2 = addDot(a2, u, w)
      b2 = addDot(b2, v, w)
      w = v128.load(q, 48)
      a3 = addDot(a3, u, w)
      b3 = addDot(b3, v, w)
      if (x & 2) break
      u = v128.load32_splat(x, 32)
      v = v128.load32_splat(x, 36)
      w = v128.load(p, 64)
      a0 = addDot(a0, u, w)
      b0 = addDot(b0, v, w)
      w = v128.load(p, 80)
      a1 = addDot(a1, u, w)
      b1 = addDot(b1, v, w)
      w = v128.load(q, 64)
      a2 = addDot(a2, u, w)
      b2 = addDot(b2, v, w)
      w = v128.load(q, 80)
      a3 = addDot(a3, u, w)
      b3 = addDot(b3, v, w)
      if (x & 4) break
      u = v128.load32_splat(x, 48)
      v = v128.load32_splat(x, 52)
      w = v128.load(p, 96)
      a0 = addDot(a0, u, w)
      b0 = addDot(b0, v, w)
      w = v128.load(p, 112)
      a1 = addDot(a1, u, w)
      b1 = addDot(b1, v, w)
      w = v128.load(q, 96)
      a2 = addDot(a2, u, w)
      b2 = addDot(b2, v, w)
      w = v128.load(q, 112)
      a3 = addDot(a3, u, w)
      b3 = addDot(b3, v, w)
      p += 128
      q += 128
    }
    v128.store(sums, a0)
    v128.store(sums, a1, 16)
    v128.store(other, a2)
    v128.store(other, a3, 16)
    v128.store(sums, b0, 32)
    v128.store(sums, b1, 48)
    v128.store(other, b2, 32)
    v128.store(other, b3, 48)
    rows += row & 2 ? groupBytes - 8 : 8
    sums += 64
  }
  if (count & 1) oneRowTwo(rows, panel, panelStep, pairs, sums, sumsStep, begin)
}

/** The last of an odd number of rows. */
// @ts-ignore: decorator
@inline
function oneRowTwo(
  x: usize,
  panel: usize,
  panelStep: usize,
  pairs: usize,
  sums: usize,
  sumsStep: usize,
  begin: bool,
): void {
  const other = sums + sumsStep
  let a0 = begin ? i32x4.splat(0) : v128.load(sums)
  let a1 = begin ? i32x4.splat(0) : v128.load(sums, 16)
  let a2 = begin ? i32x4.splat(0) : v128.load(other)
  let a3 = begin ? i32x4.splat(0) : v128.load(other, 16)
  let p = panel
  let q = panel + panelStep
  for (const end = x + pairs * 16; x < end; x += 16) {
    const v = v128.load32_splat(x)
    a0 = addDot(a0, v, v128.load(p))
    a1 = addDot(a1, v, v128.load(p, 16))
    a2 = addDot(a2, v, v128.load(q))
    a3 = addDot(a3, v, v128.load(q, 16))
    p += 32
    q += 32
  }
  v128.store(sums, a0)
  v128.store(sums, a1, 16)
  v128.store(other, a2)
  v128.store(other, a3, 16)
}
