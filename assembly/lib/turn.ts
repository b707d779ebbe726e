// Interleaves the elements of two vectors, and transposes 4x4 matrices of 32 bits. Vector builds
// only.

/** The first four int16 of two vectors, alternating. */
// @ts-ignore: decorator
@inline
export function firstPairs(a: v128, b: v128): v128 {
  return i16x8.shuffle(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
}

// @ts-ignore: decorator
@inline
export function lastPairs(a: v128, b: v128): v128 {
  return i16x8.shuffle(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
}

/** The first two int32 of two vectors, alternating. */
// @ts-ignore: decorator
@inline
export function firstQuads(a: v128, b: v128): v128 {
  return i32x4.shuffle(a, b, 0, 4, 1, 5)
}

// @ts-ignore: decorator
@inline
export function lastQuads(a: v128, b: v128): v128 {
  return i32x4.shuffle(a, b, 2, 6, 3, 7)
}

// @ts-ignore: decorator
@inline
export function firstHalves(a: v128, b: v128): v128 {
  return i64x2.shuffle(a, b, 0, 2)
}

// @ts-ignore: decorator
@inline
export function lastHalves(a: v128, b: v128): v128 {
  return i64x2.shuffle(a, b, 1, 3)
}

/** Transposes a 4x4 matrix of 32 bits and stores its columns `step` bytes apart. */
// @ts-ignore: decorator
@inline
export function turn(to: usize, a: v128, b: v128, c: v128, d: v128, step: usize): void {
  const abLow = firstQuads(a, b)
  const abHigh = lastQuads(a, b)
  const cdLow = firstQuads(c, d)
  const cdHigh = lastQuads(c, d)
  v128.store(to, firstHalves(abLow, cdLow))
  v128.store(to + step, lastHalves(abLow, cdLow))
  v128.store(to + 2 * step, firstHalves(abHigh, cdHigh))
  v128.store(to + 3 * step, lastHalves(abHigh, cdHigh))
}
