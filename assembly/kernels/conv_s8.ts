// acc = foldedBias[o] + sum over (ky, kx, c) of x[y * strideY - padTop + ky][x * strideX - padLeft + kx][c] *
// weight[o][ky][kx][c], positions outside the input count as inputZeroPoint; y = float(acc) * multiplier[o];
// int8 output: roundHalfEven(clamp(max(y, y * slope), low - outputZeroPoint, high - outputZeroPoint)) +
// outputZeroPoint; float32 output (outputType 1): y. NHWC int8 views; a group has inputChannels and outputChannels
// of its own. foldedBias[o] = bias[o] - inputZeroPoint * sum(weight[o]).
//
// For `block` output pixels at a time gather_s8 brings a group's receptive fields, padded, to scratch as
// [4 pixels][pair of depth][4][2] int16, depth = kernelHeight * kernelWidth * inputChannels. Weights are packed
// [group][panel of 8 channels][pair of depth][8][2] int16, zero padded. So 4 pixels x 8 channels are eight
// accumulators and six loads a pair of depth, whatever the shape. The block is walked panel by panel: a panel's
// weights are read once a block.
// Scratch: roundUp(block, 4) * ceil(depth / 2) * 4 + 64 bytes, for the other products: conv_s8's in src/host/graph/kernels/.
//
// Exact: |x| <= 128 and |weight| <= 128, so a pair's products sum to at most 2^15 in int32; the host proves that no
// sum of them with the bias leaves int32. low and high are int8, so |y| <= 255 when it is rounded.

import { SIMD } from '../isa'
import { requantized, storeSum, storeSums } from '../requantize'
import { scratchOf, start } from '../split'
import { narrow, roundingOffset } from '../vector'
import { address, float, word } from '../word'
import { gather_s8 } from './gather_s8'
import { product_mla, product_relaxed, sum_quads } from './products_s8'

/** The forms of the product: products_s8.ts. */
const DOT = 0
const MLA = 1
const RELAXED_DOT = 2

/**
 * int8 [groups * outputChannels][depth] to the packed layout, int32 biases to foldedBias, each group padded to a
 * multiple of 8 channels. Returns the largest sum of abs(weight) of a channel.
 */
export function pack_conv_s8(
  source: usize,
  target: usize,
  bias: usize,
  outputChannels: i32,
  depth: i32,
  groups: i32,
  inputZeroPoint: i32,
  foldedBias: usize,
): i32 {
  let largest = 0
  for (let g = 0; g < groups; g++) {
    for (let first = 0; first < outputChannels; first += 8) {
      for (let o = first; o < first + 8; o++) {
        const real = o < outputChannels
        let sum = 0
        let magnitude = 0
        let to = target + <usize>(o - first) * 4
        for (let k = 0; k < depth + (depth & 1); k++) {
          const weight = real && k < depth ? <i32>load<i8>(source + <usize>k) : 0
          store<i16>(to, weight)
          sum += weight
          magnitude += abs(weight)
          to += k & 1 ? 30 : 2
        }
        store<i32>(foldedBias, real ? load<i32>(bias) - inputZeroPoint * sum : 0)
        foldedBias += 4
        largest = max(largest, magnitude)
        if (real) {
          source += depth
          bias += 4
        }
      }
      target += <usize>((depth + 1) >> 1) * 32
    }
  }
  return largest
}

/** As pack_conv_s8, for the products MLA and RELAXED_DOT; the biases are folded already. */
export function pack_conv_product_s8(
  product: i32,
  source: usize,
  target: usize,
  outputChannels: i32,
  depth: i32,
  groups: i32,
): void {
  const quads = product == RELAXED_DOT
  const step = quads ? 4 : 2
  const padded = quads ? (depth + 3) & ~3 : (depth + 1) & ~1
  for (let g = 0; g < groups; g++) {
    for (let first = 0; first < outputChannels; first += 8) {
      for (let o = first; o < first + 8; o++) {
        const real = o < outputChannels
        for (let k = 0; k < padded; k++) {
          const weight = real && k < depth ? <i32>load<i8>(source + <usize>k) : 0
          const at = target + <usize>(k / step) * 32
          if (quads) store<i8>(at + <usize>((o - first) * 4 + (k & 3)), weight + 64)
          else store<i16>(at + <usize>((k & 1) * 16 + (o - first) * 2), weight)
        }
        if (real) source += depth
      }
      target += <usize>(padded / step) * 32
    }
  }
}

export function conv_s8(i: usize, thread: i32, threads: i32): void {
  convolve(i, DOT, thread, threads)
}

/** As conv_s8, by multiply-adds: its weights are [pair of depth][2][8]. */
export function conv_mla_s8(i: usize, thread: i32, threads: i32): void {
  convolve(i, MLA, thread, threads)
}

/** As conv_s8, for weights within -64..63, by products of four: its weights are [quad of depth][8][4], 64 added. */
export function conv_relaxed_s8(i: usize, thread: i32, threads: i32): void {
  convolve(i, RELAXED_DOT, thread, threads)
}

function convolve(i: usize, product: i32, thread: i32, threads: i32): void {
  const inputChannels = word(i, 8)
  const outputPixels = word(i, 10) * word(i, 11)
  const outputChannels = word(i, 12)
  const outputStride = <usize>word(i, 13)
  const depth = word(i, 14) * word(i, 15) * inputChannels
  const quads = product == RELAXED_DOT
  const steps = <usize>(quads ? (depth + 3) >> 2 : (depth + 1) >> 1)
  const groups = word(i, 20)
  const size: usize = word(i, 26) == 1 ? 4 : 1
  const scratch = scratchOf(i, 27, thread)
  const block = word(i, 28)
  let weights = address(i, 3)
  let bias = address(i, 4)
  let multipliers = address(i, 5)
  // Output pixels are shared, or panels where there are too few pixels to share evenly: then each thread gathers all.
  const tiles = (outputPixels + 3) >> 2
  const panels = (outputChannels + 7) >> 3
  const byPixels = pixelsShareWell(tiles, panels, threads)
  const firstPixel = byPixels ? start(tiles, thread, threads) * 4 : 0
  const endPixel = byPixels ? min(start(tiles, thread + 1, threads) * 4, outputPixels) : outputPixels
  const firstChannel = byPixels ? 0 : start(panels, thread, threads) * 8
  const endChannel = byPixels ? outputChannels : min(start(panels, thread + 1, threads) * 8, outputChannels)
  if (firstChannel >= endChannel) return
  for (let g = 0; g < groups; g++) {
    const input = address(i, 1) + <usize>(g * inputChannels)
    for (let first = firstPixel; first < endPixel; first += block) {
      const pixels = min(block, endPixel - first)
      gather_s8(i, input, first, pixels, scratch, quads)
      // Behind the fields and what the gathering may write there: a tile of sums, then the sums of the fields.
      const sums = scratch + <usize>((block + 3) >> 2) * steps * 16 + 64
      if (quads) sumFields(scratch, steps, pixels, sums + 128)
      const output = address(i, 2) + <usize>first * outputStride + <usize>(g * outputChannels) * size
      for (let o = firstChannel; o < endChannel; o += 8) {
        const w = weights + <usize>(o >> 3) * steps * 32
        const b = bias + <usize>o * 4
        const m = multipliers + <usize>o * 4
        const channels = min(8, outputChannels - o)
        if (product == DOT) panel(i, scratch, w, b, m, steps, output + <usize>o * size, pixels, channels)
        else panelOf(i, product, scratch, w, b, m, steps, output + <usize>o * size, pixels, channels, sums)
      }
    }
    const padded = <usize>((outputChannels + 7) & ~7)
    weights += padded * steps * 4
    bias += padded * 4
    multipliers += padded * 4
  }
}

/** Whether the largest share of the tiles is at most a tenth more than the largest share of the panels. */
function pixelsShareWell(tiles: i32, panels: i32, threads: i32): bool {
  const ofTiles = (tiles + threads - 1) / threads
  const ofPanels = (panels + threads - 1) / threads
  return <f32>ofTiles * <f32>panels * 10 <= <f32>ofPanels * <f32>tiles * 11
}

function sumFields(fields: usize, quads: usize, pixels: i32, to: usize): void {
  for (; pixels > 0; pixels -= 4) {
    sum_quads(fields, quads, to)
    fields += quads * 16
    to += 16
  }
}

/** As panel, for the other products, whose tile of sums passes through memory at `sums`. */
function panelOf(
  i: usize,
  product: i32,
  fields: usize,
  weights: usize,
  bias: usize,
  multipliers: usize,
  steps: usize,
  to: usize,
  pixels: i32,
  channels: i32,
  sums: usize,
): void {
  const stride = <usize>word(i, 13)
  const zero = word(i, 22)
  const slope = float(i, 23)
  const low = <f32>(word(i, 24) - zero)
  const high = <f32>(word(i, 25) - zero)
  const type = word(i, 26)
  let fieldSums = sums + 128
  for (; pixels > 0; pixels -= 4) {
    if (product == MLA) product_mla(fields, bias, weights, steps, sums)
    else product_relaxed(fields, bias, weights, steps, sums, fieldSums)
    for (let p = 0; p < min(4, pixels); p++) {
      const m = sums + <usize>p * 32
      if (SIMD) {
        const s = f32x4.splat(slope)
        const l = f32x4.splat(low)
        const h = f32x4.splat(high)
        storeSums(to, v128.load(m), v128.load(m, 16), multipliers, s, l, h, roundingOffset(zero), type, channels)
      } else {
        for (let o: usize = 0; o < <usize>channels; o++) {
          const multiplier = load<f32>(multipliers + o * 4)
          storeSum(to, o, load<i32>(m + o * 4), multiplier, slope, low, high, zero, type)
        }
      }
      to += stride
    }
    fields += steps * 16
    fieldSums += 16
  }
}

/**
 * A pixel of a panel that is not whole, or of float32. A function of its own: what the runtime has to compile before the first
 * picture is fast should be short.
 */
function storeFew(i: usize, to: usize, acc0: v128, acc1: v128, multipliers: usize, channels: i32): void {
  const zero = word(i, 22)
  const slope = f32x4.splat(float(i, 23))
  const low = f32x4.splat(<f32>(word(i, 24) - zero))
  const high = f32x4.splat(<f32>(word(i, 25) - zero))
  storeSums(to, acc0, acc1, multipliers, slope, low, high, roundingOffset(zero), word(i, 26), channels)
}

/** `pixels` pixels x one panel of 8 output channels, of which `channels` are stored. */
function panel(
  i: usize,
  fields: usize,
  weights: usize,
  bias: usize,
  multipliers: usize,
  pairs: usize,
  to: usize,
  pixels: i32,
  channels: i32,
): void {
  const stride = <usize>word(i, 13)
  const zero = word(i, 22)
  const slope = float(i, 23)
  const low = <f32>(word(i, 24) - zero)
  const high = <f32>(word(i, 25) - zero)
  const type = word(i, 26)
  if (SIMD) {
    const s = f32x4.splat(slope)
    const l = f32x4.splat(low)
    const h = f32x4.splat(high)
    const offset = roundingOffset(zero)
    const wholeBytes = type == 0 && channels == 8
    for (; pixels > 0; pixels -= 4) {
      let a0 = v128.load(bias)
      let a1 = v128.load(bias, 16)
      let b0 = a0
      let b1 = a1
      let c0 = a0
      let c1 = a1
      let d0 = a0
      let d1 = a1
      let w = weights
      for (const end = fields + pairs * 16; fields < end; fields += 16) {
        const w0 = v128.load(w)
        const w1 = v128.load(w, 16)
        let x = v128.load32_splat(fields)
        a0 = i32x4.add(a0, i32x4.dot_i16x8_s(x, w0))
        a1 = i32x4.add(a1, i32x4.dot_i16x8_s(x, w1))
        x = v128.load32_splat(fields, 4)
        b0 = i32x4.add(b0, i32x4.dot_i16x8_s(x, w0))
        b1 = i32x4.add(b1, i32x4.dot_i16x8_s(x, w1))
        x = v128.load32_splat(fields, 8)
        c0 = i32x4.add(c0, i32x4.dot_i16x8_s(x, w0))
        c1 = i32x4.add(c1, i32x4.dot_i16x8_s(x, w1))
        x = v128.load32_splat(fields, 12)
        d0 = i32x4.add(d0, i32x4.dot_i16x8_s(x, w0))
        d1 = i32x4.add(d1, i32x4.dot_i16x8_s(x, w1))
        w += 32
      }
      if (pixels > 3 && wholeBytes) {
        // What nearly every tile is: two pixels share a narrowing.
        const m0 = v128.load(multipliers)
        const m1 = v128.load(multipliers, 16)
        const ab = narrow(
          requantized(a0, m0, s, l, h, offset),
          requantized(a1, m1, s, l, h, offset),
          requantized(b0, m0, s, l, h, offset),
          requantized(b1, m1, s, l, h, offset),
        )
        v128.store64_lane(to, ab, 0)
        v128.store64_lane(to + stride, ab, 1)
        const cd = narrow(
          requantized(c0, m0, s, l, h, offset),
          requantized(c1, m1, s, l, h, offset),
          requantized(d0, m0, s, l, h, offset),
          requantized(d1, m1, s, l, h, offset),
        )
        v128.store64_lane(to + 2 * stride, cd, 0)
        v128.store64_lane(to + 3 * stride, cd, 1)
      } else {
        storeFew(i, to, a0, a1, multipliers, channels)
        if (pixels > 1) storeFew(i, to + stride, b0, b1, multipliers, channels)
        if (pixels > 2) storeFew(i, to + 2 * stride, c0, c1, multipliers, channels)
        if (pixels > 3) storeFew(i, to + 3 * stride, d0, d1, multipliers, channels)
      }
      to += 4 * stride
    }
  } else {
    for (let p = 0; p < pixels; p++) {
      const field = fields + <usize>(p >> 2) * pairs * 16 + <usize>(p & 3) * 4
      for (let o: usize = 0; o < <usize>channels; o++) {
        let acc = load<i32>(bias + o * 4)
        let x = field
        let w = weights + o * 4
        for (let k: usize = 0; k < pairs; k++) {
          acc += <i32>load<i16>(x) * <i32>load<i16>(w) + <i32>load<i16>(x, 2) * <i32>load<i16>(w, 2)
          x += 16
          w += 32
        }
        storeSum(to, o, acc, load<f32>(multipliers + o * 4), slope, low, high, zero, type)
      }
      to += stride
    }
  }
}
