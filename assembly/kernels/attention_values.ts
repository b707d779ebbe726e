// A head's values for attention_s16: V[j][c] = roundHalfEven(v[j][c] * (limit / m[c])), m[c] = max over j of |v[j][c]|, as [panel of
// 8 channels][pair of tokens][8][2] int16, zeros for tokens that don't exist, and m[c] / limit for each channel. What stands in a
// last panel beyond the head's channels is never stored. An m below 2^-100 gives zeros, NaN -limit.

import { SIMD } from '../isa'
import { pmax, pmin, roundEven, roundEvenV } from '../vector'
import { address, word } from '../word'
import { LEAST } from './linear_rows'

export function packValues(i: usize, head: i32, to: usize, scales: usize): void {
  const tokens = word(i, 3)
  const d = word(i, 5)
  const stride = <usize>word(i, 6)
  const limit = <f32>word(i, 12)
  const padded = (tokens + 7) & ~7
  const from = address(i, 1) + <usize>((word(i, 4) * 2 + head) * d) * 4
  for (let c = 0; c < d; c += 8) {
    const x = from + <usize>c * 4
    if (SIMD) packPanel(x, stride, tokens, padded, limit, to, scales)
    else {
      for (let n: usize = 0; n < <usize>min(8, d - c); n++) {
        packChannel(x + n * 4, stride, tokens, padded, limit, to + n * 4, scales + n * 4)
      }
    }
    to += <usize>padded * 16
    scales += 32
  }
}

function packPanel(x: usize, stride: usize, tokens: i32, padded: i32, limit: f32, to: usize, scales: usize): void {
  let m0 = f32x4.splat(0)
  let m1 = m0
  const end = x + <usize>tokens * stride
  for (let at = x; at < end; at += stride) {
    m0 = f32x4.pmax(m0, f32x4.abs(v128.load(at)))
    m1 = f32x4.pmax(m1, f32x4.abs(v128.load(at, 16)))
  }
  const f0 = factorV(m0, limit, scales)
  const f1 = factorV(m1, limit, scales + 16)
  const zero = i16x8.splat(0)
  for (let j = 0; j < padded; j += 2) {
    const even = j < tokens ? eight(x, f0, f1, limit) : zero
    const odd = j + 1 < tokens ? eight(x + stride, f0, f1, limit) : zero
    v128.store(to, i16x8.shuffle(even, odd, 0, 8, 1, 9, 2, 10, 3, 11))
    v128.store(to, i16x8.shuffle(even, odd, 4, 12, 5, 13, 6, 14, 7, 15), 16)
    x += stride * 2
    to += 32
  }
}

/** limit / m, zero of a small m; stores m / limit. */
// @ts-ignore: decorator
@inline
function factorV(m: v128, limit: f32, scales: usize): v128 {
  const l = f32x4.splat(limit)
  const small = f32x4.lt(m, f32x4.splat(LEAST))
  v128.store(scales, v128.andnot(f32x4.div(m, l), small))
  return v128.andnot(f32x4.div(l, m), small)
}

// @ts-ignore: decorator
@inline
function eight(x: usize, f0: v128, f1: v128, limit: f32): v128 {
  return i16x8.narrow_i32x4_s(four(v128.load(x), f0, limit), four(v128.load(x, 16), f1, limit))
}

// @ts-ignore: decorator
@inline
function four(x: v128, factor: v128, limit: f32): v128 {
  const y = f32x4.pmax(f32x4.splat(-limit), f32x4.mul(x, factor))
  return roundEvenV(f32x4.pmin(f32x4.splat(limit), y))
}

function packChannel(
  x: usize,
  stride: usize,
  tokens: i32,
  padded: i32,
  limit: f32,
  to: usize,
  scale: usize,
): void {
  let m: f32 = 0
  const end = x + <usize>tokens * stride
  for (let at = x; at < end; at += stride) m = pmax(m, abs(load<f32>(at)))
  const small = m < LEAST
  store<f32>(scale, small ? 0 : m / limit)
  const factor: f32 = small ? 0 : limit / m
  for (let j: usize = 0; j < <usize>padded; j++) {
    const at = to + (j >> 1) * 32 + (j & 1) * 2
    if (x < end) store<i16>(at, roundEven(pmin(limit, pmax(-limit, load<f32>(x) * factor))))
    else store<i16>(at, 0)
    x += stride
  }
}
