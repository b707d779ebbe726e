// The only file that knows which CPU features this build may use. The compiler removes a branch on
// a feature: the scalar build has no vector instruction, the vector builds no scalar loop, and
// those of one thread no atomics.

export const SIMD: bool = ASC_FEATURE_SIMD
export const RELAXED: bool = ASC_FEATURE_RELAXED_SIMD
export const THREADS: bool = ASC_FEATURE_THREADS

/**
 * acc + a0 * b0 + a1 * b1 + a2 * b2 + a3 * b3 in each lane, of sixteen int8 a and sixteen b within
 * 0..127. The relaxed instruction may read a b beyond 127 as it likes and may add pairs in int16;
 * within these ranges neither makes a difference.
 */
// @ts-ignore: decorator
@inline
export function dotQuads(a: v128, b: v128, acc: v128): v128 {
  if (RELAXED) return i32x4.relaxed_dot_i8x16_i7x16_add_s(a, b, acc)
  const low = i32x4.extadd_pairwise_i16x8_s(i16x8.extmul_low_i8x16_s(a, b))
  const high = i32x4.extadd_pairwise_i16x8_s(i16x8.extmul_high_i8x16_s(a, b))
  const even = i8x16.shuffle(low, high, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27)
  const odd = i8x16.shuffle(low, high, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31)
  return i32x4.add(acc, i32x4.add(even, odd))
}

/** a0 * b0 + a1 * b1 in each of eight int16, with the ranges of dotQuads. */
// @ts-ignore: decorator
@inline
export function dotPairs(a: v128, b: v128): v128 {
  if (RELAXED) return i16x8.relaxed_dot_i8x16_i7x16_s(a, b)
  const low = i32x4.extadd_pairwise_i16x8_s(i16x8.extmul_low_i8x16_s(a, b))
  const high = i32x4.extadd_pairwise_i16x8_s(i16x8.extmul_high_i8x16_s(a, b))
  return i16x8.narrow_i32x4_s(low, high)
}

const ONES = memory.data<i16>([1, 1, 1, 1, 1, 1, 1, 1], 16)

/**
 * Eight int16 of 1. They are read from memory because V8 would make the constant anew for each use,
 * which takes a fifth of a loop of products.
 */
// @ts-ignore: decorator
@inline
export function ones(): v128 {
  return v128.load(ONES)
}

/**
 * dotQuads by dotPairs: as fast on a processor without an instruction for four products, and right
 * where a runtime computes that instruction wrongly.
 */
// @ts-ignore: decorator
@inline
export function dotQuadsByPairs(a: v128, b: v128, acc: v128, one: v128): v128 {
  return i32x4.add(acc, i32x4.dot_i16x8_s(dotPairs(a, b), one))
}

/**
 * Whether dotQuads is one instruction, or at least better than dotPairs (ARM). What it does beyond
 * its range tells: for 127 times 255, VPDPBUSD gives 129,540, ARM, which reads 255 as -1, gives
 * -508, and x86 without VNNI adds pairs in int16 that saturate, twice 32,767. V8 11.3 (Node 20),
 * whose first compiler may add a product twice, gives that or double, so it must not be used for
 * sums. Ask in the function that computes, because the same compiler makes both.
 */
// @ts-ignore: decorator
@inline
export function addsQuads(): bool {
  if (!RELAXED) return false
  const sum = i32x4.extract_lane(dotQuads(i8x16.splat(127), i8x16.splat(-1), i32x4.splat(0)), 0)
  return sum == 129540 || sum == -508
}
