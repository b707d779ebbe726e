// float32 to pairs of int16, for the parts of attention_s16. A rounded number y + MAGIC has the
// integer in its low half, because MAGIC's own low half is 0. So a shift and a blend make pairs of
// two vectors.

import { ROUNDING } from '../../lib/vector'

/** All bits but the sign, in memory: V8 makes a vector of a constant anew for each use. */
export const MAGNITUDE = memory.data<i32>([0x7fffffff, 0x7fffffff, 0x7fffffff, 0x7fffffff], 16)

// @ts-ignore: decorator
@inline
export function magic(): v128 {
  return v128.load(ROUNDING)
}

/** The low halves of a and b, alternating. */
// @ts-ignore: decorator
@inline
export function lowHalves(a: v128, b: v128): v128 {
  return i16x8.shuffle(a, i32x4.shl(b, 16), 0, 9, 2, 11, 4, 13, 6, 15)
}

/**
 * roundHalfEven(x * factor) + MAGIC, at least `least`, which NaN gives. |x| * factor is at most
 * limit * (1 + 2^-22) and limit is below 2^13, so nothing exceeds limit. Where m is infinite,
 * factor is 0.
 */
// @ts-ignore: decorator
@inline
export function quantized(x: v128, factor: v128, least: v128, rounding: v128): v128 {
  return f32x4.add(f32x4.pmax(least, f32x4.mul(x, factor)), rounding)
}
