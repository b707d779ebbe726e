// Products of pairs of int16 for linear_s8. Weights are [panel of 8 channels][pair of depth][8][2]
// int8, rows [4 rows][pair][4][2] int16. LINEAR_PAIRS pairs of a panel at a time are widened to
// int16 in scratch, where they stay in the first-level cache. 4 rows x 8 channels take eight
// accumulators and six loads a pair of depth, which is all that sixteen registers hold. One or two
// rows that are left over have loops of their own.

import { LINEAR_PAIRS } from '../../lib/instructions'
import { SIMD } from '../../lib/isa'
import { addDot } from '../../lib/vector'

/** Multiplies one panel, of 16 bytes a pair of depth, with all rows. */
export function multiplyPairs(
  rows: usize,
  weights: usize,
  p: i32,
  depth: i32,
  sums: usize,
  panel: usize,
  count: i32,
): void {
  const pairs = <usize>((depth + 1) >> 1)
  const from = weights + <usize>p * pairs * 16
  for (let done: usize = 0; done < pairs; done += LINEAR_PAIRS) {
    const length = min(LINEAR_PAIRS, pairs - done)
    widenPanel(from + done * 16, panel, length)
    multiply(rows + done * 16, pairs * 16, panel, length, sums, count, done == 0)
  }
}

/** [pair][8][2] int8 to int16. */
function widenPanel(from: usize, to: usize, pairs: usize): void {
  if (SIMD) {
    for (const end = to + pairs * 32; to < end; to += 32) {
      const w = v128.load(from)
      v128.store(to, i16x8.extend_low_i8x16_s(w))
      v128.store(to, i16x8.extend_high_i8x16_s(w), 16)
      from += 16
    }
  } else {
    for (const end = to + pairs * 32; to < end; to += 2) {
      store<i16>(to, load<i8>(from))
      from++
    }
  }
}

/**
 * Adds the products of `count` rows and a piece of a panel to the sums, [row][8] int32, or begins
 * the sums with them. A group of four rows has `groupBytes`.
 */
export function multiply(
  rows: usize,
  groupBytes: usize,
  panel: usize,
  pairs: usize,
  sums: usize,
  count: i32,
  begin: bool,
): void {
  for (; count > 0; count -= 4) {
    if (!SIMD) scalarRows(rows, panel, pairs, sums, <usize>min(count, 4), begin)
    else if (count > 2) fourRows(rows, panel, pairs, sums, begin)
    else if (count == 2) twoRows(rows, panel, pairs, sums, begin)
    else oneRow(rows, panel, pairs, sums, begin)
    rows += groupBytes
    sums += 128
  }
}

// @ts-ignore: decorator
@inline
function fourRows(x: usize, w: usize, pairs: usize, sums: usize, begin: bool): void {
  const zero = i32x4.splat(0)
  let a0 = begin ? zero : v128.load(sums)
  let a1 = begin ? zero : v128.load(sums, 16)
  let b0 = begin ? zero : v128.load(sums, 32)
  let b1 = begin ? zero : v128.load(sums, 48)
  let c0 = begin ? zero : v128.load(sums, 64)
  let c1 = begin ? zero : v128.load(sums, 80)
  let d0 = begin ? zero : v128.load(sums, 96)
  let d1 = begin ? zero : v128.load(sums, 112)
  for (const end = x + pairs * 16; x < end; x += 16) {
    const w0 = v128.load(w)
    const w1 = v128.load(w, 16)
    let v = v128.load32_splat(x)
    a0 = addDot(a0, v, w0)
    a1 = addDot(a1, v, w1)
    v = v128.load32_splat(x, 4)
    b0 = addDot(b0, v, w0)
    b1 = addDot(b1, v, w1)
    v = v128.load32_splat(x, 8)
    c0 = addDot(c0, v, w0)
    c1 = addDot(c1, v, w1)
    v = v128.load32_splat(x, 12)
    d0 = addDot(d0, v, w0)
    d1 = addDot(d1, v, w1)
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

// @ts-ignore: decorator
@inline
function twoRows(x: usize, w: usize, pairs: usize, sums: usize, begin: bool): void {
  const zero = i32x4.splat(0)
  let a0 = begin ? zero : v128.load(sums)
  let a1 = begin ? zero : v128.load(sums, 16)
  let b0 = begin ? zero : v128.load(sums, 32)
  let b1 = begin ? zero : v128.load(sums, 48)
  for (const end = x + pairs * 16; x < end; x += 16) {
    const w0 = v128.load(w)
    const w1 = v128.load(w, 16)
    let v = v128.load32_splat(x)
    a0 = addDot(a0, v, w0)
    a1 = addDot(a1, v, w1)
    v = v128.load32_splat(x, 4)
    b0 = addDot(b0, v, w0)
    b1 = addDot(b1, v, w1)
    w += 32
  }
  v128.store(sums, a0)
  v128.store(sums, a1, 16)
  v128.store(sums, b0, 32)
  v128.store(sums, b1, 48)
}

// @ts-ignore: decorator
@inline
function oneRow(x: usize, w: usize, pairs: usize, sums: usize, begin: bool): void {
  let a0 = begin ? i32x4.splat(0) : v128.load(sums)
  let a1 = begin ? i32x4.splat(0) : v128.load(sums, 16)
  for (const end = x + pairs * 16; x < end; x += 16) {
    const v = v128.load32_splat(x)
    a0 = addDot(a0, v, v128.load(w))
    a1 = addDot(a1, v, v128.load(w, 16))
    w += 32
  }
  v128.store(sums, a0)
  v128.store(sums, a1, 16)
}

function scalarRows(rows: usize, panel: usize, pairs: usize, sums: usize, count: usize, begin: bool): void {
  for (let n: usize = 0; n < count * 8; n++) {
    let acc = begin ? 0 : load<i32>(sums + n * 4)
    let x = rows + (n >> 3) * 4
    let w = panel + (n & 7) * 4
    for (const end = x + pairs * 16; x < end; x += 16) {
      acc += <i32>load<i16>(x) * <i32>load<i16>(w) + <i32>load<i16>(x, 2) * <i32>load<i16>(w, 2)
      w += 32
    }
    store<i32>(sums + n * 4, acc)
  }
}
