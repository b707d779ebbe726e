// What the host proves about a convolution's weights before it plans: the sum of w and of abs(w),
// both int32, of each row of int8, which holds the weights of an output channel. Exact: a row has
// fewer than 2^24 weights of at most 128.

import { RowFinding } from './instructions'
import { SIMD } from './isa'

/** Sums `rows` rows of `depth` int8 to [row][2] int32 at `to`. Returns the RowFindings. */
export function row_sums_s8(source: usize, rows: i32, depth: i32, to: usize): i32 {
  let found = 0
  for (const end = to + <usize>rows * 8; to < end; to += 8) {
    let sum = 0
    let magnitude = 0
    let n = 0
    if (SIMD) {
      let sums = i32x4.splat(0)
      let magnitudes = sums
      let wide = sums
      let least = sums
      for (const whole = depth & ~15; n < whole; n += 16) {
        const v = v128.load(source + <usize>n)
        // The magnitude of -128 is 128, as an unsigned byte.
        const m = i8x16.abs(v)
        wide = v128.or(wide, i8x16.gt_u(v128.xor(v, i8x16.shr_s(v, 7)), i8x16.splat(63)))
        least = v128.or(least, i8x16.eq(v, i8x16.splat(-128)))
        sums = i32x4.add(sums, i32x4.extadd_pairwise_i16x8_s(i16x8.extadd_pairwise_i8x16_s(v)))
        magnitudes = i32x4.add(magnitudes, i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(m)))
      }
      sum = lanes(sums)
      magnitude = lanes(magnitudes)
      if (v128.any_true(wide)) found |= RowFinding.wide
      if (v128.any_true(least)) found |= RowFinding.least
    }
    for (; n < depth; n++) {
      const w = <i32>load<i8>(source + <usize>n)
      sum += w
      magnitude += abs(w)
      if (w < -64 || w > 63) found |= RowFinding.wide
      if (w == -128) found |= RowFinding.least
    }
    store<i32>(to, sum)
    store<i32>(to, magnitude, 4)
    source += <usize>depth
  }
  return found
}

// @ts-ignore: decorator
@inline
function lanes(v: v128): i32 {
  return i32x4.extract_lane(v, 0) + i32x4.extract_lane(v, 1) + i32x4.extract_lane(v, 2) + i32x4.extract_lane(v, 3)
}
