// 2^x for x <= 0, where x below -30 counts as -30: n = round(x), half to even, r = x - n with |r|
// <= 1/2, and 2^r by a polynomial of degree 4 that is 1 at 0 and has a relative error below 5e-6; n
// is added to its exponent. That is enough where 13 bits of the result are kept, and takes half the
// time of exp(). NaN counts as -30. Plain float32 operations in one order give the same bytes in
// every build.

import { pmax } from './vector'

const LEAST: f32 = -30
const MAGIC: f32 = 12582912.0 // 1.5 * 2^23: the low bits of the sum are n
const C1: f32 = 0.693124175
const C2: f32 = 0.240240991
const C3: f32 = 0.0559063591
const C4: f32 = 0.00958277192

// @ts-ignore: decorator
@inline
export function power(value: f32): f32 {
  const x = pmax(LEAST, value)
  const y = x + MAGIC
  const r = x - (y - MAGIC)
  const p = (((C4 * r + C3) * r + C2) * r + C1) * r + 1
  return reinterpret<f32>(reinterpret<i32>(p) + (reinterpret<i32>(y) << 23))
}

/**
 * The constants of powerV, four times each, in memory: V8 makes a vector of a constant anew for
 * each use.
 */
export const POWER_TABLE = memory.data<f32>(
  [LEAST, LEAST, LEAST, LEAST, C4, C4, C4, C4, C3, C3, C3, C3, C2, C2, C2, C2, C1, C1, C1, C1, 1, 1, 1, 1],
  16,
)

// @ts-ignore: decorator
@inline
export function powerV(value: v128, least: v128, magic: v128, c4: v128, c3: v128, c2: v128, c1: v128, c0: v128): v128 {
  const x = f32x4.pmax(least, value)
  const y = f32x4.add(x, magic)
  const r = f32x4.sub(x, f32x4.sub(y, magic))
  const p = step(step(step(step(c4, r, c3), r, c2), r, c1), r, c0)
  return i32x4.add(p, i32x4.shl(y, 23))
}

// @ts-ignore: decorator
@inline
function step(p: v128, r: v128, term: v128): v128 {
  return f32x4.add(f32x4.mul(p, r), term)
}
