// Rows (tokens) times int8 weights, each row quantised by its own largest value: with m = max over k of |x[t][k]|,
//   q[t][k] = roundHalfEven(x[t][k] * (127 / m)), acc = sum over k of q[t][k] * weight[o][k],
//   y[t][o] = float(acc) * (m / 127 * scales[o]) + bias[o],
// every float32 operation rounded by itself, in this order. A row whose m is below 2^-100 has q = 0. float32 views of
// `tokens` rows; scales are the weights', one an output channel. NaN in x counts as -127 and not in m.
//
// Weights stay int8 in memory, [panel of 8 channels][pair of depth][8][2], zero padded: a large network's would not
// fit twice as wide. `block` rows at a time are quantised to scratch as [4 rows][pair][4][2] int16; then each panel,
// 1024 of its depth at a time, is widened to int16 in scratch, where it stays in the first-level cache, and multiplied
// with all rows of the block: 4 rows x 8 channels are eight accumulators and six loads a pair of depth. Threads share
// the panels and each quantises all rows: that is little beside the products.
// Scratch: rows * ceil(depth / 2) * 4 + rows * 4 (scales) + rows * 32 (sums) + 16384 (panel), rows = roundUp(block, 4).
//
// Exact: |q| <= 127 and |weight| <= 127, and depth < 2^17, so |acc| < 2^31. |x * (127 / m)| <= 127.0001 where m is
// the largest, so rounding gives at most 127.

import { SIMD } from '../isa'
import { scratchOf, start } from '../split'
import { pmax, pmin, roundEven, roundEvenV, storeFirst } from '../vector'
import { address, word } from '../word'

const CHUNK: usize = 512 // pairs of a panel that are widened at a time
const LEAST: f32 = 7.8886090522101181e-31 // 2^-100

/** int8 [outputChannels][depth] to the packed layout. */
export function pack_linear_s8(source: usize, target: usize, outputChannels: i32, depth: i32): void {
  const rounded = depth + (depth & 1)
  for (let first = 0; first < outputChannels; first += 8) {
    for (let k = 0; k < rounded; k++) {
      const to = target + <usize>(k >> 1) * 16 + <usize>(k & 1)
      for (let o = 0; o < 8; o++) {
        const real = k < depth && first + o < outputChannels
        store<i8>(to + <usize>o * 2, real ? load<i8>(source + <usize>((first + o) * depth + k)) : 0)
      }
    }
    target += <usize>rounded * 8
  }
}

export function linear_s8(i: usize, thread: i32, threads: i32): void {
  const tokens = word(i, 6)
  const depth = word(i, 7)
  const inputStride = <usize>word(i, 8)
  const outputChannels = word(i, 9)
  const outputStride = <usize>word(i, 10)
  const rows = scratchOf(i, 11, thread)
  const block = word(i, 12)
  const pairs = <usize>((depth + 1) >> 1)
  const rounded = <usize>((block + 3) & ~3)
  const rowScales = rows + rounded * pairs * 4
  const sums = rowScales + rounded * 4
  const panel = sums + rounded * 32
  const panels = (outputChannels + 7) >> 3
  const firstPanel = start(panels, thread, threads)
  const lastPanel = start(panels, thread + 1, threads)
  if (firstPanel == lastPanel) return
  for (let first = 0; first < tokens; first += block) {
    const count = min(block, tokens - first)
    quantizeRows(address(i, 1) + <usize>first * inputStride, inputStride, count, depth, rows, rowScales)
    const output = address(i, 2) + <usize>first * outputStride
    for (let p = firstPanel; p < lastPanel; p++) {
      const weights = address(i, 3) + <usize>p * pairs * 16
      for (let done: usize = 0; done < pairs; done += CHUNK) {
        const length = min(CHUNK, pairs - done)
        widenPanel(weights + done * 16, panel, length)
        multiply(rows + done * 16, pairs * 16, panel, length, sums, count, done == 0)
      }
      const at = <usize>p * 32
      const channels = min(8, outputChannels - p * 8)
      finish(sums, rowScales, address(i, 5) + at, address(i, 4) + at, output + at, outputStride, count, channels)
    }
  }
}

/** Rows as [4 rows][pair][4][2] int16 and the scale of each. Rows of the last four that don't exist are left alone. */
function quantizeRows(x: usize, stride: usize, count: i32, depth: i32, to: usize, scales: usize): void {
  const pairs = <usize>((depth + 1) >> 1)
  for (let t = 0; t < count; t++) {
    const largest = magnitude(x, depth)
    const zero = largest < LEAST
    const inverse: f32 = zero ? 0 : 127 / largest
    store<f32>(scales, zero ? 0 : largest / 127)
    quantizeRow(x, depth, inverse, to + <usize>(t >> 2) * pairs * 16 + <usize>(t & 3) * 4)
    x += stride
    scales += 4
  }
}

function magnitude(x: usize, depth: i32): f32 {
  let largest: f32 = 0
  let k = 0
  if (SIMD) {
    let v = f32x4.splat(0)
    for (const end = depth & ~3; k < end; k += 4) v = f32x4.pmax(v, f32x4.abs(v128.load(x + (<usize>k << 2))))
    largest = max(
      max(f32x4.extract_lane(v, 0), f32x4.extract_lane(v, 1)),
      max(f32x4.extract_lane(v, 2), f32x4.extract_lane(v, 3)),
    )
  }
  for (; k < depth; k++) largest = pmax(largest, abs(load<f32>(x + (<usize>k << 2))))
  return largest
}

// @ts-ignore: decorator
@inline
function quantized(x: f32, inverse: f32): i32 {
  return roundEven(pmin(128, pmax(-127, x * inverse)))
}

function quantizeRow(x: usize, depth: i32, inverse: f32, to: usize): void {
  let k = 0
  if (SIMD) {
    const factor = f32x4.splat(inverse)
    for (const end = depth & ~7; k < end; k += 8) {
      const low = f32x4.mul(v128.load(x), factor)
      const high = f32x4.mul(v128.load(x, 16), factor)
      const q = i16x8.narrow_i32x4_s(limited(low), limited(high))
      v128.store32_lane(to, q, 0)
      v128.store32_lane(to, q, 1, 16)
      v128.store32_lane(to, q, 2, 32)
      v128.store32_lane(to, q, 3, 48)
      x += 32
      to += 64
    }
  }
  for (; k < depth; k += 2) {
    store<i16>(to, quantized(load<f32>(x), inverse))
    store<i16>(to, k + 1 < depth ? quantized(load<f32>(x, 4), inverse) : 0, 2)
    x += 8
    to += 16
  }
}

// @ts-ignore: decorator
@inline
function limited(y: v128): v128 {
  return roundEvenV(f32x4.pmin(f32x4.splat(128), f32x4.pmax(f32x4.splat(-127), y)))
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
