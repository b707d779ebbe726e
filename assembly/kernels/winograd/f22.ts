// The transforms of Winograd's F(2x2,2x2), at the points 0, 1 and infinity. Four outputs need 9
// products instead of 16, and come out unscaled.
//
//   B^T  1 -1  0      G'  1  0      A'^T  1  1  0
//        0  1  0          1  1            0  1  1
//        0 -1  1          0  1
//
// Ranges: |V| <= 4 * 128 = 512, |U| <= 4 * 128 = 512.

import { add16, add32, sub16 } from '../../lib/lanes'

/** B^T d. The three results go to `to`, `step` bytes apart. */
// @ts-ignore: decorator
@inline
export function input22<T>(d0: T, d1: T, d2: T, to: usize, step: usize): void {
  store<T>(to, sub16<T>(d0, d1))
  store<T>(to + step, d1)
  store<T>(to + 2 * step, sub16<T>(d2, d1))
}

/** The middle value of G' w. The others are w0 and w1. */
// @ts-ignore: decorator
@inline
export function weights22<T>(w0: T, w1: T): T {
  return add16<T>(w0, w1)
}

/** One pass of A'^T m: three sums to two, `step` bytes apart. */
// @ts-ignore: decorator
@inline
export function output22<T>(m0: T, m1: T, m2: T, to: usize, step: usize): void {
  store<T>(to, add32<T>(m0, m1))
  store<T>(to + step, add32<T>(m1, m2))
}

/**
 * The sums of the tap in row 1, column 1 start from the bias times this, and those of other taps
 * from 0. So all four outputs gain the bias.
 */
export const BIAS22: i32 = 1
