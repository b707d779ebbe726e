// Scaled dot-product attention of `heads` heads over `tokens` tokens. Row t of the input holds
// queries, keys and values one after the other, each [heads][d]; row t of the output is [heads][d].
// For each head h and token t:
//   s[j] = (sum over c of q[t][c] * k[j][c]) * scale, p[j] = exp(s[j] - max s),
//   output[t][c] = (sum over j of p[j] * v[j][c]) * (1 / sum over j of p[j]).
// Each product and each addition of the first and third sum rounds to float32, c and j ascending,
// from 0. The sum of p goes by lanes (lib/exponentials.ts). Each output has a lane of its own: all
// builds give the same bytes.
//
// Threads share heads times groups of four tokens, group by group within a head. A head's keys go
// to scratch as [panel of 8 tokens][d][8] and its values as [panel of 8 channels][tokens][8], zero
// padded; the queries of four tokens go there as [d][4] and their scores as [tokens][4]. So both
// products are one micro-kernel of 4 rows x 8 columns, and what lies between them works on a row a
// lane.
// Scratch with T = roundUp(tokens, 8) and D = roundUp(d, 8): T * d * 4 + tokens * D * 4 + d * 16 +
// T * 16 + 192 bytes.
//
// exp() never exceeds 1, and the sum of p is at least 1. Sums may overflow to infinity, as float32
// does.

import { CHECKED, checkAttention } from '../../lib/checks'
import { exponentialsOfFour } from '../../lib/exponentials'
import { Attention } from '../../lib/instructions'
import { SIMD } from '../../lib/isa'
import { firstHalves, firstQuads, lastHalves, lastQuads } from '../../lib/turn'
import { storeFirst } from '../../lib/vector'
import { scratchOf, start } from '../../threads/split'

export function attention_f32(i: Attention, thread: i32, threads: i32): void {
  if (CHECKED) checkAttention(i)
  const tokens = i.tokens
  const heads = i.heads
  const d = i.headChannels
  const groups = (tokens + 3) >> 2
  const keys = scratchOf(i, i.scratch)
  const values = keys + <usize>((tokens + 7) & ~7) * <usize>d * 4
  const queries = values + <usize>tokens * <usize>((d + 7) & ~7) * 4
  const last = start(heads * groups, thread + 1, threads)
  let head = -1
  for (let n = start(heads * groups, thread, threads); n < last; n++) {
    if (n / groups != head) {
      head = n / groups
      packKeys(i, head, keys)
      packValues(i, head, values)
    }
    attend(i, head, (n % groups) * 4, keys, values, queries)
  }
}

/** Four tokens of one head, or the rest of them. */
function attend(i: Attention, head: i32, first: i32, keys: usize, values: usize, queries: usize): void {
  const tokens = i.tokens
  const d = <usize>i.headChannels
  const outputStride = <usize>i.outputStride
  const rows = min(4, tokens - first)
  const scores = queries + d * 16
  const sums = scores + <usize>((tokens + 7) & ~7) * 16
  const factors = sums + 128
  packQueries(i, head, first, rows, queries)
  for (let j: usize = 0; j < <usize>tokens; j += 8) {
    product(queries, keys + j * d * 4, d, sums)
    turn(sums, scores + j * 16, i.scale)
  }
  exponentialsOfFour(scores, <usize>tokens, factors)
  const output = i.output + <usize>first * outputStride + <usize>head * d * 4
  for (let k: usize = 0; k < d; k += 8) {
    product(scores, values + k * <usize>tokens * 4, <usize>tokens, sums)
    let to = output + k * 4
    for (let r: usize = 0; r < <usize>rows; r++) {
      storeRow(to, sums + r * 32, load<f32>(factors + r * 4), min(8, d - k))
      to += outputStride
    }
  }
}

/** sums[r][n] = sum over k of x[k][r] * panel[k][n], r < 4, n < 8, k ascending. */
function product(x: usize, panel: usize, depth: usize, sums: usize): void {
  if (SIMD) {
    let a0 = f32x4.splat(0)
    let a1 = a0
    let b0 = a0
    let b1 = a0
    let c0 = a0
    let c1 = a0
    let d0 = a0
    let d1 = a0
    for (const end = x + depth * 16; x < end; x += 16) {
      const w0 = v128.load(panel)
      const w1 = v128.load(panel, 16)
      let v = v128.load32_splat(x)
      a0 = f32x4.add(a0, f32x4.mul(v, w0))
      a1 = f32x4.add(a1, f32x4.mul(v, w1))
      v = v128.load32_splat(x, 4)
      b0 = f32x4.add(b0, f32x4.mul(v, w0))
      b1 = f32x4.add(b1, f32x4.mul(v, w1))
      v = v128.load32_splat(x, 8)
      c0 = f32x4.add(c0, f32x4.mul(v, w0))
      c1 = f32x4.add(c1, f32x4.mul(v, w1))
      v = v128.load32_splat(x, 12)
      d0 = f32x4.add(d0, f32x4.mul(v, w0))
      d1 = f32x4.add(d1, f32x4.mul(v, w1))
      panel += 32
    }
    v128.store(sums, a0)
    v128.store(sums, a1, 16)
    v128.store(sums, b0, 32)
    v128.store(sums, b1, 48)
    v128.store(sums, c0, 64)
    v128.store(sums, c1, 80)
    v128.store(sums, d0, 96)
    v128.store(sums, d1, 112)
  } else {
    for (let n: usize = 0; n < 32; n++) {
      let acc: f32 = 0
      const row = x + (n >> 3) * 4
      const column = panel + (n & 7) * 4
      for (let k: usize = 0; k < depth; k++) acc += load<f32>(row + k * 16) * load<f32>(column + k * 32)
      store<f32>(sums + n * 4, acc)
    }
  }
}

/** [4][8] sums to [8][4] scores, times the scale. */
function turn(sums: usize, to: usize, scale: f32): void {
  if (SIMD) {
    const s = f32x4.splat(scale)
    for (let n: usize = 0; n < 32; n += 16) {
      const a = f32x4.mul(v128.load(sums + n), s)
      const b = f32x4.mul(v128.load(sums + n, 32), s)
      const c = f32x4.mul(v128.load(sums + n, 64), s)
      const d = f32x4.mul(v128.load(sums + n, 96), s)
      storeTurned(to + n * 4, 16, 4, a, b, c, d)
    }
  } else {
    for (let n: usize = 0; n < 32; n++) {
      store<f32>(to + (n & 7) * 16 + (n >> 3) * 4, load<f32>(sums + n * 4) * scale)
    }
  }
}

/** The first `count` columns of a 4x4 matrix, `step` bytes apart. */
// @ts-ignore: decorator
@inline
function storeTurned(to: usize, step: usize, count: usize, a: v128, b: v128, c: v128, d: v128): void {
  const abLow = firstQuads(a, b)
  const abHigh = lastQuads(a, b)
  const cdLow = firstQuads(c, d)
  const cdHigh = lastQuads(c, d)
  v128.store(to, firstHalves(abLow, cdLow))
  if (count > 1) v128.store(to + step, lastHalves(abLow, cdLow))
  if (count > 2) v128.store(to + 2 * step, firstHalves(abHigh, cdHigh))
  if (count > 3) v128.store(to + 3 * step, lastHalves(abHigh, cdHigh))
}

function storeRow(to: usize, sums: usize, factor: f32, columns: usize): void {
  if (SIMD) {
    const f = f32x4.splat(factor)
    storeFirst(to, f32x4.mul(v128.load(sums), f), columns << 2)
    if (columns > 4) storeFirst(to + 16, f32x4.mul(v128.load(sums, 16), f), (columns - 4) << 2)
  } else {
    for (let n: usize = 0; n < columns << 2; n += 4) store<f32>(to + n, load<f32>(sums + n) * factor)
  }
}

/**
 * Packs queries as [d][4]. The first query stands in for one that does not exist, whose results are
 * not stored.
 */
function packQueries(i: Attention, head: i32, first: i32, rows: i32, to: usize): void {
  const d = <usize>i.headChannels
  const stride = <usize>i.inputStride
  const a = i.input + <usize>first * stride + <usize>head * d * 4
  const b = rows > 1 ? a + stride : a
  const c = rows > 2 ? a + 2 * stride : a
  const e = rows > 3 ? a + 3 * stride : a
  for (let k: usize = 0; k < d; k += 4)
    turnRows(a + k * 4, b + k * 4, c + k * 4, e + k * 4, to + k * 16, 16, min(4, d - k))
}

/** The first `count` of four values of four rows, `step` bytes apart. */
// @ts-ignore: decorator
@inline
function turnRows(a: usize, b: usize, c: usize, d: usize, to: usize, step: usize, count: usize): void {
  if (SIMD) storeTurned(to, step, count, v128.load(a), v128.load(b), v128.load(c), v128.load(d))
  else {
    for (let n: usize = 0; n < count; n++) {
      store<f32>(to + n * step, load<f32>(a + n * 4))
      store<f32>(to + n * step, load<f32>(b + n * 4), 4)
      store<f32>(to + n * step, load<f32>(c + n * 4), 8)
      store<f32>(to + n * step, load<f32>(d + n * 4), 12)
    }
  }
}

/**
 * Packs keys as [panel of 8 tokens][d][8]. The last key stands in for one that does not exist,
 * whose scores are never read.
 */
function packKeys(i: Attention, head: i32, to: usize): void {
  const tokens = i.tokens
  const d = <usize>i.headChannels
  const stride = <usize>i.inputStride
  const from = i.input + <usize>(i.heads + head) * d * 4
  for (let j = 0; j < tokens; j += 4) {
    const a = from + <usize>j * stride
    const b = from + <usize>min(j + 1, tokens - 1) * stride
    const c = from + <usize>min(j + 2, tokens - 1) * stride
    const e = from + <usize>min(j + 3, tokens - 1) * stride
    const target = to + <usize>(j >> 3) * d * 32 + <usize>(j & 4) * 4
    for (let k: usize = 0; k < d; k += 4) {
      const at = k * 4
      turnRows(a + at, b + at, c + at, e + at, target + k * 32, 32, min(4, d - k))
    }
  }
}

/**
 * Packs values as [panel of 8 channels][tokens][8]. What the last panel holds beyond the head's
 * channels is never stored.
 */
function packValues(i: Attention, head: i32, to: usize): void {
  const tokens = i.tokens
  const d = i.headChannels
  const stride = <usize>i.inputStride
  const from = i.input + <usize>((i.heads * 2 + head) * d) * 4
  for (let c = 0; c < d; c += 8) {
    let source = from + <usize>c * 4
    for (let j = 0; j < tokens; j++) {
      if (SIMD) {
        v128.store(to, v128.load(source))
        v128.store(to, v128.load(source, 16), 16)
      } else {
        for (let n: usize = 0; n < 32; n += 4) store<f32>(to + n, load<f32>(source + n))
      }
      source += stride
      to += 32
    }
  }
}
