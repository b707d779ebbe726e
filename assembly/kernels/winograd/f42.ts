// The transforms of Winograd's F(4x4,2x2) for integers, at the points 0, 1, -1, 2 and infinity.
// Sixteen outputs need 25 products instead of 64 and come out as S * 36. A multiplication by the
// inverse of 9 modulo 2^32 leaves S * 4; the multiplier takes the 4 back.
//
//   B^T  2 -1 -2  1  0      G'  1  0      A'^T  3  3 -1  1  0
//        0  2  1 -1  0          1  1            0  3  1  2  0
//        0  2 -3  1  0          1 -1            0  3 -1  4  0
//        0 -1  0  1  0          1  2            0  3  1  8  6
//        0  2 -1 -2  1          0  1
//
// Ranges: a row of B^T sums to at most 6 in absolute value, so |V| <= 36 * 128 = 4,608; a row of G'
// sums to 3, so |U| <= 9 * 128 = 1,152. Both fit int16. Products and sums may wrap modulo 2^32,
// because only S * 4 has to fit.

import { add16, add32, shl16, shl32, sub16, sub32 } from '../../lib/lanes'

/** B^T d. The five results go to `to`, `step` bytes apart. */
// @ts-ignore: decorator
@inline
export function input42<T>(d0: T, d1: T, d2: T, d3: T, d4: T, to: usize, step: usize): void {
  const odd = sub16<T>(d3, d1)
  const lean = sub16<T>(d1, d2)
  store<T>(to, add16<T>(shl16<T>(sub16<T>(d0, d2), 1), odd))
  store<T>(to + step, sub16<T>(add16<T>(d1, d2), odd))
  store<T>(to + 2 * step, add16<T>(add16<T>(lean, shl16<T>(lean, 1)), odd))
  store<T>(to + 3 * step, odd)
  store<T>(to + 4 * step, sub16<T>(sub16<T>(d4, d2), shl16<T>(odd, 1)))
}

/**
 * The same for a filter whose second tap is 0: all results but the last, whose product would be 0.
 */
// @ts-ignore: decorator
@inline
export function input41<T>(d0: T, d1: T, d2: T, d3: T, to: usize, step: usize): void {
  const odd = sub16<T>(d3, d1)
  const lean = sub16<T>(d1, d2)
  store<T>(to, add16<T>(shl16<T>(sub16<T>(d0, d2), 1), odd))
  store<T>(to + step, sub16<T>(add16<T>(d1, d2), odd))
  store<T>(to + 2 * step, add16<T>(add16<T>(lean, shl16<T>(lean, 1)), odd))
  store<T>(to + 3 * step, odd)
}

/** Value `n` of G' w, for n = 1 to 3. The first and the last are w0 and w1. */
// @ts-ignore: decorator
@inline
export function weights42<T>(n: i32, w0: T, w1: T): T {
  if (n == 1) return add16<T>(w0, w1)
  return n == 2 ? sub16<T>(w0, w1) : add16<T>(w0, shl16<T>(w1, 1))
}

/** A'^T m, row by row: m1 is three times the sum, minus = m1 - m2, plus = m1 + m2. */
// @ts-ignore: decorator
@inline
export function first42<T>(m0: T, minus: T, m3: T): T {
  return add32<T>(add32<T>(three<T>(m0), minus), m3)
}

// @ts-ignore: decorator
@inline
export function second42<T>(plus: T, m3: T): T {
  return add32<T>(plus, shl32<T>(m3, 1))
}

// @ts-ignore: decorator
@inline
export function third42<T>(minus: T, m3: T): T {
  return add32<T>(minus, shl32<T>(m3, 2))
}

// @ts-ignore: decorator
@inline
export function fourth42<T>(plus: T, m3: T, m4: T): T {
  return add32<T>(add32<T>(plus, shl32<T>(m3, 3)), shl32<T>(three<T>(m4), 1))
}

/** One pass of A'^T m: five sums to four, `step` bytes apart. */
// @ts-ignore: decorator
@inline
export function output42<T>(m0: T, m1: T, m2: T, m3: T, m4: T, to: usize, step: usize): void {
  const one = three<T>(m1)
  const minus = sub32<T>(one, m2)
  const plus = add32<T>(one, m2)
  store<T>(to, first42<T>(m0, minus, m3))
  store<T>(to + step, second42<T>(plus, m3))
  store<T>(to + 2 * step, third42<T>(minus, m3))
  store<T>(to + 3 * step, fourth42<T>(plus, m3, m4))
}

// @ts-ignore: decorator
@inline
export function three<T>(m: T): T {
  return add32<T>(m, shl32<T>(m, 1))
}

/**
 * The sums of the tap in row 1, column 1 start from the bias times this, and those of other taps
 * from 0. So all sixteen outputs gain the bias.
 */
export const BIAS42: i32 = 4
