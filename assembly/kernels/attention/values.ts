// The values of a head for attention_s16: V[j][c] = roundHalfEven(v[j][c] * (limit / m[c])) with
// m[c] = max over j of |v[j][c]|, as [sixteen channels][pair of tokens][16][2] int16, with zeros
// for a last token that does not exist, and m[c] / limit of each channel. What the last sixteen
// hold beyond the head's channels is never stored. An m below 2^-100 gives zeros, and NaN gives
// -limit.

import { LEAST } from '../linear/rows'
import { lowHalves, MAGNITUDE, magic, quantized } from './pairs'

export function packValues(
  x: usize,
  stride: usize,
  tokens: usize,
  d: usize,
  limit: f32,
  to: usize,
  scales: usize,
): void {
  for (const end = x + d * 4; x < end; x += 64) {
    packSixteen(x, stride, tokens, limit, to, scales)
    to += ((tokens + 1) >> 1) * 64
    scales += 64
  }
}

/** Sixteen channels are a line of the cache. */
function packSixteen(x: usize, stride: usize, tokens: usize, limit: f32, to: usize, scales: usize): void {
  const magnitude = v128.load(MAGNITUDE)
  let m0 = f32x4.splat(0)
  let m1 = m0
  let m2 = m0
  let m3 = m0
  const end = x + tokens * stride
  for (let at = x; at < end; at += stride) {
    m0 = f32x4.pmax(m0, v128.and(v128.load(at), magnitude))
    m1 = f32x4.pmax(m1, v128.and(v128.load(at, 16), magnitude))
    m2 = f32x4.pmax(m2, v128.and(v128.load(at, 32), magnitude))
    m3 = f32x4.pmax(m3, v128.and(v128.load(at, 48), magnitude))
  }
  const f0 = factor(m0, limit, scales)
  const f1 = factor(m1, limit, scales + 16)
  const f2 = factor(m2, limit, scales + 32)
  const f3 = factor(m3, limit, scales + 48)
  const least = f32x4.splat(-limit)
  for (const last = end - stride; x < last; x += stride) {
    const odd = x + stride
    v128.store(to, pair(v128.load(x), v128.load(odd), f0, least))
    v128.store(to, pair(v128.load(x, 16), v128.load(odd, 16), f1, least), 16)
    v128.store(to, pair(v128.load(x, 32), v128.load(odd, 32), f2, least), 32)
    v128.store(to, pair(v128.load(x, 48), v128.load(odd, 48), f3, least), 48)
    x = odd
    to += 64
  }
  if (tokens & 1) {
    const zero = f32x4.splat(0)
    v128.store(to, pair(v128.load(x), zero, f0, least))
    v128.store(to, pair(v128.load(x, 16), zero, f1, least), 16)
    v128.store(to, pair(v128.load(x, 32), zero, f2, least), 32)
    v128.store(to, pair(v128.load(x, 48), zero, f3, least), 48)
  }
}

/** limit / m, and 0 for a small m. Stores m / limit. */
// @ts-ignore: decorator
@inline
function factor(m: v128, limit: f32, scales: usize): v128 {
  const l = f32x4.splat(limit)
  const small = f32x4.lt(m, f32x4.splat(LEAST))
  v128.store(scales, v128.andnot(f32x4.div(m, l), small))
  return v128.andnot(f32x4.div(l, m), small)
}

/** Four channels of two tokens. */
// @ts-ignore: decorator
@inline
function pair(even: v128, odd: v128, f: v128, least: v128): v128 {
  return lowHalves(quantized(even, f, least, magic()), quantized(odd, f, least, magic()))
}
