// The transforms of Winograd's F(3x3,3x3) at the points 0, 1, -1, 2 and infinity, five of the six
// points of F(4x4,3x3). Its filters are those of f43.ts without the point -2, so one output can be
// cut into tiles of either size. The three outputs come out as S * 12, S * 6 and S * 6.
//
//   B^T  2 -1 -2  1  0      A'^T  1  2 -2  2  0
//        0  6  3 -3  0            0  1  1  2  0
//        0  2 -3  1  0            0  1 -1  4  1
//        0 -1  0  1  0
//        0  2 -1 -2  1
//
// The columns of A'^T belong to the points 0, 1, -1, 2 and infinity; the filters of 0 and infinity
// are times 6.
//
// Ranges: a row of B^T sums to at most 12 in absolute value, and one of f43.ts to 10, so |V| <= 144
// * 128 = 18,432, which fits int16. Everything after that wraps modulo 2^32, as in f43.ts.

import { add16, add32, shl16, shl32, sub16, sub32 } from '../../lib/lanes'

/** B^T d. The five results go to the places 0, 1, 2, 3 and 5 of F(4,3), `step` bytes apart. */
// @ts-ignore: decorator
@inline
export function input33<T>(d0: T, d1: T, d2: T, d3: T, d4: T, to: usize, step: usize): void {
  const odd = sub16<T>(d3, d1)
  const lean = sub16<T>(d1, d2)
  const one = sub16<T>(add16<T>(d1, d2), odd)
  store<T>(to, add16<T>(shl16<T>(sub16<T>(d0, d2), 1), odd))
  store<T>(to + step, add16<T>(one, shl16<T>(one, 1)))
  store<T>(to + 2 * step, add16<T>(add16<T>(lean, shl16<T>(lean, 1)), odd))
  store<T>(to + 3 * step, odd)
  store<T>(to + 5 * step, sub16<T>(sub16<T>(d4, d2), shl16<T>(odd, 1)))
}

/** A'^T m, row by row. */
// @ts-ignore: decorator
@inline
export function first33<T>(m0: T, m1: T, m2: T, m3: T): T {
  return add32<T>(m0, shl32<T>(add32<T>(sub32<T>(m1, m2), m3), 1))
}

// @ts-ignore: decorator
@inline
export function second33<T>(m1: T, m2: T, m3: T): T {
  return add32<T>(add32<T>(m1, m2), shl32<T>(m3, 1))
}

// @ts-ignore: decorator
@inline
export function third33<T>(m1: T, m2: T, m3: T, m5: T): T {
  return add32<T>(add32<T>(sub32<T>(m1, m2), shl32<T>(m3, 2)), m5)
}

/** One pass of A'^T m: five sums to three, `step` bytes apart. */
// @ts-ignore: decorator
@inline
export function output33<T>(m0: T, m1: T, m2: T, m3: T, m5: T, to: usize, step: usize): void {
  store<T>(to, first33<T>(m0, m1, m2, m3))
  store<T>(to + step, second33<T>(m1, m2, m3))
  store<T>(to + 2 * step, third33<T>(m1, m2, m3, m5))
}
