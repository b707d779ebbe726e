// The outputs of attention_s16: the weights of eight queries times a head's values. Two queries x
// sixteen channels take eight accumulators and six loads, as four by eight do, but only two of
// these loads are splats, whose offsets cost V8 11 an instruction each. A turn of the loop takes
// four pairs of tokens, with a way out between them, as in scores.ts.

import { addDot } from '../../lib/vector'

/**
 * Weights are [pair][8][2], values [sixteen channels][pair][16][2]. `to` is the output of the first
 * query, and the others follow `stride` bytes apart. Less than sixteen channels pass through 128
 * bytes at `work`.
 */
export function multiplyValues(
  weights: usize,
  values: usize,
  pairs: usize,
  scales: usize,
  inverses: usize,
  to: usize,
  stride: usize,
  rows: usize,
  d: usize,
  work: usize,
): void {
  for (let c: usize = 0; c < d; c += 16) {
    const whole = c + 16 <= d
    let out = to
    for (let r: usize = 0; r < rows; r += 2) {
      const second = r + 1 < rows
      const step: usize = !second ? 0 : whole ? stride : 64
      twoRows(weights + r * 4, values, pairs, scales, inverses + r * 4, whole ? out : work, step)
      if (!whole) {
        copy(out, work, d - c)
        if (second) copy(out + stride, work + 64, d - c)
      }
      out += stride * 2
    }
    values += pairs * 64
    scales += 64
    to += 64
  }
}

function copy(to: usize, from: usize, count: usize): void {
  for (let n: usize = 0; n < count << 2; n += 4) store<f32>(to + n, load<f32>(from + n))
}

/** `stride` is 0 where there is no second row. */
function twoRows(
  p: usize,
  values: usize,
  pairs: usize,
  scales: usize,
  inverses: usize,
  to: usize,
  stride: usize,
): void {
  let a0 = i32x4.splat(0)
  let a1 = a0
  let a2 = a0
  let a3 = a0
  let b0 = a0
  let b1 = a0
  let b2 = a0
  let b3 = a0
  let v0: v128
  let v1: v128
  let w: v128
  for (let left = pairs; ; left -= 4) {
    v0 = v128.load32_splat(p)
    v1 = v128.load32_splat(p, 4)
    w = v128.load(values)
    a0 = addDot(a0, v0, w)
    b0 = addDot(b0, v1, w)
    w = v128.load(values, 16)
    a1 = addDot(a1, v0, w)
    b1 = addDot(b1, v1, w)
    w = v128.load(values, 32)
    a2 = addDot(a2, v0, w)
    b2 = addDot(b2, v1, w)
    w = v128.load(values, 48)
    a3 = addDot(a3, v0, w)
    b3 = addDot(b3, v1, w)
    if (left == 1) break
    v0 = v128.load32_splat(p, 32)
    v1 = v128.load32_splat(p, 36)
    w = v128.load(values, 64)
    a0 = addDot(a0, v0, w)
    b0 = addDot(b0, v1, w)
    w = v128.load(values, 80)
    a1 = addDot(a1, v0, w)
    b1 = addDot(b1, v1, w)
    w = v128.load(values, 96)
    a2 = addDot(a2, v0, w)
    b2 = addDot(b2, v1, w)
    w = v128.load(values, 112)
    a3 = addDot(a3, v0, w)
    b3 = addDot(b3, v1, w)
    if (left == 2) break
    v0 = v128.load32_splat(p, 64)
    v1 = v128.load32_splat(p, 68)
    w = v128.load(values, 128)
    a0 = addDot(a0, v0, w)
    b0 = addDot(b0, v1, w)
    w = v128.load(values, 144)
    a1 = addDot(a1, v0, w)
    b1 = addDot(b1, v1, w)
    w = v128.load(values, 160)
    a2 = addDot(a2, v0, w)
    b2 = addDot(b2, v1, w)
    w = v128.load(values, 176)
    a3 = addDot(a3, v0, w)
    b3 = addDot(b3, v1, w)
    if (left == 3) break
    v0 = v128.load32_splat(p, 96)
    v1 = v128.load32_splat(p, 100)
    w = v128.load(values, 192)
    a0 = addDot(a0, v0, w)
    b0 = addDot(b0, v1, w)
    w = v128.load(values, 208)
    a1 = addDot(a1, v0, w)
    b1 = addDot(b1, v1, w)
    w = v128.load(values, 224)
    a2 = addDot(a2, v0, w)
    b2 = addDot(b2, v1, w)
    w = v128.load(values, 240)
    a3 = addDot(a3, v0, w)
    b3 = addDot(b3, v1, w)
    if (left == 4) break
    p += 128
    values += 256
  }
  const s0 = v128.load(scales)
  const s1 = v128.load(scales, 16)
  const s2 = v128.load(scales, 32)
  const s3 = v128.load(scales, 48)
  storeRow(to, a0, a1, a2, a3, s0, s1, s2, s3, v128.load32_splat(inverses))
  if (stride > 0) storeRow(to + stride, b0, b1, b2, b3, s0, s1, s2, s3, v128.load32_splat(inverses, 4))
}

// @ts-ignore: decorator
@inline
function storeRow(
  to: usize,
  a0: v128,
  a1: v128,
  a2: v128,
  a3: v128,
  s0: v128,
  s1: v128,
  s2: v128,
  s3: v128,
  inverse: v128,
): void {
  v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(a0), f32x4.mul(s0, inverse)))
  v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(a1), f32x4.mul(s1, inverse)), 16)
  v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(a2), f32x4.mul(s2, inverse)), 32)
  v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(a3), f32x4.mul(s3, inverse)), 48)
}
