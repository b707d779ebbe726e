// The products of pairs.ts for two panels of 8 channels at a time, for seven.ts: two rows, four
// vectors of weights and eight sums, four pairs of depth a turn. In V8 on x86 this is a twentieth
// faster than four rows by one panel, where panels are long and stay in the first-level cache. An
// odd number of rows ends with three by one panel at a time. Rows are aligned to 8 bytes, and
// `pairs` is a multiple of 4. Nothing overflows here that does not in seven.ts.
//
// V8 does the loads of code without a branch first, and would run out of registers. Branches keep
// the pairs apart; they are never taken, because rows are aligned. T tells the compiler that sums
// begin, which saves eight branches each two rows.

import { addDot } from '../../lib/vector'
import { multiply } from './pairs'

/** Lines of the next panels' weights that are read ahead with each two rows. */
export const AHEAD: usize = 8

/**
 * Adds the products of `count` rows and two panels of weights to the sums, [row][8] int32, or
 * begins the sums with them (T is bool). The second panel and its sums lie `panelStep` and
 * `sumsStep` bytes after the first. A group of four rows has `groupBytes`. Meanwhile memory from
 * `ahead` on, `stride` bytes apart, comes to the caches.
 */
export function multiplyTwo<T>(
  rows: usize,
  groupBytes: usize,
  panel: usize,
  panelStep: usize,
  pairs: usize,
  sums: usize,
  sumsStep: usize,
  count: i32,
  ahead: usize,
  stride: usize,
): void {
  const zero = i32x4.splat(0)
  const even = count > 2 ? count - (count & 1) * 3 : count - 1
  for (let row = 0; row < even; row += 2) {
    const other = sums + sumsStep
    let a0 = isBoolean<T>() ? zero : v128.load(sums)
    let a1 = isBoolean<T>() ? zero : v128.load(sums, 16)
    let a2 = isBoolean<T>() ? zero : v128.load(other)
    let a3 = isBoolean<T>() ? zero : v128.load(other, 16)
    let b0 = isBoolean<T>() ? zero : v128.load(sums, 32)
    let b1 = isBoolean<T>() ? zero : v128.load(sums, 48)
    let b2 = isBoolean<T>() ? zero : v128.load(other, 32)
    let b3 = isBoolean<T>() ? zero : v128.load(other, 48)
    touch(ahead, stride)
    ahead += stride * AHEAD
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
  if (!(count & 1)) return
  if (count == 1) {
    multiply(rows, groupBytes, panel, pairs, sums, 1, isBoolean<T>())
    multiply(rows, groupBytes, panel + panelStep, pairs, sums + sumsStep, 1, isBoolean<T>())
  } else {
    const third = count & 2 ? rows + 8 : rows + groupBytes - 8
    threeRows(rows, third, panel, pairs, sums, isBoolean<T>())
    threeRows(rows, third, panel + panelStep, pairs, sums + sumsStep, isBoolean<T>())
  }
}

/**
 * Reads AHEAD bytes and forgets them. So few are on their way at a time that products go on
 * meanwhile, and a processor that sees memory read in order fetches more of it by itself.
 */
// @ts-ignore: decorator
@inline
function touch(at: usize, stride: usize): void {
  load<u8>(at)
  load<u8>(at + stride)
  load<u8>(at + stride * 2)
  load<u8>(at + stride * 3)
  load<u8>(at + stride * 4)
  load<u8>(at + stride * 5)
  load<u8>(at + stride * 6)
  load<u8>(at + stride * 7)
}

/** The last three of an odd number of rows by one panel. */
function threeRows(x: usize, y: usize, p: usize, pairs: usize, sums: usize, begin: bool): void {
  const zero = i32x4.splat(0)
  let a0 = begin ? zero : v128.load(sums)
  let a1 = begin ? zero : v128.load(sums, 16)
  let b0 = begin ? zero : v128.load(sums, 32)
  let b1 = begin ? zero : v128.load(sums, 48)
  let c0 = begin ? zero : v128.load(sums, 64)
  let c1 = begin ? zero : v128.load(sums, 80)
  let u: v128
  let v: v128
  let w: v128
  for (const end = x + pairs * 16; x < end; x += 32) {
    v = v128.load(p)
    w = v128.load(p, 16)
    u = v128.load32_splat(x)
    a0 = addDot(a0, u, v)
    a1 = addDot(a1, u, w)
    u = v128.load32_splat(x, 4)
    b0 = addDot(b0, u, v)
    b1 = addDot(b1, u, w)
    u = v128.load32_splat(y)
    c0 = addDot(c0, u, v)
    c1 = addDot(c1, u, w)
    if (x & 1) break
    v = v128.load(p, 32)
    w = v128.load(p, 48)
    u = v128.load32_splat(x, 16)
    a0 = addDot(a0, u, v)
    a1 = addDot(a1, u, w)
    u = v128.load32_splat(x, 20)
    b0 = addDot(b0, u, v)
    b1 = addDot(b1, u, w)
    u = v128.load32_splat(y, 16)
    c0 = addDot(c0, u, v)
    c1 = addDot(c1, u, w)
    p += 64
    y += 32
  }
  v128.store(sums, a0)
  v128.store(sums, a1, 16)
  v128.store(sums, b0, 32)
  v128.store(sums, b1, 48)
  v128.store(sums, c0, 64)
  v128.store(sums, c1, 80)
}
