// From exact int32 sums to what a convolution stores: y = float(acc) * multiplier, then either y itself (a float32
// head) or the fused activation, the clamp and the rounding to int8. |y| <= 255 after the clamp, so the rounding's
// magic number is exact; low and high are int8, so the narrowing never saturates.

import { activate, activateV, narrow, roundEven, roundEvenV, storeFirst } from './vector'

/** Eight channels of one pixel, of which the first `count` are stored; `type` 1 stores float32. */
// @ts-ignore: decorator
@inline
export function storeSums(
  to: usize,
  acc0: v128,
  acc1: v128,
  multipliers: usize,
  slope: v128,
  low: v128,
  high: v128,
  zeroPoint: v128,
  type: i32,
  count: i32,
): void {
  const y0 = f32x4.mul(f32x4.convert_i32x4_s(acc0), v128.load(multipliers))
  const y1 = f32x4.mul(f32x4.convert_i32x4_s(acc1), v128.load(multipliers, 16))
  if (type == 0) {
    const q0 = i32x4.add(roundEvenV(activateV(y0, slope, low, high)), zeroPoint)
    const q1 = i32x4.add(roundEvenV(activateV(y1, slope, low, high)), zeroPoint)
    const q = narrow(q0, q1, q0, q1)
    if (count == 8) v128.store64_lane(to, q, 0)
    else storeFirst(to, q, <usize>count)
  } else {
    storeFirst(to, y0, <usize>count << 2)
    if (count > 4) storeFirst(to + 16, y1, <usize>(count - 4) << 2)
  }
}

/** One channel of one pixel, channel `n` of the pixel at `to`. */
// @ts-ignore: decorator
@inline
export function storeSum(
  to: usize,
  n: usize,
  acc: i32,
  multiplier: f32,
  slope: f32,
  low: f32,
  high: f32,
  zeroPoint: i32,
  type: i32,
): void {
  const y = <f32>acc * multiplier
  if (type == 0) store<i8>(to + n, roundEven(activate(y, slope, low, high)) + zeroPoint)
  else store<f32>(to + (n << 2), y)
}
