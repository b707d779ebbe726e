// Integer arithmetic modulo 2^16 or 2^32, written once for eight or four lanes (T = v128) and for a
// single value (T = i32). A single value of 16 bits is kept in an int32 and does not wrap: its low
// bits are the same.

// @ts-ignore: decorator
@inline
export function add16<T>(a: T, b: T): T {
  if (isVector<T>()) return i16x8.add(a, b)
  return a + b
}

// @ts-ignore: decorator
@inline
export function sub16<T>(a: T, b: T): T {
  if (isVector<T>()) return i16x8.sub(a, b)
  return a - b
}

// @ts-ignore: decorator
@inline
export function shl16<T>(a: T, bits: i32): T {
  if (isVector<T>()) return i16x8.shl(a, bits)
  return a << bits
}

// @ts-ignore: decorator
@inline
export function add32<T>(a: T, b: T): T {
  if (isVector<T>()) return i32x4.add(a, b)
  return a + b
}

// @ts-ignore: decorator
@inline
export function sub32<T>(a: T, b: T): T {
  if (isVector<T>()) return i32x4.sub(a, b)
  return a - b
}

// @ts-ignore: decorator
@inline
export function shl32<T>(a: T, bits: i32): T {
  if (isVector<T>()) return i32x4.shl(a, bits)
  return a << bits
}
