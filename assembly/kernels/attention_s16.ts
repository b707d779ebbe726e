// Scaled dot-product attention of `heads` heads over `tokens` tokens, its products in int16. Input row t holds queries, keys
// and values one after the other, each [heads][d] float32; output row t is [heads][d] float32. For each head h and token t,
// every float32 operation rounded by itself:
//   a row x of d values is quantised by its largest value as in linear_s8: m = max |x[c]|, q[c] = roundHalfEven(x[c] * (limit / m)),
//   s[j] = float(sum over c of Q[t][c] * K[j][c]) * (mK[j] / limit), e[j] = 2^((s[j] - max s) * (mQ[t] / limit * scale * log2 e)) (power.ts),
//   p[j] = roundHalfEven(e[j] * weightLimit), V[j][c] the values quantised alike, but each channel by its largest over all tokens
//   and to valueLimit,
//   output[t][c] = float(sum over j of p[j] * V[j][c]) * ((mV[c] / valueLimit) * (1 / float(sum over j of p[j]))).
// An m below 2^-100 gives zeros. Sums are exact, so their order is free; each score and output has a lane of its own.
//
// Threads share heads times groups of four tokens. Scratch of a head: keys [panel of 8 tokens][pair of d][8][2] int16 and a scale
// each, values [panel of 8 channels][pair of tokens][8][2] int16 and a scale for each channel, zero padded; of four tokens:
// queries [pair][4][2] int16 and factors, scores [4][tokens] float32, weights p [pair of tokens][4][2] int16, sums [4][8]. With
// T = roundUp(tokens, 8), P = ceil(d / 2), D = roundUp(d, 8): T * (P * 4 + D * 2 + 28) + D * 4 + P * 16 + 176 bytes.
//
// Exact: the host's limits keep d * limit^2 and tokens * weightLimit * valueLimit below 2^31, and each within int16. e is
// at most 1.00001, so p never exceeds weightLimit, which the largest score's is: nothing divides by zero.

import { maximum } from '../exponentials'
import { ones, SIMD } from '../isa'
import { POWER_TABLE, power, powerV } from '../power'
import { scratchOf, start } from '../split'
import { ROUNDING, roundEven, storeFirst } from '../vector'
import { address, float, word } from '../word'
import { packValues } from './attention_values'
import { multiply } from './linear_pairs'
import { quantizeRow, rowFactor } from './linear_rows'

const LOG2E: f32 = 1.44269504

export function attention_s16(i: usize, thread: i32, threads: i32): void {
  const tokens = word(i, 3)
  const d = word(i, 5)
  const groups = (tokens + 3) >> 2
  const padded = <usize>((tokens + 7) & ~7)
  const pairs = <usize>((d + 1) >> 1)
  const channels = <usize>((d + 7) & ~7)
  const keys = scratchOf(i, 9)
  const keyScales = keys + padded * pairs * 4
  const values = keyScales + padded * 4
  const valueScales = values + padded * channels * 2
  const queries = valueScales + channels * 4
  const last = start(word(i, 4) * groups, thread + 1, threads)
  let head = -1
  for (let n = start(word(i, 4) * groups, thread, threads); n < last; n++) {
    if (n / groups != head) {
      head = n / groups
      packKeys(i, head, keys, keyScales)
      packValues(i, head, values, valueScales)
    }
    attend(i, head, (n % groups) * 4, keys, keyScales, values, valueScales, queries)
  }
}

/** Four tokens of one head, or what is left of four. */
function attend(
  i: usize,
  head: i32,
  first: i32,
  keys: usize,
  keyScales: usize,
  values: usize,
  valueScales: usize,
  queries: usize,
): void {
  const tokens = word(i, 3)
  const d = word(i, 5)
  const padded = <usize>((tokens + 7) & ~7)
  const pairs = <usize>((d + 1) >> 1)
  const factors = queries + pairs * 16
  const inverses = factors + 16
  const sums = inverses + 16
  const scores = sums + 128
  const weights = scores + padded * 16
  const rows = min(4, tokens - first)
  packQueries(i, head, first, rows, queries, factors)
  for (let j: usize = 0; j < padded; j += 8) {
    score(queries, keys + j * pairs * 4, pairs, keyScales + j * 4, scores + j * 4, padded * 4)
  }
  weigh(scores, <usize>tokens, padded, factors, <f32>word(i, 11), weights, inverses)
  const stride = <usize>word(i, 7)
  const output = address(i, 2) + <usize>first * stride + <usize>(head * d) * 4
  for (let c = 0; c < d; c += 8) {
    multiply(weights, 0, values + <usize>c * padded * 2, padded >> 1, sums, 4, true)
    let to = output + <usize>c * 4
    for (let r: usize = 0; r < <usize>rows; r++) {
      storeRow(to, sums + r * 32, valueScales + <usize>c * 4, load<f32>(inverses + r * 4), <usize>min(8, d - c))
      to += stride
    }
  }
}

/** Of a token that doesn't exist the last one's query stands there: its results are not stored. */
function packQueries(i: usize, head: i32, first: i32, rows: i32, to: usize, factors: usize): void {
  const d = word(i, 5)
  const stride = <usize>word(i, 6)
  let x = address(i, 1) + <usize>first * stride + <usize>(head * d) * 4
  for (let r = 0; r < 4; r++) {
    const at = factors + <usize>r * 4
    quantizeRow(x, d, rowFactor(x, d, <f32>word(i, 10), at), <f32>word(i, 10), to + <usize>r * 4, 16)
    store<f32>(at, load<f32>(at) * float(i, 8) * LOG2E)
    if (r + 1 < rows) x += stride
  }
}

/** What stands in the last panel for tokens that don't exist is never used. */
function packKeys(i: usize, head: i32, to: usize, scales: usize): void {
  const d = word(i, 5)
  const panel = <usize>((d + 1) >> 1) * 32
  const stride = <usize>word(i, 6)
  let x = address(i, 1) + <usize>((word(i, 4) + head) * d) * 4
  for (let j: usize = 0; j < <usize>word(i, 3); j++) {
    const factor = rowFactor(x, d, <f32>word(i, 10), scales + j * 4)
    quantizeRow(x, d, factor, <f32>word(i, 10), to + (j >> 3) * panel + (j & 7) * 4, 32)
    x += stride
  }
}

/** Scores of four tokens with a panel of eight, a row of them `rowBytes` from the next. */
function score(x: usize, panel: usize, pairs: usize, scales: usize, to: usize, rowBytes: usize): void {
  if (SIMD) {
    let a0 = i32x4.splat(0)
    let a1 = a0
    let b0 = a0
    let b1 = a0
    let c0 = a0
    let c1 = a0
    let d0 = a0
    let d1 = a0
    for (const end = x + pairs * 16; x < end; x += 16) {
      const w0 = v128.load(panel)
      const w1 = v128.load(panel, 16)
      let v = v128.load32_splat(x)
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(v, w0))
      a1 = i32x4.add(a1, i32x4.dot_i16x8_s(v, w1))
      v = v128.load32_splat(x, 4)
      b0 = i32x4.add(b0, i32x4.dot_i16x8_s(v, w0))
      b1 = i32x4.add(b1, i32x4.dot_i16x8_s(v, w1))
      v = v128.load32_splat(x, 8)
      c0 = i32x4.add(c0, i32x4.dot_i16x8_s(v, w0))
      c1 = i32x4.add(c1, i32x4.dot_i16x8_s(v, w1))
      v = v128.load32_splat(x, 12)
      d0 = i32x4.add(d0, i32x4.dot_i16x8_s(v, w0))
      d1 = i32x4.add(d1, i32x4.dot_i16x8_s(v, w1))
      panel += 32
    }
    const s0 = v128.load(scales)
    const s1 = v128.load(scales, 16)
    storeScores(to, a0, a1, s0, s1)
    to += rowBytes
    storeScores(to, b0, b1, s0, s1)
    to += rowBytes
    storeScores(to, c0, c1, s0, s1)
    to += rowBytes
    storeScores(to, d0, d1, s0, s1)
  } else {
    for (let n: usize = 0; n < 32; n++) {
      const row = x + (n >> 3) * 4
      const column = panel + (n & 7) * 4
      let acc = 0
      for (let k: usize = 0; k < pairs; k++) {
        acc += <i32>load<i16>(row + k * 16) * load<i16>(column + k * 32)
        acc += <i32>load<i16>(row + k * 16, 2) * load<i16>(column + k * 32, 2)
      }
      store<f32>(to + (n >> 3) * rowBytes + (n & 7) * 4, <f32>acc * load<f32>(scales + (n & 7) * 4))
    }
  }
}

// @ts-ignore: decorator
@inline
function storeScores(to: usize, low: v128, high: v128, s0: v128, s1: v128): void {
  v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(low), s0))
  v128.store(to, f32x4.mul(f32x4.convert_i32x4_s(high), s1), 16)
}

/** Scores [4][padded] to weights [pair of tokens][4][2], and one over the sum of each row's. */
function weigh(
  scores: usize,
  tokens: usize,
  padded: usize,
  factors: usize,
  limit: f32,
  weights: usize,
  inverses: usize,
): void {
  const a = scores
  const b = a + padded * 4
  const c = b + padded * 4
  const d = c + padded * 4
  const ma = maximum(a, tokens)
  const mb = maximum(b, tokens)
  const mc = maximum(c, tokens)
  const md = maximum(d, tokens)
  const fa = load<f32>(factors)
  const fb = load<f32>(factors, 4)
  const fc = load<f32>(factors, 8)
  const fd = load<f32>(factors, 12)
  if (SIMD) {
    store<f32>(inverses, <f32>1 / <f32>weighInPlace(a, tokens, ma, fa, limit))
    store<f32>(inverses, <f32>1 / <f32>weighInPlace(b, tokens, mb, fb, limit), 4)
    store<f32>(inverses, <f32>1 / <f32>weighInPlace(c, tokens, mc, fc, limit), 8)
    store<f32>(inverses, <f32>1 / <f32>weighInPlace(d, tokens, md, fd, limit), 12)
    for (let n: usize = 0; n < padded * 2; n += 16) {
      const wa = v128.load(a + n)
      const wb = v128.load(b + n)
      const wc = v128.load(c + n)
      const wd = v128.load(d + n)
      const abLow = i32x4.shuffle(wa, wb, 0, 4, 1, 5)
      const abHigh = i32x4.shuffle(wa, wb, 2, 6, 3, 7)
      const cdLow = i32x4.shuffle(wc, wd, 0, 4, 1, 5)
      const cdHigh = i32x4.shuffle(wc, wd, 2, 6, 3, 7)
      const to = weights + n * 4
      v128.store(to, i64x2.shuffle(abLow, cdLow, 0, 2))
      v128.store(to, i64x2.shuffle(abLow, cdLow, 1, 3), 16)
      v128.store(to, i64x2.shuffle(abHigh, cdHigh, 0, 2), 32)
      v128.store(to, i64x2.shuffle(abHigh, cdHigh, 1, 3), 48)
    }
  } else {
    weighRow(a, tokens, padded, ma, fa, limit, weights, inverses)
    weighRow(b, tokens, padded, mb, fb, limit, weights + 4, inverses + 4)
    weighRow(c, tokens, padded, mc, fc, limit, weights + 8, inverses + 8)
    weighRow(d, tokens, padded, md, fd, limit, weights + 12, inverses + 12)
  }
}

/** A row of scores becomes int16 weights, from its beginning on, zeros up to whole eights; returns their sum. */
function weighInPlace(row: usize, tokens: usize, m: f32, factor: f32, limit: f32): i32 {
  const one = ones()
  const mV = f32x4.splat(m)
  const f = f32x4.splat(factor)
  const l = f32x4.splat(limit)
  const magic = v128.load(ROUNDING)
  const bits = v128.load(ROUNDING, 16)
  const least = v128.load(POWER_TABLE)
  const c4 = v128.load(POWER_TABLE, 16)
  const c3 = v128.load(POWER_TABLE, 32)
  const c2 = v128.load(POWER_TABLE, 48)
  const c1 = v128.load(POWER_TABLE, 64)
  const c0 = v128.load(POWER_TABLE, 80)
  let sum = i32x4.splat(0)
  let x = row
  let to = row
  for (let left = <i32>tokens; left > 0; left -= 8) {
    const low = f32x4.mul(f32x4.sub(v128.load(x), mV), f)
    const high = f32x4.mul(f32x4.sub(v128.load(x, 16), mV), f)
    const e = f32x4.mul(powerV(low, least, magic, c4, c3, c2, c1, c0), l)
    const g = f32x4.mul(powerV(high, least, magic, c4, c3, c2, c1, c0), l)
    let q = i16x8.narrow_i32x4_s(i32x4.sub(f32x4.add(e, magic), bits), i32x4.sub(f32x4.add(g, magic), bits))
    if (left < 8) q = v128.and(q, i16x8.lt_s(i16x8(0, 1, 2, 3, 4, 5, 6, 7), i16x8.splat(<i16>left)))
    sum = i32x4.add(sum, i32x4.dot_i16x8_s(q, one))
    v128.store(to, q)
    x += 32
    to += 16
  }
  return total(sum)
}

function weighRow(
  x: usize,
  tokens: usize,
  padded: usize,
  m: f32,
  factor: f32,
  limit: f32,
  to: usize,
  inverse: usize,
): void {
  let sum = 0
  for (let j: usize = 0; j < padded; j++) {
    let p = 0
    if (j < tokens) {
      p = roundEven(power((load<f32>(x + j * 4) - m) * factor) * limit)
    }
    sum += p
    store<i16>(to + (j >> 1) * 16 + (j & 1) * 2, p)
  }
  store<f32>(inverse, <f32>1 / <f32>sum)
}

// @ts-ignore: decorator
@inline
function total(v: v128): i32 {
  return (
    i32x4.extract_lane(v, 0) + i32x4.extract_lane(v, 1) + i32x4.extract_lane(v, 2) + i32x4.extract_lane(v, 3)
  )
}

function storeRow(to: usize, sums: usize, scales: usize, inverse: f32, columns: usize): void {
  if (SIMD) {
    const f = f32x4.splat(inverse)
    const y0 = f32x4.mul(f32x4.convert_i32x4_s(v128.load(sums)), f32x4.mul(v128.load(scales), f))
    storeFirst(to, y0, columns << 2)
    if (columns <= 4) return
    const y1 = f32x4.mul(f32x4.convert_i32x4_s(v128.load(sums, 16)), f32x4.mul(v128.load(scales, 16), f))
    storeFirst(to + 16, y1, (columns - 4) << 2)
  } else {
    for (let n: usize = 0; n < columns << 2; n += 4) {
      store<f32>(to + n, <f32>load<i32>(sums + n) * (load<f32>(scales + n) * inverse))
    }
  }
}
