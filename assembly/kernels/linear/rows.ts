// Rows of float32 to what the products of linear_s8 take: int8 values by each row's largest one, as
// pairs of int16 or quads of int8. linear_s8.ts has the formulas.

import { NARROW_LIMIT, WEIGHT_OFFSET } from '../../lib/instructions'
import { addsQuads, RELAXED, SIMD } from '../../lib/isa'
import { narrow, pmax, pmin, ROUNDING, roundEven } from '../../lib/vector'
import { combineRows } from './seven'

/** A row whose largest value is less becomes zeros. */
export const LEAST: f32 = 7.8886090522101181e-31 // 2^-100

/** Writes rows as the product wants them, the scale of each and, for quads, its corrections. */
export function quantizeRows(
  x: usize,
  stride: usize,
  count: i32,
  depth: i32,
  limit: i32,
  to: usize,
  scales: usize,
  corrections: usize,
): void {
  const quads = RELAXED && limit == NARROW_LIMIT
  const groupBytes = quads ? <usize>((depth + 7) >> 3) * 32 : <usize>((depth + 1) >> 1) * 16
  const one = addsQuads()
  for (let t = 0; t < count; t++) {
    const inverse = rowFactor(x, depth, <f32>limit, scales)
    const place = <usize>(t & 3) * 4
    const target = to + <usize>(t >> 2) * groupBytes + place
    if (!quads) quantizeRow(x, depth, inverse, <f32>limit, target, 16)
    else if (one)
      store<i32>(
        corrections + ((<usize>t) << 2),
        -WEIGHT_OFFSET * quantizeQuads(x, depth, inverse, <f32>limit, target, 0),
      )
    else
      quantizeQuads(
        x,
        depth,
        inverse,
        <f32>limit,
        target,
        corrections + <usize>(t >> 2) * <usize>((depth + 15) >> 4) * 16 + place,
      )
    x += stride
    scales += 4
  }
}

/**
 * Writes rows as seven.ts wants them; depth is a multiple of 16. Row t and row t + half of `count`
 * make a row of each of its seven matrices. `work` has room for eight rows of int16.
 */
export function quantizeSeven(
  x: usize,
  stride: usize,
  count: i32,
  depth: i32,
  limit: i32,
  to: usize,
  scales: usize,
  work: usize,
): void {
  const half = (count + 1) >> 1
  const row = <usize>depth
  const step = <usize>((half + 3) & ~3) * row
  for (let t = 0; t < half; t += 4) {
    for (let n = 0; n < 4; n++) {
      const at = t + n
      const to = work + <usize>n * row * 2
      const place = (<usize>at) << 2
      widenRow(x + <usize>at * stride, depth, <f32>limit, scales + place, to, at < half)
      const lower = half + at
      widenRow(
        x + <usize>lower * stride,
        depth,
        <f32>limit,
        scales + ((<usize>lower) << 2),
        to + row * 8,
        at < half && lower < count,
      )
    }
    combineRows(work, row, to + <usize>t * row, step)
  }
}

/** Writes a row as neighbouring int16, or zeros where there is no row. */
function widenRow(x: usize, depth: i32, limit: f32, scale: usize, to: usize, real: bool): void {
  if (!real) {
    memory.fill(to, 0, (<usize>depth) << 1)
    return
  }
  const factor = f32x4.splat(rowFactor(x, depth, limit, scale))
  const least = f32x4.splat(-limit)
  const most = f32x4.splat(limit + 1)
  const magic = v128.load(ROUNDING)
  const bits = v128.load(ROUNDING, 16)
  for (const end = to + ((<usize>depth) << 1); to < end; to += 16) {
    const low = limited(f32x4.mul(v128.load(x), factor), least, most, magic, bits)
    const high = limited(f32x4.mul(v128.load(x, 16), factor), least, most, magic, bits)
    v128.store(to, i16x8.narrow_i32x4_s(low, high))
    x += 32
  }
}

/** The factor of a row. Stores its inverse, the row's scale. */
export function rowFactor(x: usize, depth: i32, limit: f32, scale: usize): f32 {
  const largest = magnitude(x, depth)
  const zero = largest < LEAST
  store<f32>(scale, zero ? 0 : largest / limit)
  return zero ? 0 : limit / largest
}

function magnitude(x: usize, depth: i32): f32 {
  let largest: f32 = 0
  let k = 0
  if (SIMD) {
    let v = f32x4.splat(0)
    let w = v
    for (const end = depth & ~15; k < end; k += 16) {
      const at = x + ((<usize>k) << 2)
      v = f32x4.pmax(v, f32x4.abs(v128.load(at)))
      w = f32x4.pmax(w, f32x4.abs(v128.load(at, 16)))
      v = f32x4.pmax(v, f32x4.abs(v128.load(at, 32)))
      w = f32x4.pmax(w, f32x4.abs(v128.load(at, 48)))
    }
    v = f32x4.pmax(v, w)
    for (const end = depth & ~3; k < end; k += 4) v = f32x4.pmax(v, f32x4.abs(v128.load(x + ((<usize>k) << 2))))
    largest = max(
      max(f32x4.extract_lane(v, 0), f32x4.extract_lane(v, 1)),
      max(f32x4.extract_lane(v, 2), f32x4.extract_lane(v, 3)),
    )
  }
  for (; k < depth; k++) largest = pmax(largest, abs(load<f32>(x + ((<usize>k) << 2))))
  return largest
}

// @ts-ignore: decorator
@inline
function quantized(x: f32, inverse: f32, limit: f32): i32 {
  return roundEven(pmin(limit + 1, pmax(-limit, x * inverse)))
}

/** Writes a row as pairs of int16, `step` bytes from pair to pair. */
export function quantizeRow(x: usize, depth: i32, inverse: f32, limit: f32, to: usize, step: usize): void {
  let k = 0
  if (SIMD) {
    const factor = f32x4.splat(inverse)
    const least = f32x4.splat(-limit)
    const most = f32x4.splat(limit + 1)
    const magic = v128.load(ROUNDING)
    const bits = v128.load(ROUNDING, 16)
    for (const end = depth & ~7; k < end; k += 8) {
      const low = limited(f32x4.mul(v128.load(x), factor), least, most, magic, bits)
      const high = limited(f32x4.mul(v128.load(x, 16), factor), least, most, magic, bits)
      const q = i16x8.narrow_i32x4_s(low, high)
      v128.store32_lane(to, q, 0)
      v128.store32_lane(to + step, q, 1)
      v128.store32_lane(to + step * 2, q, 2)
      v128.store32_lane(to + step * 3, q, 3)
      x += 32
      to += step * 4
    }
  }
  for (; k < depth; k += 2) {
    store<i16>(to, quantized(load<f32>(x), inverse, limit))
    store<i16>(to, k + 1 < depth ? quantized(load<f32>(x, 4), inverse, limit) : 0, 2)
    x += 8
    to += step
  }
}

/**
 * Writes a row as quads of int8, padded to a multiple of 8, and returns its sum. For each four
 * quads, -64 times the sum of their first halves and of their last halves go to `corrections`, two
 * int16 every 16 bytes, unless that is 0.
 */
function quantizeQuads(x: usize, depth: i32, inverse: f32, limit: f32, to: usize, corrections: usize): i32 {
  let sum = 0
  let k = 0
  if (SIMD) {
    const factor = f32x4.splat(inverse)
    const least = f32x4.splat(-limit)
    const most = f32x4.splat(limit + 1)
    const magic = v128.load(ROUNDING)
    const bits = v128.load(ROUNDING, 16)
    const minus = i16x8.splat(<i16>-WEIGHT_OFFSET)
    let total = i32x4.splat(0)
    for (const end = depth & ~15; k < end; k += 16) {
      const a = limited(f32x4.mul(v128.load(x), factor), least, most, magic, bits)
      const b = limited(f32x4.mul(v128.load(x, 16), factor), least, most, magic, bits)
      const c = limited(f32x4.mul(v128.load(x, 32), factor), least, most, magic, bits)
      const d = limited(f32x4.mul(v128.load(x, 48), factor), least, most, magic, bits)
      const q = narrow(a, b, c, d)
      v128.store32_lane(to, q, 0)
      v128.store32_lane(to, q, 1, 16)
      v128.store32_lane(to, q, 2, 32)
      v128.store32_lane(to, q, 3, 48)
      const four = i32x4.add(i32x4.add(a, b), i32x4.add(c, d))
      total = i32x4.add(total, four)
      if (corrections != 0) {
        const halves = i32x4.dot_i16x8_s(i16x8.narrow_i32x4_s(four, four), minus)
        v128.store32_lane(corrections, i16x8.narrow_i32x4_s(halves, halves), 0)
        corrections += 16
      }
      x += 64
      to += 64
    }
    sum =
      i32x4.extract_lane(total, 0) +
      i32x4.extract_lane(total, 1) +
      i32x4.extract_lane(total, 2) +
      i32x4.extract_lane(total, 3)
  }
  let first = 0
  let last = 0
  for (const end = (depth + 7) & ~7; k < end; k++) {
    const q = k < depth ? quantized(load<f32>(x), inverse, limit) : 0
    store<i8>(to, q)
    if (k & 2) last += q
    else first += q
    x += 4
    to += (k & 3) == 3 ? 13 : 1
  }
  if (corrections != 0 && depth & 15) {
    store<i16>(corrections, -WEIGHT_OFFSET * first)
    store<i16>(corrections, -WEIGHT_OFFSET * last, 2)
  }
  return sum + first + last
}

// @ts-ignore: decorator
@inline
function limited(y: v128, least: v128, most: v128, magic: v128, bits: v128): v128 {
  return i32x4.sub(f32x4.add(f32x4.pmin(most, f32x4.pmax(least, y)), magic), bits)
}
