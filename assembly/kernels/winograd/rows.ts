// Winograd's second pass and what follows it, for eight channels of int8, which nearly all tiles
// are: from one pass at `from`, [rows][side][8] int32, to pixels. output.ts has the other cases,
// and says why this is exact.

import { Winograd } from '../../lib/instructions'
import { requantized } from '../../lib/requantize'
import { narrow, roundingOffset } from '../../lib/vector'
import { first33, second33, third33 } from './f33'
import { first42, fourth42, second42, third42, three } from './f42'
import { first43, fourth43, INVERSE_OF_9, missing43, second43, third43 } from './f43'
import { sideOf } from './form'

// @ts-ignore: decorator
@inline
export function transformRows(
  i: Winograd,
  form: i32,
  work: usize,
  to: usize,
  panel: i32,
  rows: i32,
  columns: i32,
  shortRows: bool,
  shortColumns: bool,
): void {
  if (form == 43) {
    if (shortColumns) rows33(i, work, to, panel, rows, columns, shortRows)
    else rows43(i, work, to, panel, rows, columns, shortRows)
  } else if (form == 42) rows42(i, work, to, panel, rows, columns)
  else if (form == 23) rows23(i, work, to, panel, rows, columns)
  else rows22(i, work, to, panel, rows, columns)
}

function rows43(i: Winograd, from: usize, to: usize, panel: i32, rows: i32, columns: i32, shortRows: bool): void {
  rowsOf(43, shortRows, false, i, from, to, panel, rows, columns)
}

function rows33(i: Winograd, from: usize, to: usize, panel: i32, rows: i32, columns: i32, shortRows: bool): void {
  rowsOf(43, shortRows, true, i, from, to, panel, rows, columns)
}

function rows42(i: Winograd, from: usize, to: usize, panel: i32, rows: i32, columns: i32): void {
  rowsOf(42, false, false, i, from, to, panel, rows, columns)
}

function rows23(i: Winograd, from: usize, to: usize, panel: i32, rows: i32, columns: i32): void {
  rowsOf(23, false, false, i, from, to, panel, rows, columns)
}

function rows22(i: Winograd, from: usize, to: usize, panel: i32, rows: i32, columns: i32): void {
  rowsOf(22, false, false, i, from, to, panel, rows, columns)
}

// @ts-ignore: decorator
@inline
function rowsOf(
  form: i32,
  shortRows: bool,
  short: bool,
  i: Winograd,
  from: usize,
  to: usize,
  panel: i32,
  rows: i32,
  columns: i32,
): void {
  const stride = <usize>i.outputStride
  const zero = i.outputZeroPoint
  const s = f32x4.splat(i.slope)
  const l = f32x4.splat(<f32>(i.low - zero))
  const h = f32x4.splat(<f32>(i.high - zero))
  const o = roundingOffset(zero)
  const multipliers = i.multipliers + <usize>panel * 32
  const n0 = v128.load(multipliers)
  const n1 = v128.load(multipliers, 16)
  for (let y = 0; y < rows; y++) {
    // This factor lacks what depends on the place in the row: half43 and half33 add that.
    const f = i32x4.splat(form == 43 ? INVERSE_OF_9 << missing43(y, shortRows) : INVERSE_OF_9)
    const low = half(form, short, from, f, n0, s, l, h, o)
    storeRow(low, half(form, short, from + 16, f, n1, s, l, h, o), to, stride, columns)
    from += <usize>sideOf(form) * 32
    to += <usize>i.outputRowStride
  }
}

/** Four pixels of a row, four channels of each. */
// @ts-ignore: decorator
@inline
function half(form: i32, short: bool, from: usize, f: v128, n: v128, s: v128, l: v128, h: v128, o: v128): v128 {
  if (form == 43) {
    if (short) return half33(from, f, n, s, l, h, o)
    return half43(from, f, n, s, l, h, o)
  }
  if (form == 42) return half42(from, f, n, s, l, h, o)
  if (form == 23) return half23(from, n, s, l, h, o)
  return half22(from, n, s, l, h, o)
}

// @ts-ignore: decorator
@inline
function half43(from: usize, f: v128, n: v128, s: v128, l: v128, h: v128, o: v128): v128 {
  const m0 = v128.load(from)
  const m1 = v128.load(from, 32)
  const m2 = v128.load(from, 64)
  const m3 = v128.load(from, 96)
  const m4 = v128.load(from, 128)
  const m5 = v128.load(from, 160)
  const p = i32x4.add(m1, m2)
  const q = i32x4.sub(m1, m2)
  const t = i32x4.add(m3, m4)
  const u = i32x4.sub(m3, m4)
  return narrow(
    requantized(i32x4.mul(first43<v128>(m0, p, t), f), n, s, l, h, o),
    requantized(i32x4.mul(second43<v128>(q, u), i32x4.shl(f, 1)), n, s, l, h, o),
    requantized(i32x4.mul(third43<v128>(p, t), i32x4.shl(f, 2)), n, s, l, h, o),
    requantized(i32x4.mul(fourth43<v128>(m5, q, u), i32x4.shl(f, 2)), n, s, l, h, o),
  )
}

// @ts-ignore: decorator
@inline
function half33(from: usize, f: v128, n: v128, s: v128, l: v128, h: v128, o: v128): v128 {
  const m0 = v128.load(from)
  const m1 = v128.load(from, 32)
  const m2 = v128.load(from, 64)
  const m3 = v128.load(from, 96)
  const m5 = v128.load(from, 160)
  const c = requantized(i32x4.mul(third33<v128>(m1, m2, m3, m5), i32x4.shl(f, 2)), n, s, l, h, o)
  return narrow(
    requantized(i32x4.mul(first33<v128>(m0, m1, m2, m3), i32x4.shl(f, 1)), n, s, l, h, o),
    requantized(i32x4.mul(second33<v128>(m1, m2, m3), i32x4.shl(f, 2)), n, s, l, h, o),
    c,
    c,
  )
}

// @ts-ignore: decorator
@inline
function half42(from: usize, f: v128, n: v128, s: v128, l: v128, h: v128, o: v128): v128 {
  const m0 = v128.load(from)
  const m1 = v128.load(from, 32)
  const m2 = v128.load(from, 64)
  const m3 = v128.load(from, 96)
  const m4 = v128.load(from, 128)
  const one = three<v128>(m1)
  const minus = i32x4.sub(one, m2)
  const plus = i32x4.add(one, m2)
  return narrow(
    requantized(i32x4.mul(first42<v128>(m0, minus, m3), f), n, s, l, h, o),
    requantized(i32x4.mul(second42<v128>(plus, m3), f), n, s, l, h, o),
    requantized(i32x4.mul(third42<v128>(minus, m3), f), n, s, l, h, o),
    requantized(i32x4.mul(fourth42<v128>(plus, m3, m4), f), n, s, l, h, o),
  )
}

// @ts-ignore: decorator
@inline
function half23(from: usize, n: v128, s: v128, l: v128, h: v128, o: v128): v128 {
  const m0 = v128.load(from)
  const m1 = v128.load(from, 32)
  const m2 = v128.load(from, 64)
  const m3 = v128.load(from, 96)
  const a = requantized(i32x4.add(m0, i32x4.add(m1, m2)), n, s, l, h, o)
  const b = requantized(i32x4.sub(i32x4.sub(m1, m2), m3), n, s, l, h, o)
  return narrow(a, b, a, b)
}

// @ts-ignore: decorator
@inline
function half22(from: usize, n: v128, s: v128, l: v128, h: v128, o: v128): v128 {
  const m0 = v128.load(from)
  const m1 = v128.load(from, 32)
  const m2 = v128.load(from, 64)
  const a = requantized(i32x4.add(m0, m1), n, s, l, h, o)
  const b = requantized(i32x4.add(m1, m2), n, s, l, h, o)
  return narrow(a, b, a, b)
}

/** Up to four pixels: `low` has the first four channels of each, and `high` the other four. */
// @ts-ignore: decorator
@inline
function storeRow(low: v128, high: v128, to: usize, stride: usize, columns: i32): void {
  const ab = i8x16.shuffle(low, high, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23)
  v128.store64_lane(to, ab, 0)
  if (columns > 1) {
    v128.store64_lane(to + stride, ab, 1)
    if (columns > 2) {
      const cd = i8x16.shuffle(low, high, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31)
      v128.store64_lane(to + 2 * stride, cd, 0)
      if (columns > 3) v128.store64_lane(to + 3 * stride, cd, 1)
    }
  }
}
