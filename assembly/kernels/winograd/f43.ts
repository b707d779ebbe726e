// The transforms of Winograd's F(4x4,3x3) (Lavin and Gray, "Fast Algorithms for Convolutional
// Neural Networks", 2016, section 4.3) for integers. B^T is that of the paper; G' and A' are scaled
// until all entries are integers. Sixteen outputs need 36 products and come out as S * 9 *
// 2^(shift(row) + shift(column)) with shift = 3 2 1 1.
//
//   B^T  4  0 -5  0  1  0      G'  6  0  0      A'^T  1 -4 -4  1  1  0
//        0 -4 -4  1  1  0          1  1  1            0 -2  2  1 -1  0
//        0  4 -4 -1  1  0          1 -1  1            0 -1 -1  1  1  0
//        0 -2 -1  2  1  0          1  2  4            0 -1  1  2 -2  1
//        0  2 -1 -2  1  0          1 -2  4
//        0  4  0 -5  0  1          0  0  6
//
// A multiplication by the inverse of 9 modulo 2^32, times the power of two that is missing to 2^6,
// makes all sixteen S * 2^6. The multiplier is 2^-6 of what it would be, which takes that back
// exactly.
//
// Ranges: a row of B^T sums to 10 in absolute value, so |V| <= 100 * 128 = 12,800; a row of G' sums
// to 7, so |U| <= 49 * 127 = 6,223. Both fit int16. Products and sums may wrap modulo 2^32, because
// only S has to fit: see winograd_s8.ts.

import { add16, add32, shl16, shl32, sub16, sub32 } from '../../lib/lanes'

/** Modulo 2^32. */
export const INVERSE_OF_9 = 954437177

/** B^T d for six values. The six results go to `to`, `step` bytes apart. */
// @ts-ignore: decorator
@inline
export function input43<T>(d0: T, d1: T, d2: T, d3: T, d4: T, d5: T, to: usize, step: usize): void {
  const even = sub16<T>(d4, shl16<T>(d2, 2))
  const odd = sub16<T>(d3, shl16<T>(d1, 2))
  const even2 = sub16<T>(d4, d2)
  const odd2 = shl16<T>(sub16<T>(d3, d1), 1)
  store<T>(to, add16<T>(shl16<T>(sub16<T>(d0, d2), 2), even2))
  store<T>(to + step, add16<T>(even, odd))
  store<T>(to + 2 * step, sub16<T>(even, odd))
  store<T>(to + 3 * step, add16<T>(even2, odd2))
  store<T>(to + 4 * step, sub16<T>(even2, odd2))
  store<T>(to + 5 * step, add16<T>(shl16<T>(sub16<T>(d1, d3), 2), sub16<T>(d5, d3)))
}

/** G' w for three values. The six results go to `to`, `step` bytes apart. */
// @ts-ignore: decorator
@inline
export function weights43<T>(w0: T, w1: T, w2: T, to: usize, step: usize): void {
  const even = add16<T>(w0, w2)
  const even4 = add16<T>(w0, shl16<T>(w2, 2))
  const odd2 = shl16<T>(w1, 1)
  store<T>(to, six<T>(w0))
  store<T>(to + step, add16<T>(even, w1))
  store<T>(to + 2 * step, sub16<T>(even, w1))
  store<T>(to + 3 * step, add16<T>(even4, odd2))
  store<T>(to + 4 * step, sub16<T>(even4, odd2))
  store<T>(to + 5 * step, six<T>(w2))
}

// @ts-ignore: decorator
@inline
function six<T>(w: T): T {
  return shl16<T>(add16<T>(w, shl16<T>(w, 1)), 1)
}

/** A'^T m, row by row: p = m1 + m2, q = m1 - m2, s = m3 + m4, u = m3 - m4. */
// @ts-ignore: decorator
@inline
export function first43<T>(m0: T, p: T, s: T): T {
  return sub32<T>(add32<T>(m0, s), shl32<T>(p, 2))
}

// @ts-ignore: decorator
@inline
export function second43<T>(q: T, u: T): T {
  return sub32<T>(u, shl32<T>(q, 1))
}

// @ts-ignore: decorator
@inline
export function third43<T>(p: T, s: T): T {
  return sub32<T>(s, p)
}

// @ts-ignore: decorator
@inline
export function fourth43<T>(m5: T, q: T, u: T): T {
  return add32<T>(m5, sub32<T>(shl32<T>(u, 1), q))
}

/** One pass of A'^T m: six sums to four, `step` bytes apart. */
// @ts-ignore: decorator
@inline
export function output43<T>(m0: T, m1: T, m2: T, m3: T, m4: T, m5: T, to: usize, step: usize): void {
  const p = add32<T>(m1, m2)
  const q = sub32<T>(m1, m2)
  const s = add32<T>(m3, m4)
  const u = sub32<T>(m3, m4)
  store<T>(to, first43<T>(m0, p, s))
  store<T>(to + step, second43<T>(q, u))
  store<T>(to + 2 * step, third43<T>(p, s))
  store<T>(to + 3 * step, fourth43<T>(m5, q, u))
}

/**
 * The power of two that output `n` of a direction lacks to 2^3: of four outputs, or of three
 * (f33.ts).
 */
// @ts-ignore: decorator
@inline
export function missing43(n: i32, short: bool): i32 {
  return min(n + i32(short), 2)
}

/**
 * The sums of tap (row, column) start from bias * v[row] * v[column], so that all outputs gain the
 * bias: A'^T v = 3 * 2^shift, here and in f33.ts. This is v[n].
 */
// @ts-ignore: decorator
@inline
export function bias43(n: i32): i32 {
  return n == 0 ? 18 : n == 1 ? -3 : n == 5 ? 0 : 3
}
