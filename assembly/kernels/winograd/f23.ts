// The transforms of Winograd's F(2x2,3x3), scaled to integers. Four outputs need 16 products and
// come out as S * 4; the multiplier takes the 4 back. Packed weights take 32 bytes where those of
// F(4x4,3x3) take 72, but fewer products are saved: this form is for small memories.
//
//   B^T  1  0 -1  0      G'  2  0  0      A'^T  1  1  1  0
//        0  1  1  0          1  1  1            0  1 -1 -1
//        0 -1  1  0          1 -1  1
//        0  1  0 -1          0  0  2
//
// Ranges: |V| <= 4 * 128 = 512, |U| <= 9 * 127 = 1,143.

import { add16, add32, shl16, sub16, sub32 } from '../../lib/lanes'

/** B^T d. The four results go to `to`, `step` bytes apart. */
// @ts-ignore: decorator
@inline
export function input23<T>(d0: T, d1: T, d2: T, d3: T, to: usize, step: usize): void {
  store<T>(to, sub16<T>(d0, d2))
  store<T>(to + step, add16<T>(d1, d2))
  store<T>(to + 2 * step, sub16<T>(d2, d1))
  store<T>(to + 3 * step, sub16<T>(d1, d3))
}

/** G' w for three values. The four results go to `to`, `step` bytes apart. */
// @ts-ignore: decorator
@inline
export function weights23<T>(w0: T, w1: T, w2: T, to: usize, step: usize): void {
  const even = add16<T>(w0, w2)
  store<T>(to, shl16<T>(w0, 1))
  store<T>(to + step, add16<T>(even, w1))
  store<T>(to + 2 * step, sub16<T>(even, w1))
  store<T>(to + 3 * step, shl16<T>(w2, 1))
}

/** One pass of A'^T m: four sums to two, `step` bytes apart. */
// @ts-ignore: decorator
@inline
export function output23<T>(m0: T, m1: T, m2: T, m3: T, to: usize, step: usize): void {
  store<T>(to, add32<T>(m0, add32<T>(m1, m2)))
  store<T>(to + step, sub32<T>(sub32<T>(m1, m2), m3))
}

/**
 * The sums of tap (row, column) start from bias * v[row] * v[column], so that all outputs gain the
 * bias. This is v[n].
 */
// @ts-ignore: decorator
@inline
export function bias23(n: i32): i32 {
  return n == 1 ? 2 : 0
}
