// Scaled dot-product attention of `heads` heads over `tokens` tokens, with products in int16. Row t
// of the input holds queries, keys and values one after the other, each [heads][d] float32; row t
// of the output is [heads][d] float32. A row x of d values is quantised by its largest value m =
// max |x[c]| as in linear_s8: q[c] = roundHalfEven(x[c] * (limit / m)). Values V are quantised
// alike, but each channel by its largest over all tokens, and to valueLimit. For each head h and
// token t, every float32 operation rounds by itself (2^x: lib/power.ts):
//   s[j] = float(sum over c of Q[t][c] * K[j][c]) * (mK[j] / limit),
//   e[j] = 2^((s[j] - max s) * (mQ[t] / limit * scale * log2 e)), p[j] = roundHalfEven(e[j] *
//   weightLimit),
//   output[t][c] = float(sum over j of p[j] * V[j][c]) * ((mV[c] / valueLimit) * (1 / float(sum of
//   p))).
// An m below 2^-100 gives zeros, and NaN gives -limit. Sums are exact, so their order is free.
//
// Threads share heads times groups of eight tokens, whole heads where these divide among them.
// Eight tokens at a time have a lane each from the scores to the weights, so nothing is added
// across a vector, and the weights lie as the last product takes them.
// Scratch, with T = roundUp(tokens, 8), D = roundUp(d, 8) and E = roundUp(d, 16), is T * (D * 2 + E
// * 2 + 36) + D * 16 + E * 4 + 224 bytes:
// - of a head: keys [four tokens][pair of D][4][2] int16 and a scale for each, values [sixteen of
//   E][pair of tokens][16][2] int16 and a scale for each channel;
// - of eight tokens: queries [pair of D][8][2] int16; factors, largest scores and inverse sums [8]
//   float32; outputs [2][16] float32; scores [T][8] float32, and in their place weights [pair of
//   tokens][8][2] int16.
//
// Exact: the host's limits keep d * limit^2 and tokens * weightLimit * valueLimit below 2^31, and
// each limit within int16. e is at most 1.00001, so p never exceeds weightLimit. The largest score
// has that weight, so nothing divides by zero. What is multiplied beyond d or beyond the tokens is
// zero, or its sum is not used.

import { CHECKED, checkAttention } from '../../lib/checks'
import { LOG2E } from '../../lib/exp'
import { AttentionS16 } from '../../lib/instructions'
import { SIMD } from '../../lib/isa'
import { scratchOf, start } from '../../threads/split'
import { multiplyValues } from './outputs'
import { attendPlain, packPlain } from './plain'
import { packRows } from './rows'
import { score } from './scores'
import { packValues } from './values'
import { weigh } from './weights'

export function attention_s16(i: AttentionS16, thread: i32, threads: i32): void {
  if (CHECKED) {
    checkAttention(i)
    const most: i64 = 1 << 31
    assert(<i64>i.headChannels * i.limit * i.limit < most, 'a score may leave int32')
    assert(<i64>i.tokens * i.weightLimit * i.valueLimit < most, 'an output may leave int32')
  }
  const tokens = i.tokens
  const heads = i.heads
  const d = i.headChannels
  const groups = (tokens + 7) >> 3
  const stride = <usize>i.inputStride
  const padded = <usize>((tokens + 7) & ~7)
  const pairs = (<usize>((d + 7) >> 3)) << 2
  const channels = <usize>((d + 15) & ~15)
  const keys = scratchOf(i, i.scratch)
  const keyScales = keys + padded * pairs * 4
  const values = keyScales + padded * 4
  const valueScales = values + padded * channels * 2
  const queries = valueScales + channels * 4
  const last = start(heads * groups, thread + 1, threads)
  let packed = -1
  for (let n = start(heads * groups, thread, threads); n < last; n++) {
    const head = n / groups
    const first = (n % groups) << 3
    const x = i.input + <usize>(head * d) * 4
    if (head != packed) {
      packed = head
      const k = x + <usize>(heads * d) * 4
      const v = k + <usize>(heads * d) * 4
      if (SIMD) {
        packRows(k, stride, tokens, d, <f32>i.limit, keys, pairs * 16, 16, keyScales)
        packValues(v, stride, tokens, d, <f32>i.valueLimit, values, valueScales)
      } else packPlain(i, k, v, keys, keyScales, values, valueScales)
    }
    const rows = min(8, tokens - first)
    const from = x + <usize>first * stride
    const to = i.output + <usize>first * <usize>i.outputStride + <usize>(head * d) * 4
    if (SIMD) attend(i, from, to, rows, keys, keyScales, values, valueScales, queries)
    else attendPlain(i, from, to, rows, keys, keyScales, values, valueScales, queries)
  }
}

/** The shares of each thread: heads, so that none is packed twice. */
export function attentionShares(i: AttentionS16, threads: i32): i32 {
  const heads = i.heads
  return heads % threads == 0 ? heads / threads : 1
}

/** Eight tokens of one head, or the rest of them. */
function attend(
  i: AttentionS16,
  x: usize,
  to: usize,
  rows: usize,
  keys: usize,
  keyScales: usize,
  values: usize,
  valueScales: usize,
  queries: usize,
): void {
  const tokens = <usize>i.tokens
  const d = i.headChannels
  const pairs = (<usize>((d + 7) >> 3)) << 2
  const factors = queries + pairs * 32
  const largest = factors + 32
  const inverses = largest + 32
  const work = inverses + 32
  const scores = work + 128
  packRows(x, i.inputStride, rows, d, <f32>i.limit, queries, 16, 32, factors)
  score(queries, keys, pairs, keyScales, tokens, scores, largest)
  for (let r: usize = 0; r < rows << 2; r += 16) {
    const m = v128.load(factors + r)
    v128.store(factors + r, f32x4.mul(f32x4.mul(m, f32x4.splat(i.scale)), f32x4.splat(LOG2E)))
    weigh(scores + r, tokens, largest + r, factors + r, <f32>i.weightLimit, inverses + r)
  }
  multiplyValues(scores, values, (tokens + 1) >> 1, valueScales, inverses, to, i.outputStride, rows, d, work)
}
