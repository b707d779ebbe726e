// Rows (tokens) times int8 weights, each row quantised by its own largest value: with m = max over k of |x[t][k]|,
//   q[t][k] = roundHalfEven(x[t][k] * (limit / m)), acc = sum over k of q[t][k] * weight[o][k],
//   y[t][o] = float(acc) * (m / limit * scales[o]) + bias[o],
// every float32 operation rounded by itself, in this order. A row whose m is below 2^-100 has q = 0. float32 views of
// `tokens` rows; scales are the weights', one an output channel; limit is 127, or 63 where the weights are within
// -63..63 too. NaN in x counts as -limit and not in m.
//
// Weights stay int8 in memory: a large network's would not fit twice as wide. `block` rows at a time are quantised to
// scratch; then each panel of 8 channels is multiplied with all rows of the block. Threads share the panels and each
// quantises all rows: that is little beside the products. Two forms of the product, with the same sums:
// - int16 pairs. Weights [panel of 8 channels][pair of depth][8][2], rows [4 rows][pair][4][2] int16; 1024 of a panel's
//   depth at a time is widened to int16 in scratch, where it stays in the first-level cache. 4 rows x 8 channels are
//   eight accumulators and six loads a pair of depth.
// - int8 quads, in relaxed builds with limit 63. Weights plus 64, so 1..127, [panel][quad of depth][8][4], rows
//   [4 rows][quad][4][4] int8; what the 64 adds, 64 times the row's sum, is taken off from the start. Where a processor
//   adds quads in one instruction, that is used, twice as fast as pairs of int16; where it adds pairs in int16 (x86 without
//   VNNI, or a runtime that doesn't use it), two quads' pairs are added before they are widened.
// Depth is padded with zeros to whole pairs or to a multiple of 8.
// Scratch: rows * ceil(depth / 8) * 16 + rows * 8 (scales, corrections) + rows * 32 (sums) + 16384 (panel),
// rows = roundUp(block, 4).
//
// Exact: |q| and |weight| <= 127 and depth < 2^17, so |acc| < 2^31. |x * (limit / m)| <= 127.0001 where m is the
// largest, so rounding gives at most limit. Of quads, |q| <= 63 and 0 < weight + 64 < 128, so two products are at most
// 16,002 and four at most 32,004: they fit int16 however the relaxed instruction adds, and its second operand is
// within its 7 bits.

import { addsQuads, dotPairs, dotQuads, RELAXED, SIMD } from '../isa'
import { scratchOf, start } from '../split'
import { storeFirst } from '../vector'
import { address, word } from '../word'
import { NARROW } from './linear_pack'
import { quantizeRows } from './linear_rows'

const CHUNK: usize = 512 // pairs of a panel that are widened at a time
const QUADS: usize = 512 // quads of a panel that are multiplied at a time

export function linear_s8(i: usize, thread: i32, threads: i32): void {
  const tokens = word(i, 6)
  const depth = word(i, 7)
  const inputStride = <usize>word(i, 8)
  const outputChannels = word(i, 9)
  const outputStride = <usize>word(i, 10)
  const rows = scratchOf(i, 11, thread)
  const block = word(i, 12)
  const limit = word(i, 13)
  const quads = RELAXED && limit == NARROW
  const rounded = <usize>((block + 3) & ~3)
  const rowScales = rows + rounded * <usize>((depth + 7) >> 3) * 16
  const corrections = rowScales + rounded * 4
  const sums = corrections + rounded * 4
  const panel = sums + rounded * 32
  const panels = (outputChannels + 7) >> 3
  const firstPanel = start(panels, thread, threads)
  const lastPanel = start(panels, thread + 1, threads)
  if (firstPanel == lastPanel) return
  for (let first = 0; first < tokens; first += block) {
    const count = min(block, tokens - first)
    const input = address(i, 1) + <usize>first * inputStride
    quantizeRows(input, inputStride, count, depth, limit, rows, rowScales, corrections)
    const output = address(i, 2) + <usize>first * outputStride
    for (let p = firstPanel; p < lastPanel; p++) {
      if (quads) multiplyQuads(rows, address(i, 3), p, depth, sums, corrections, count)
      else multiplyPairs(rows, address(i, 3), p, depth, sums, panel, count)
      const at = <usize>p * 32
      const channels = min(8, outputChannels - p * 8)
      finish(sums, rowScales, address(i, 5) + at, address(i, 4) + at, output + at, outputStride, count, channels)
    }
  }
}

/** One panel with all rows, 16 bytes of weights a pair of depth. */
function multiplyPairs(rows: usize, weights: usize, p: i32, depth: i32, sums: usize, panel: usize, count: i32): void {
  const pairs = <usize>((depth + 1) >> 1)
  const from = weights + <usize>p * pairs * 16
  for (let done: usize = 0; done < pairs; done += CHUNK) {
    const length = min(CHUNK, pairs - done)
    widenPanel(from + done * 16, panel, length)
    multiply(rows + done * 16, pairs * 16, panel, length, sums, count, done == 0)
  }
}

/** One panel with all rows, 32 bytes of weights a quad of depth; quads come in twos. */
function multiplyQuads(
  rows: usize,
  weights: usize,
  p: i32,
  depth: i32,
  sums: usize,
  corrections: usize,
  count: i32,
): void {
  const quads = <usize>((depth + 7) >> 3) * 2
  const from = weights + <usize>p * quads * 32
  const one = addsQuads()
  for (let done: usize = 0; done < quads; done += QUADS) {
    const length = min(QUADS, quads - done)
    let fields = rows + done * 16
    let to = sums
    let correction = corrections
    for (let n = count; n > 0; n -= 4) {
      if (one) fourRows(fields, from + done * 32, length, to, correction, done == 0)
      else {
        twoRows(fields, from + done * 32, length, to, correction, done == 0)
        twoRows(fields + 8, from + done * 32, length, to + 64, correction + 8, done == 0)
      }
      fields += quads * 16
      to += 128
      correction += 16
    }
  }
}

/** Two rows of a group of four x 8 channels, two quads at a time. */
// @ts-ignore: decorator
@inline
function twoRows(x: usize, w: usize, quads: usize, sums: usize, corrections: usize, begin: bool): void {
  if (RELAXED) {
    const ones = i16x8.splat(1)
    let a0 = begin ? v128.load32_splat(corrections) : v128.load(sums)
    let a1 = begin ? a0 : v128.load(sums, 16)
    let b0 = begin ? v128.load32_splat(corrections, 4) : v128.load(sums, 32)
    let b1 = begin ? b0 : v128.load(sums, 48)
    for (const end = x + quads * 16; x < end; x += 32) {
      const w0 = v128.load(w)
      const w1 = v128.load(w, 16)
      const w2 = v128.load(w, 32)
      const w3 = v128.load(w, 48)
      let v = v128.load32_splat(x)
      let u = v128.load32_splat(x, 16)
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(i16x8.add(dotPairs(v, w0), dotPairs(u, w2)), ones))
      a1 = i32x4.add(a1, i32x4.dot_i16x8_s(i16x8.add(dotPairs(v, w1), dotPairs(u, w3)), ones))
      v = v128.load32_splat(x, 4)
      u = v128.load32_splat(x, 20)
      b0 = i32x4.add(b0, i32x4.dot_i16x8_s(i16x8.add(dotPairs(v, w0), dotPairs(u, w2)), ones))
      b1 = i32x4.add(b1, i32x4.dot_i16x8_s(i16x8.add(dotPairs(v, w1), dotPairs(u, w3)), ones))
      w += 64
    }
    v128.store(sums, a0)
    v128.store(sums, a1, 16)
    v128.store(sums, b0, 32)
    v128.store(sums, b1, 48)
  }
}

/** Four rows x 8 channels, a quad at a time. */
// @ts-ignore: decorator
@inline
function fourRows(x: usize, w: usize, quads: usize, sums: usize, corrections: usize, begin: bool): void {
  if (RELAXED) {
    let a0 = begin ? v128.load32_splat(corrections) : v128.load(sums)
    let a1 = begin ? a0 : v128.load(sums, 16)
    let b0 = begin ? v128.load32_splat(corrections, 4) : v128.load(sums, 32)
    let b1 = begin ? b0 : v128.load(sums, 48)
    let c0 = begin ? v128.load32_splat(corrections, 8) : v128.load(sums, 64)
    let c1 = begin ? c0 : v128.load(sums, 80)
    let d0 = begin ? v128.load32_splat(corrections, 12) : v128.load(sums, 96)
    let d1 = begin ? d0 : v128.load(sums, 112)
    for (const end = x + quads * 16; x < end; x += 16) {
      const w0 = v128.load(w)
      const w1 = v128.load(w, 16)
      let v = v128.load32_splat(x)
      a0 = dotQuads(v, w0, a0)
      a1 = dotQuads(v, w1, a1)
      v = v128.load32_splat(x, 4)
      b0 = dotQuads(v, w0, b0)
      b1 = dotQuads(v, w1, b1)
      v = v128.load32_splat(x, 8)
      c0 = dotQuads(v, w0, c0)
      c1 = dotQuads(v, w1, c1)
      v = v128.load32_splat(x, 12)
      d0 = dotQuads(v, w0, d0)
      d1 = dotQuads(v, w1, d1)
      w += 32
    }
    v128.store(sums, a0)
    v128.store(sums, a1, 16)
    v128.store(sums, b0, 32)
    v128.store(sums, b1, 48)
    v128.store(sums, c0, 64)
    v128.store(sums, c1, 80)
    v128.store(sums, d0, 96)
    v128.store(sums, d1, 112)
  }
}

/** [pair][8][2] int8 to int16. */
function widenPanel(from: usize, to: usize, pairs: usize): void {
  if (SIMD) {
    for (const end = to + pairs * 32; to < end; to += 32) {
      const w = v128.load(from)
      v128.store(to, i16x8.extend_low_i8x16_s(w))
      v128.store(to, i16x8.extend_high_i8x16_s(w), 16)
      from += 16
    }
  } else {
    for (const end = to + pairs * 32; to < end; to += 2) {
      store<i16>(to, load<i8>(from))
      from++
    }
  }
}

/** Adds to the sums, [4 rows][4][8] int32, or begins them, the products of `count` rows and a piece of a panel. */
function multiply(
  rows: usize,
  groupBytes: usize,
  panel: usize,
  pairs: usize,
  sums: usize,
  count: i32,
  begin: bool,
): void {
  for (; count > 0; count -= 4) {
    if (SIMD) {
      let a0 = i32x4.splat(0)
      let a1 = a0
      let b0 = a0
      let b1 = a0
      let c0 = a0
      let c1 = a0
      let d0 = a0
      let d1 = a0
      if (!begin) {
        a0 = v128.load(sums)
        a1 = v128.load(sums, 16)
        b0 = v128.load(sums, 32)
        b1 = v128.load(sums, 48)
        c0 = v128.load(sums, 64)
        c1 = v128.load(sums, 80)
        d0 = v128.load(sums, 96)
        d1 = v128.load(sums, 112)
      }
      let x = rows
      let w = panel
      for (const end = rows + pairs * 16; x < end; x += 16) {
        const w0 = v128.load(w)
        const w1 = v128.load(w, 16)
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
        w += 32
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
        let acc = begin ? 0 : load<i32>(sums + n * 4)
        let x = rows + (n >> 3) * 4
        let w = panel + (n & 7) * 4
        for (const end = x + pairs * 16; x < end; x += 16) {
          acc += <i32>load<i16>(x) * <i32>load<i16>(w) + <i32>load<i16>(x, 2) * <i32>load<i16>(w, 2)
          w += 32
        }
        store<i32>(sums + n * 4, acc)
      }
    }
    rows += groupBytes
    sums += 128
  }
}

/** Sums to float32: `count` rows of up to eight channels. */
function finish(
  sums: usize,
  rowScales: usize,
  scales: usize,
  bias: usize,
  to: usize,
  stride: usize,
  count: i32,
  channels: i32,
): void {
  for (; count > 0; count--) {
    if (SIMD) {
      const s = v128.load32_splat(rowScales)
      const y0 = scaled(v128.load(sums), s, v128.load(scales), v128.load(bias))
      const y1 = scaled(v128.load(sums, 16), s, v128.load(scales, 16), v128.load(bias, 16))
      if (channels == 8) {
        v128.store(to, y0)
        v128.store(to, y1, 16)
      } else {
        storeFirst(to, y0, <usize>channels << 2)
        if (channels > 4) storeFirst(to + 16, y1, <usize>(channels - 4) << 2)
      }
    } else {
      const s = load<f32>(rowScales)
      for (let o: usize = 0; o < <usize>channels << 2; o += 4) {
        const factor = s * load<f32>(scales + o)
        const y = <f32>load<i32>(sums + o) * factor
        store<f32>(to + o, y + load<f32>(bias + o))
      }
    }
    sums += 32
    rowScales += 4
    to += stride
  }
}

// @ts-ignore: decorator
@inline
function scaled(acc: v128, rowScale: v128, scale: v128, bias: v128): v128 {
  return f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(acc), f32x4.mul(rowScale, scale)), bias)
}
