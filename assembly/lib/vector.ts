// Arithmetic that must be the same in every build, as a pair of a scalar and a vector function, and
// stores of less than sixteen bytes. Call the vector functions in vector builds only.

const MAGIC: f32 = 12582912.0 // 1.5 * 2^23: adding it leaves no bits for a fraction
export const MAGIC_BITS: i32 = 0x4b400000
/**
 * MAGIC eight times, four as a float and four for its bits, in memory: V8 makes a vector of a
 * constant anew for each use, by three instructions.
 */
export const ROUNDING = memory.data<f32>([MAGIC, MAGIC, MAGIC, MAGIC, MAGIC, MAGIC, MAGIC, MAGIC], 16)

/** Rounds half to even, for |y| < 2^22. */
// @ts-ignore: decorator
@inline
export function roundEven(y: f32): i32 {
  return reinterpret<i32>(y + MAGIC) - MAGIC_BITS
}

// @ts-ignore: decorator
@inline
export function roundEvenV(y: v128): v128 {
  return i32x4.sub(f32x4.add(y, f32x4.splat(MAGIC)), i32x4.splat(MAGIC_BITS))
}

/** Rounds half to even and adds the integer that `roundingOffset` was made of, in one operation. */
// @ts-ignore: decorator
@inline
export function roundEvenAndAddV(y: v128, offset: v128): v128 {
  return i32x4.sub(f32x4.add(y, f32x4.splat(MAGIC)), offset)
}

// @ts-ignore: decorator
@inline
export function roundingOffset(added: i32): v128 {
  return i32x4.splat(MAGIC_BITS - added)
}

/**
 * The larger operand; the first one when they are equal or one is NaN. As a vector this is one
 * instruction, unlike f32x4.max.
 */
// @ts-ignore: decorator
@inline
export function pmax(a: f32, b: f32): f32 {
  return a < b ? b : a
}

// @ts-ignore: decorator
@inline
export function pmin(a: f32, b: f32): f32 {
  return b < a ? b : a
}

/** max(y, y * slope) and then the clamp: what follows a sum. */
// @ts-ignore: decorator
@inline
export function activate(y: f32, slope: f32, low: f32, high: f32): f32 {
  return pmin(pmax(pmax(y, y * slope), low), high)
}

// @ts-ignore: decorator
@inline
export function activateV(y: v128, slope: v128, low: v128, high: v128): v128 {
  return f32x4.pmin(f32x4.pmax(f32x4.pmax(y, f32x4.mul(y, slope)), low), high)
}

/** Four vectors of int32 to one of sixteen int8; exact within -128..127. */
// @ts-ignore: decorator
@inline
export function narrow(a: v128, b: v128, c: v128, d: v128): v128 {
  return i8x16.narrow_i16x8_s(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d))
}

/** Quarter `n` (0 to 3) of sixteen int8, as four int32. */
// @ts-ignore: decorator
@inline
export function widen(v: v128, n: i32): v128 {
  const half = n < 2 ? i16x8.extend_low_i8x16_s(v) : i16x8.extend_high_i8x16_s(v)
  return n & 1 ? i32x4.extend_high_i16x8_s(half) : i32x4.extend_low_i16x8_s(half)
}

/**
 * Stores the first `bytes` bytes of a vector, 16 at most: a kernel never writes beyond its own
 * channels.
 */
// @ts-ignore: decorator
@inline
export function storeFirst(at: usize, v: v128, bytes: usize): void {
  if (bytes >= 16) v128.store(at, v)
  else storePart(at, v, bytes)
}

function storePart(at: usize, v: v128, bytes: usize): void {
  if (bytes & 8) {
    v128.store64_lane(at, v, 0)
    at += 8
    v = i8x16.shuffle(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15)
  }
  if (bytes & 4) {
    v128.store32_lane(at, v, 0)
    at += 4
    v = i64x2.shr_u(v, 32)
  }
  if (bytes & 2) {
    v128.store16_lane(at, v, 0)
    at += 2
    v = i64x2.shr_u(v, 16)
  }
  if (bytes & 1) v128.store8_lane(at, v, 0)
}

/** sum + a0 * b0 + a1 * b1 in each lane, of pairs of int16. */
// @ts-ignore: decorator
@inline
export function addDot(sum: v128, a: v128, b: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(a, b))
}
