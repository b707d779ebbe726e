// The scores of attention_s16: the products of eight queries, a lane each, with all keys, four at a
// time, each times its key's scale, go to [token][8] float32, with the largest score of each query.
// Eight accumulators, two vectors of queries and four keys fill the registers. A turn of the loop
// takes four pairs of channels, with a way out between them: V8 does all loads of code without
// branches first, and four pairs have too few registers for that. The pointer to the keys moves
// with each pair, because V8 11 takes an instruction for the offset of a splat, but for the few
// offsets that it keeps in registers.

import { addDot } from '../../lib/vector'

/**
 * Keys are [four tokens][pair][4][2], where the last key fills the last four. There are two pairs
 * at least.
 */
export function score(
  queries: usize,
  keys: usize,
  pairs: usize,
  scales: usize,
  tokens: usize,
  to: usize,
  largest: usize,
): void {
  let m0 = f32x4.splat(-f32.MAX_VALUE)
  let m1 = m0
  for (const end = scales + tokens * 4; scales < end; scales += 16) {
    let w0 = v128.load(queries)
    let w1 = v128.load(queries, 16)
    let v = v128.load32_splat(keys)
    let a0 = i32x4.dot_i16x8_s(v, w0)
    let a1 = i32x4.dot_i16x8_s(v, w1)
    v = v128.load32_splat(keys, 4)
    let b0 = i32x4.dot_i16x8_s(v, w0)
    let b1 = i32x4.dot_i16x8_s(v, w1)
    v = v128.load32_splat(keys, 8)
    let c0 = i32x4.dot_i16x8_s(v, w0)
    let c1 = i32x4.dot_i16x8_s(v, w1)
    v = v128.load32_splat(keys, 12)
    let d0 = i32x4.dot_i16x8_s(v, w0)
    let d1 = i32x4.dot_i16x8_s(v, w1)
    let q = queries + 32
    let k = keys + 16
    for (let left = pairs - 1; ; left -= 4) {
      w0 = v128.load(q)
      w1 = v128.load(q, 16)
      v = v128.load32_splat(k)
      a0 = addDot(a0, v, w0)
      a1 = addDot(a1, v, w1)
      v = v128.load32_splat(k, 4)
      b0 = addDot(b0, v, w0)
      b1 = addDot(b1, v, w1)
      v = v128.load32_splat(k, 8)
      c0 = addDot(c0, v, w0)
      c1 = addDot(c1, v, w1)
      v = v128.load32_splat(k, 12)
      d0 = addDot(d0, v, w0)
      d1 = addDot(d1, v, w1)
      if (left == 1) break
      k += 16
      w0 = v128.load(q, 32)
      w1 = v128.load(q, 48)
      v = v128.load32_splat(k)
      a0 = addDot(a0, v, w0)
      a1 = addDot(a1, v, w1)
      v = v128.load32_splat(k, 4)
      b0 = addDot(b0, v, w0)
      b1 = addDot(b1, v, w1)
      v = v128.load32_splat(k, 8)
      c0 = addDot(c0, v, w0)
      c1 = addDot(c1, v, w1)
      v = v128.load32_splat(k, 12)
      d0 = addDot(d0, v, w0)
      d1 = addDot(d1, v, w1)
      if (left == 2) break
      k += 16
      w0 = v128.load(q, 64)
      w1 = v128.load(q, 80)
      v = v128.load32_splat(k)
      a0 = addDot(a0, v, w0)
      a1 = addDot(a1, v, w1)
      v = v128.load32_splat(k, 4)
      b0 = addDot(b0, v, w0)
      b1 = addDot(b1, v, w1)
      v = v128.load32_splat(k, 8)
      c0 = addDot(c0, v, w0)
      c1 = addDot(c1, v, w1)
      v = v128.load32_splat(k, 12)
      d0 = addDot(d0, v, w0)
      d1 = addDot(d1, v, w1)
      if (left == 3) break
      k += 16
      w0 = v128.load(q, 96)
      w1 = v128.load(q, 112)
      v = v128.load32_splat(k)
      a0 = addDot(a0, v, w0)
      a1 = addDot(a1, v, w1)
      v = v128.load32_splat(k, 4)
      b0 = addDot(b0, v, w0)
      b1 = addDot(b1, v, w1)
      v = v128.load32_splat(k, 8)
      c0 = addDot(c0, v, w0)
      c1 = addDot(c1, v, w1)
      v = v128.load32_splat(k, 12)
      d0 = addDot(d0, v, w0)
      d1 = addDot(d1, v, w1)
      if (left == 4) break
      q += 128
      k += 16
    }
    keys += pairs * 16
    const s0 = v128.load32_splat(scales)
    const s1 = v128.load32_splat(scales, 4)
    const s2 = v128.load32_splat(scales, 8)
    const s3 = v128.load32_splat(scales, 12)
    m0 = f32x4.pmax(m0, stored(to, a0, s0))
    m1 = f32x4.pmax(m1, stored(to + 16, a1, s0))
    m0 = f32x4.pmax(m0, stored(to + 32, b0, s1))
    m1 = f32x4.pmax(m1, stored(to + 48, b1, s1))
    m0 = f32x4.pmax(m0, stored(to + 64, c0, s2))
    m1 = f32x4.pmax(m1, stored(to + 80, c1, s2))
    m0 = f32x4.pmax(m0, stored(to + 96, d0, s3))
    m1 = f32x4.pmax(m1, stored(to + 112, d1, s3))
    to += 128
  }
  v128.store(largest, m0)
  v128.store(largest, m1, 16)
}

// @ts-ignore: decorator
@inline
function stored(to: usize, sum: v128, scale: v128): v128 {
  const s = f32x4.mul(f32x4.convert_i32x4_s(sum), scale)
  v128.store(to, s)
  return s
}
