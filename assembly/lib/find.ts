// Looks through the weights of a file on their way to a kernel, and returns the index of the first
// one that must not be there, or `count`. It looks at sixteen bytes at a time, and one by one at
// the rest and at sixteen that hold a culprit.

import { SIMD } from './isa'

/** The first of `count` int8 that is not in -limit..limit; limit is 0 to 127. */
export function find_beyond_s8(source: usize, count: i32, limit: i32): i32 {
  let n = 0
  if (SIMD) {
    const most = i8x16.splat(<i8>limit)
    const least = i8x16.splat(<i8>-limit)
    for (const end = count & ~15; n < end; n += 16) {
      const v = v128.load(source + <usize>n)
      if (v128.any_true(v128.or(i8x16.gt_s(v, most), i8x16.lt_s(v, least)))) break
    }
  }
  for (; n < count; n++) {
    const value = <i32>load<i8>(source + <usize>n)
    if (value > limit || value < -limit) break
  }
  return n
}

/** The first of `count` float32 that is infinite or NaN: all bits of its exponent are set. */
export function find_not_finite_f32(source: usize, count: i32): i32 {
  let n = 0
  if (SIMD) {
    const exponent = i32x4.splat(0x7f800000)
    for (const end = count & ~3; n < end; n += 4) {
      const v = v128.and(v128.load(source + ((<usize>n) << 2)), exponent)
      if (v128.any_true(i32x4.eq(v, exponent))) break
    }
  }
  for (; n < count; n++) {
    if ((load<u32>(source + ((<usize>n) << 2)) & 0x7f800000) == 0x7f800000) break
  }
  return n
}
