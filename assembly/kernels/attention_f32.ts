// Scaled dot-product attention of `heads` heads over `tokens` tokens. Input row t holds queries, keys and values one
// after the other, each [heads][d]; output row t is [heads][d]. For each head h and token t:
//   s[j] = (sum over c of q[t][c] * k[j][c]) * scale, p[j] = exp(s[j] - max s),
//   output[t][c] = (sum over j of p[j] * v[j][c]) * (1 / sum over j of p[j]).
// Each product and each addition of the first and third sum is rounded to float32, c and j ascending, from 0; the sum of
// p goes by lanes (assembly/exponentials.ts). Each output has a lane of its own: all builds give the same bytes.
//
// Threads share heads times groups of four tokens, group by group within a head. A head's keys are brought to scratch
// as [panel of 8 tokens][d][8] and its values as [panel of 8 channels][tokens][8], zero padded, so that both products
// are one micro-kernel: 4 rows x 8 columns. Scratch, with T = roundUp(tokens, 8), D = roundUp(d, 8):
// T * d * 4 + tokens * D * 4 + 4 * T * 4 + 64 bytes.
//
// exp() never exceeds 1, and the sum of p is at least 1. Sums may overflow to infinity, as float32 does.

import { exponentials } from '../exponentials'
import { SIMD } from '../isa'
import { scratchOf, start } from '../split'
import { storeFirst } from '../vector'
import { address, float, word } from '../word'

export function attention_f32(i: usize, thread: i32, threads: i32): void {
  const tokens = word(i, 3)
  const heads = word(i, 4)
  const d = word(i, 5)
  const groups = (tokens + 3) >> 2
  const keys = scratchOf(i, 9, thread)
  const values = keys + <usize>((tokens + 7) & ~7) * <usize>d * 4
  const scores = values + <usize>tokens * <usize>((d + 7) & ~7) * 4
  const last = start(heads * groups, thread + 1, threads)
  let head = -1
  for (let n = start(heads * groups, thread, threads); n < last; n++) {
    if (n / groups != head) {
      head = n / groups
      packKeys(i, head, keys)
      packValues(i, head, values)
    }
    attend(i, head, (n % groups) * 4, keys, values, scores)
  }
}

/** Four tokens of one head. */
function attend(i: usize, head: i32, first: i32, keys: usize, values: usize, scores: usize): void {
  const tokens = word(i, 3)
  const d = <usize>word(i, 5)
  const inputStride = <usize>word(i, 6)
  const outputStride = <usize>word(i, 7)
  const scale = float(i, 8)
  const rows = min(4, tokens - first)
  const rowBytes = <usize>((tokens + 7) & ~7) * 4
  const query = address(i, 1) + <usize>first * inputStride + <usize>head * d * 4
  for (let j = 0; j < tokens; j += 8) {
    const to = scores + <usize>j * 4
    tile(query, inputStride, rows, keys + <usize>j * d * 4, d, to, rowBytes, scale, scale, scale, scale, 8)
  }
  const a: f32 = 1 / exponentials(scores, scores, <usize>tokens)
  const b: f32 = rows > 1 ? 1 / exponentials(scores + rowBytes, scores + rowBytes, <usize>tokens) : 0
  const c: f32 = rows > 2 ? 1 / exponentials(scores + 2 * rowBytes, scores + 2 * rowBytes, <usize>tokens) : 0
  const e: f32 = rows > 3 ? 1 / exponentials(scores + 3 * rowBytes, scores + 3 * rowBytes, <usize>tokens) : 0
  const output = address(i, 2) + <usize>first * outputStride + <usize>head * d * 4
  for (let k: usize = 0; k < d; k += 8) {
    const panel = values + k * <usize>tokens * 4
    tile(scores, rowBytes, rows, panel, <usize>tokens, output + k * 4, outputStride, a, b, c, e, min(8, d - k))
  }
}

/**
 * to[r][n] = (sum over k of x[r][k] * panel[k][n]) * factor of row r, r < rows <= 4, n < columns <= 8. Rows of x and of
 * the target are a stride apart; a row that doesn't exist is row 0 once more and isn't stored.
 */
function tile(
  x: usize,
  stride: usize,
  rows: i32,
  panel: usize,
  depth: usize,
  to: usize,
  toStride: usize,
  fa: f32,
  fb: f32,
  fc: f32,
  fd: f32,
  columns: usize,
): void {
  if (SIMD) {
    const xb = rows > 1 ? stride : 0
    const xc = rows > 2 ? stride + stride : 0
    const xd = rows > 3 ? stride + stride + stride : 0
    let a0 = f32x4.splat(0)
    let a1 = a0
    let b0 = a0
    let b1 = a0
    let c0 = a0
    let c1 = a0
    let d0 = a0
    let d1 = a0
    for (const end = x + depth * 4; x < end; x += 4) {
      const w0 = v128.load(panel)
      const w1 = v128.load(panel, 16)
      let v = v128.load32_splat(x)
      a0 = f32x4.add(a0, f32x4.mul(v, w0))
      a1 = f32x4.add(a1, f32x4.mul(v, w1))
      v = v128.load32_splat(x + xb)
      b0 = f32x4.add(b0, f32x4.mul(v, w0))
      b1 = f32x4.add(b1, f32x4.mul(v, w1))
      v = v128.load32_splat(x + xc)
      c0 = f32x4.add(c0, f32x4.mul(v, w0))
      c1 = f32x4.add(c1, f32x4.mul(v, w1))
      v = v128.load32_splat(x + xd)
      d0 = f32x4.add(d0, f32x4.mul(v, w0))
      d1 = f32x4.add(d1, f32x4.mul(v, w1))
      panel += 32
    }
    storeRow(to, a0, a1, fa, columns)
    if (rows > 1) storeRow(to + toStride, b0, b1, fb, columns)
    if (rows > 2) storeRow(to + 2 * toStride, c0, c1, fc, columns)
    if (rows > 3) storeRow(to + 3 * toStride, d0, d1, fd, columns)
  } else {
    for (let r = 0; r < rows; r++) {
      const factor = r == 0 ? fa : r == 1 ? fb : r == 2 ? fc : fd
      for (let n: usize = 0; n < columns; n++) {
        let acc: f32 = 0
        for (let k: usize = 0; k < depth; k++) acc += load<f32>(x + k * 4) * load<f32>(panel + k * 32 + n * 4)
        store<f32>(to + n * 4, acc * factor)
      }
      x += stride
      to += toStride
    }
  }
}

// @ts-ignore: decorator
@inline
function storeRow(to: usize, low: v128, high: v128, factor: f32, columns: usize): void {
  const f = f32x4.splat(factor)
  storeFirst(to, f32x4.mul(low, f), columns << 2)
  if (columns > 4) storeFirst(to + 16, f32x4.mul(high, f), (columns - 4) << 2)
}

/** Keys as [panel of 8 tokens][d][8]. Of a token that doesn't exist the last's stand there: its scores are never read. */
function packKeys(i: usize, head: i32, to: usize): void {
  const tokens = word(i, 3)
  const d = <usize>word(i, 5)
  const stride = <usize>word(i, 6)
  const from = address(i, 1) + <usize>(word(i, 4) + head) * d * 4
  for (let j = 0; j < tokens; j += 4) {
    const a = from + <usize>j * stride
    const b = from + <usize>min(j + 1, tokens - 1) * stride
    const c = from + <usize>min(j + 2, tokens - 1) * stride
    const e = from + <usize>min(j + 3, tokens - 1) * stride
    const target = to + <usize>(j >> 3) * d * 32 + <usize>(j & 4) * 4
    for (let k: usize = 0; k < d; k += 4) {
      const at = target + k * 32
      const n = min(4, d - k)
      if (SIMD) {
        const va = v128.load(a + k * 4)
        const vb = v128.load(b + k * 4)
        const vc = v128.load(c + k * 4)
        const ve = v128.load(e + k * 4)
        const abLow = i32x4.shuffle(va, vb, 0, 4, 1, 5)
        const abHigh = i32x4.shuffle(va, vb, 2, 6, 3, 7)
        const ceLow = i32x4.shuffle(vc, ve, 0, 4, 1, 5)
        const ceHigh = i32x4.shuffle(vc, ve, 2, 6, 3, 7)
        v128.store(at, i64x2.shuffle(abLow, ceLow, 0, 2))
        if (n > 1) v128.store(at, i64x2.shuffle(abLow, ceLow, 1, 3), 32)
        if (n > 2) v128.store(at, i64x2.shuffle(abHigh, ceHigh, 0, 2), 64)
        if (n > 3) v128.store(at, i64x2.shuffle(abHigh, ceHigh, 1, 3), 96)
      } else {
        for (let m: usize = 0; m < n; m++) {
          const source = (k + m) * 4
          store<f32>(at + m * 32, load<f32>(a + source))
          store<f32>(at + m * 32, load<f32>(b + source), 4)
          store<f32>(at + m * 32, load<f32>(c + source), 8)
          store<f32>(at + m * 32, load<f32>(e + source), 12)
        }
      }
    }
  }
}

/** Values as [panel of 8 channels][tokens][8]. What stands in a last panel beyond the head's channels isn't stored. */
function packValues(i: usize, head: i32, to: usize): void {
  const tokens = word(i, 3)
  const d = word(i, 5)
  const stride = <usize>word(i, 6)
  const from = address(i, 1) + <usize>((word(i, 4) * 2 + head) * d) * 4
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
