// From exact int32 sums to what a convolution stores: y = float(acc) * multiplier, then either y
// itself (a float32 head), or the fused activation, the clamp and the rounding to int8. |y| <= 255
// after the clamp, so the magic number of the rounding is exact. low and high are int8, so the
// narrowing never saturates.

import { OutputType } from './instructions'
import { activate, activateV, narrow, roundEven, roundEvenAndAddV, storeFirst } from './vector'

/** Four sums to int32 in the range of int8. `offset` is roundingOffset(outputZeroPoint). */
// @ts-ignore: decorator
@inline
export function requantized(acc: v128, multiplier: v128, slope: v128, low: v128, high: v128, offset: v128): v128 {
  return roundEvenAndAddV(activateV(f32x4.mul(f32x4.convert_i32x4_s(acc), multiplier), slope, low, high), offset)
}

/** Stores the first `count` of eight channels of a pixel, of the OutputType `type`. */
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
  offset: v128,
  type: i32,
  count: i32,
): void {
  const m0 = v128.load(multipliers)
  const m1 = v128.load(multipliers, 16)
  if (type == OutputType.int8) {
    const q0 = requantized(acc0, m0, slope, low, high, offset)
    const q1 = requantized(acc1, m1, slope, low, high, offset)
    const q = narrow(q0, q1, q0, q1)
    if (count == 8) v128.store64_lane(to, q, 0)
    else storeFirst(to, q, <usize>count)
  } else {
    storeFirst(to, f32x4.mul(f32x4.convert_i32x4_s(acc0), m0), (<usize>count) << 2)
    if (count > 4) storeFirst(to + 16, f32x4.mul(f32x4.convert_i32x4_s(acc1), m1), (<usize>(count - 4)) << 2)
  }
}

/** Stores channel `n` of the pixel at `to`. */
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
  if (type == OutputType.int8) store<i8>(to + n, roundEven(activate(y, slope, low, high)) + zeroPoint)
  else store<f32>(to + (n << 2), y)
}
