// The loops of the roofline probes: sum += x * y on registers, without loads, stores and
// conversions.
//
// A loop must not be so regular that the compiler computes a product once for all rounds. So the
// factors x move from variable to variable at the end of a round, which costs only register
// renames. How many sums hide the latency of a multiplication without spilling differs from
// processor to processor: there are three forms, and the fastest counts.
//
// The seed 63 makes bytes that are bits of ordinary float32 numbers too, because denormal numbers
// would slow a processor down. Sums wrap, or become infinite; their bits are returned so that no
// loop is dead code.

/** int16 pairs to int32: 8 multiply-accumulates an operation. */
export const I16_DOT = 0
/**
 * int16 to int32 by an extending multiplication and an addition, which ARM fuses: 4 an operation.
 */
export const I16_EXTEND = 1
/** float32 by a multiplication and an addition: 4 an operation. */
export const F32 = 2
/** int8 quadruples to int32, y in 0..127: 16 an operation. */
export const I8_RELAXED = 3
/**
 * The same through int16, which suits processors without a dot product of bytes: 16 an operation.
 */
export const I8_RELAXED_PAIRS = 4
/** float32, fused where the processor can: 4 an operation. */
export const F32_RELAXED = 5

@inline
function mac(op: i32, sum: v128, x: v128, y: v128, ones: v128): v128 {
  if (op == I16_DOT) return i32x4.add(sum, i32x4.dot_i16x8_s(x, y))
  if (op == I16_EXTEND) return i32x4.add(sum, i32x4.extmul_low_i16x8_s(x, y))
  if (op == F32) return f32x4.add(sum, f32x4.mul(x, y))
  if (ASC_FEATURE_RELAXED_SIMD) {
    if (op == I8_RELAXED) return i32x4.relaxed_dot_i8x16_i7x16_add_s(x, y, sum)
    if (op == I8_RELAXED_PAIRS) {
      return i32x4.add(sum, i32x4.dot_i16x8_s(i16x8.relaxed_dot_i8x16_i7x16_s(x, y), ones))
    }
    if (op == F32_RELAXED) return f32x4.relaxed_madd(x, y, sum)
  }
  return sum
}

/** Five sums, one constant factor. */
@inline
export function five(op: i32, products: i32, seed: i32): i32 {
  const ones = i16x8.splat(<i16>(seed | 1))
  const y = i8x16.splat(<i8>(seed & 63))
  let a = i8x16.splat(<i8>(seed + 1))
  let b = i8x16.splat(<i8>(seed + 2))
  let c = i8x16.splat(<i8>(seed + 3))
  let d = i8x16.splat(<i8>(seed + 4))
  let e = i8x16.splat(<i8>(seed + 5))
  let s0 = i32x4.splat(seed)
  let s1 = s0
  let s2 = s0
  let s3 = s0
  let s4 = s0
  for (; products > 0; products -= 5) {
    s0 = mac(op, s0, a, y, ones)
    s1 = mac(op, s1, b, y, ones)
    s2 = mac(op, s2, c, y, ones)
    s3 = mac(op, s3, d, y, ones)
    s4 = mac(op, s4, e, y, ones)
    const first = a
    a = b
    b = c
    c = d
    d = e
    e = first
  }
  return bits(v128.xor(v128.xor(s0, s1), v128.xor(s2, v128.xor(s3, s4))))
}

/** Six sums, two constant factors. */
@inline
export function six(op: i32, products: i32, seed: i32): i32 {
  const ones = i16x8.splat(<i16>(seed | 1))
  const y = i8x16.splat(<i8>(seed & 63))
  const z = i8x16.splat(<i8>((seed - 1) & 63))
  let a = i8x16.splat(<i8>(seed + 1))
  let b = i8x16.splat(<i8>(seed + 2))
  let c = i8x16.splat(<i8>(seed + 3))
  let s0 = i32x4.splat(seed)
  let s1 = s0
  let s2 = s0
  let s3 = s0
  let s4 = s0
  let s5 = s0
  for (; products > 0; products -= 6) {
    s0 = mac(op, s0, a, y, ones)
    s1 = mac(op, s1, a, z, ones)
    s2 = mac(op, s2, b, y, ones)
    s3 = mac(op, s3, b, z, ones)
    s4 = mac(op, s4, c, y, ones)
    s5 = mac(op, s5, c, z, ones)
    const first = a
    a = b
    b = c
    c = first
  }
  return bits(v128.xor(v128.xor(s0, s1), v128.xor(v128.xor(s2, s3), v128.xor(s4, s5))))
}

/** Eight sums, two constant factors. */
@inline
export function eight(op: i32, products: i32, seed: i32): i32 {
  const ones = i16x8.splat(<i16>(seed | 1))
  const y = i8x16.splat(<i8>(seed & 63))
  const z = i8x16.splat(<i8>((seed - 1) & 63))
  let a = i8x16.splat(<i8>(seed + 1))
  let b = i8x16.splat(<i8>(seed + 2))
  let c = i8x16.splat(<i8>(seed + 3))
  let d = i8x16.splat(<i8>(seed + 4))
  let s0 = i32x4.splat(seed)
  let s1 = s0
  let s2 = s0
  let s3 = s0
  let s4 = s0
  let s5 = s0
  let s6 = s0
  let s7 = s0
  for (; products > 0; products -= 8) {
    s0 = mac(op, s0, a, y, ones)
    s1 = mac(op, s1, a, z, ones)
    s2 = mac(op, s2, b, y, ones)
    s3 = mac(op, s3, b, z, ones)
    s4 = mac(op, s4, c, y, ones)
    s5 = mac(op, s5, c, z, ones)
    s6 = mac(op, s6, d, y, ones)
    s7 = mac(op, s7, d, z, ones)
    const first = a
    a = b
    b = c
    c = d
    d = first
  }
  const low = v128.xor(v128.xor(s0, s1), v128.xor(s2, s3))
  return bits(v128.xor(low, v128.xor(v128.xor(s4, s5), v128.xor(s6, s7))))
}

@inline
function bits(sum: v128): i32 {
  return i32x4.extract_lane(sum, 0)
}
