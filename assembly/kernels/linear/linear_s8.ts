// Rows (tokens) times int8 weights, where each row is quantised by its own largest value m = max
// over k of |x[t][k]|:
//   q[t][k] = roundHalfEven(x[t][k] * (limit / m)), acc = sum over k of q[t][k] * weight[o][k],
//   y[t][o] = float(acc) * (m / limit * scales[o]) + bias[o].
// Every float32 operation rounds by itself, in this order. A row whose m is below 2^-100 has q = 0.
// NaN in x counts as -limit, and not in m. float32 views of `tokens` rows; scales are the weights'
// own, one an output channel; limit is 127, or 63 where the weights are within -63..63 too.
//
// Weights stay int8 in memory, because those of a large network would not fit twice as wide.
// `block` rows at a time are quantised to scratch, and each panel of 8 channels is multiplied with
// all rows of the block. Threads share the panels, and each quantises all rows, which is little
// beside the products. Three forms of the product give the same sums:
// - pairs.ts: pairs of int16. depth is padded with zeros to whole pairs.
// - seven.ts: the same, four panels at a time, with an eighth of the products saved. The host asks
//   for it by `seven`, the pairs of depth that are widened at a time, where blocks have 8 rows or
//   more, depth is a multiple of 16 and outputChannels one of 32. The scalar build, which is no
//   faster by it, has no such form.
// - quads.ts: quads of int8, in relaxed builds with limit 63. depth is padded to a multiple of 8.
// Scratch with rows = roundUp(block, 4): rows * ceil(depth / 16) * 32 (rows; quads take half of it,
// and a quarter of that again for corrections) + rows * 4 (scales) + rows * 32 (sums) + 16384
// (panel). Scratch with `seven` and r = roundUp(ceil(block / 2), 4): 7 * r * depth (rows) + depth *
// 16 (eight rows) + r * 448 (sums) + 14 * (seven * 32 + 64) (panels) + r * 8 (scales).
//
// Exact: |q| and |weight| <= 127 and depth < 2^17, so |acc| < 2^31. |x * (limit / m)| <= 127.0001
// where m is the largest, so rounding gives at most limit.

import { CHECKED, checkLinear } from '../../lib/checks'
import { Linear, NARROW_LIMIT } from '../../lib/instructions'
import { RELAXED, SIMD } from '../../lib/isa'
import { storeFirst } from '../../lib/vector'
import { scratchOf, start } from '../../threads/split'
import { multiplyPairs } from './pairs'
import { multiplyQuads } from './quads'
import { quantizeRows, quantizeSeven } from './rows'
import { finishSeven, multiplySeven, scaled, sevenPanels } from './seven'

export function linear_s8(i: Linear, thread: i32, threads: i32): void {
  if (CHECKED) checkLinear(i)
  const quads = RELAXED && i.limit == NARROW_LIMIT
  if (SIMD && !quads && i.seven != 0) sevenProducts(i, thread, threads)
  else products(i, quads, thread, threads)
}

function products(i: Linear, quads: bool, thread: i32, threads: i32): void {
  const tokens = i.tokens
  const depth = i.inputChannels
  const inputStride = <usize>i.inputStride
  const outputChannels = i.outputChannels
  const outputStride = <usize>i.outputStride
  const rows = scratchOf(i, i.scratch)
  const block = i.block
  const limit = i.limit
  const rounded = <usize>((block + 3) & ~3)
  const deep = <usize>((depth + 15) >> 4)
  const rowScales = rows + rounded * deep * 32
  const corrections = rows + rounded * deep * 16
  const sums = rowScales + rounded * 4
  const panel = sums + rounded * 32
  const panels = (outputChannels + 7) >> 3
  const firstPanel = start(panels, thread, threads)
  const lastPanel = start(panels, thread + 1, threads)
  if (firstPanel == lastPanel) return
  for (let first = 0; first < tokens; first += block) {
    const count = min(block, tokens - first)
    const input = i.input + <usize>first * inputStride
    quantizeRows(input, inputStride, count, depth, limit, rows, rowScales, corrections)
    const output = i.output + <usize>first * outputStride
    for (let p = firstPanel; p < lastPanel; p++) {
      if (RELAXED && quads) multiplyQuads(rows, i.weights, p, depth, sums, corrections, count)
      else multiplyPairs(rows, i.weights, p, depth, sums, panel, count)
      const at = <usize>p * 32
      const channels = min(8, outputChannels - p * 8)
      finish(sums, rowScales, i.scales + at, i.bias + at, output + at, outputStride, count, channels)
    }
  }
}

function sevenProducts(i: Linear, thread: i32, threads: i32): void {
  const tokens = i.tokens
  const depth = <usize>i.inputChannels
  const inputStride = <usize>i.inputStride
  const outputStride = <usize>i.outputStride
  const block = i.block
  const chunk = <usize>i.seven
  const rounded = <usize>((((block + 1) >> 1) + 3) & ~3)
  const rows = scratchOf(i, i.scratch)
  const work = rows + rounded * 7 * depth
  const sums = work + depth * 16
  const panels = sums + rounded * 448
  const rowScales = panels + sevenPanels(chunk)
  const quadruples = i.outputChannels >> 5
  const begin = start(quadruples, thread, threads)
  const last = start(quadruples, thread + 1, threads)
  if (begin == last) return
  for (let first = 0; first < tokens; first += block) {
    const count = min(block, tokens - first)
    const half = (count + 1) >> 1
    const step = <usize>((half + 3) & ~3) * 32
    const input = i.input + <usize>first * inputStride
    quantizeSeven(input, inputStride, count, <i32>depth, i.limit, rows, rowScales, work)
    const output = i.output + <usize>first * outputStride
    for (let p = begin; p < last; p++) {
      const ahead = i.weights + <usize>(p + 1 < last ? p + 1 : begin) * depth * 32
      multiplySeven(rows, i.weights, p, depth, half, sums, panels, chunk, ahead)
      for (let n: usize = 0; n < 2; n++) {
        const at = <usize>p * 128 + n * 64
        const from = sums + n * step * 7
        finishSeven(from, step, half, count, rowScales, i.scales + at, i.bias + at, output + at, outputStride)
      }
    }
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
        storeFirst(to, y0, (<usize>channels) << 2)
        if (channels > 4) storeFirst(to + 16, y1, (<usize>(channels - 4)) << 2)
      }
    } else {
      const s = load<f32>(rowScales)
      for (let o: usize = 0; o < (<usize>channels) << 2; o += 4) {
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
