// Scores of attention_s16: the products of eight queries, a lane each, with all keys, four at a time, each times its key's
// scale, [token][8] float32, and each query's largest. Eight accumulators, two vectors of queries and four keys are all that
// the registers hold. Four pairs of depth make a turn of the loop, and between them stands a way out, as V8 would load what
// all four need at once, and have no registers for it.

// @ts-ignore: decorator
@inline
function dot(sum: v128, a: v128, b: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(a, b))
}

/** Keys [four tokens][pair][4][2], the last again where there are no four. */
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
    let a0 = i32x4.splat(0)
    let a1 = a0
    let b0 = a0
    let b1 = a0
    let c0 = a0
    let c1 = a0
    let d0 = a0
    let d1 = a0
    let q = queries
    let w0: v128
    let w1: v128
    let v: v128
    let k = keys
    for (let left = pairs; ; left -= 4) {
      w0 = v128.load(q)
      w1 = v128.load(q, 16)
      v = v128.load32_splat(k)
      a0 = dot(a0, v, w0)
      a1 = dot(a1, v, w1)
      v = v128.load32_splat(k, 4)
      b0 = dot(b0, v, w0)
      b1 = dot(b1, v, w1)
      v = v128.load32_splat(k, 8)
      c0 = dot(c0, v, w0)
      c1 = dot(c1, v, w1)
      v = v128.load32_splat(k, 12)
      d0 = dot(d0, v, w0)
      d1 = dot(d1, v, w1)
      if (left == 1) break
      w0 = v128.load(q, 32)
      w1 = v128.load(q, 48)
      v = v128.load32_splat(k, 16)
      a0 = dot(a0, v, w0)
      a1 = dot(a1, v, w1)
      v = v128.load32_splat(k, 20)
      b0 = dot(b0, v, w0)
      b1 = dot(b1, v, w1)
      v = v128.load32_splat(k, 24)
      c0 = dot(c0, v, w0)
      c1 = dot(c1, v, w1)
      v = v128.load32_splat(k, 28)
      d0 = dot(d0, v, w0)
      d1 = dot(d1, v, w1)
      if (left == 2) break
      w0 = v128.load(q, 64)
      w1 = v128.load(q, 80)
      v = v128.load32_splat(k, 32)
      a0 = dot(a0, v, w0)
      a1 = dot(a1, v, w1)
      v = v128.load32_splat(k, 36)
      b0 = dot(b0, v, w0)
      b1 = dot(b1, v, w1)
      v = v128.load32_splat(k, 40)
      c0 = dot(c0, v, w0)
      c1 = dot(c1, v, w1)
      v = v128.load32_splat(k, 44)
      d0 = dot(d0, v, w0)
      d1 = dot(d1, v, w1)
      if (left == 3) break
      w0 = v128.load(q, 96)
      w1 = v128.load(q, 112)
      v = v128.load32_splat(k, 48)
      a0 = dot(a0, v, w0)
      a1 = dot(a1, v, w1)
      v = v128.load32_splat(k, 52)
      b0 = dot(b0, v, w0)
      b1 = dot(b1, v, w1)
      v = v128.load32_splat(k, 56)
      c0 = dot(c0, v, w0)
      c1 = dot(c1, v, w1)
      v = v128.load32_splat(k, 60)
      d0 = dot(d0, v, w0)
      d1 = dot(d1, v, w1)
      if (left == 4) break
      q += 128
      k += 64
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
