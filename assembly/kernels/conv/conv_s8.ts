// acc = foldedBias[o] + sum over (ky, kx, c) of
//   x[y * strideY - padTop + ky][x * strideX - padLeft + kx][c] * weight[o][ky][kx][c],
// where positions outside the input count as inputZeroPoint; y = float(acc) * multiplier[o].
// An int8 output is roundHalfEven(clamp(max(y, y * slope), low - zp, high - zp)) + zp with
// zp = outputZeroPoint, a float32 output is y. NHWC int8 views; each group has inputChannels and
// outputChannels. foldedBias[o] = bias[o] - inputZeroPoint * sum(weight[o]).
//
// For `block` output pixels at a time gather_bytes.ts brings the padded fields of a group to
// scratch as [4 pixels][pair of depth][4][2] int16, depth = kernelHeight * kernelWidth *
// inputChannels. Weights are packed as [group][panel of 8 channels][pair of depth][8][2] int16,
// zero padded. So a tile of 4 pixels x 8 channels takes eight accumulators and six loads a pair of
// depth, whatever the shape. The block is walked panel by panel, so each panel's weights are read
// once a block.
// Scratch: roundUp(block, 4) * ceil(depth / 2) * 4 + 64 bytes; src/host/graph/kernels/products.ts
// has that of the other products.
//
// Exact: |x| <= 128 and |weight| <= 128, so the products of a pair sum to at most 2^15 in int32,
// and the host proves that no sum of them with the bias leaves int32. low and high are int8, so |y|
// <= 255 when it is rounded.

import { CHECKED, checkFilter, checkInt8, checkScratch } from '../../lib/checks'
import {
  Conv,
  ConvProduct,
  GATHER_SLACK_BYTES,
  OutputType,
  requireConvProduct,
  requireOutputType,
  TILE_BYTES,
} from '../../lib/instructions'
import { crewSize, scratchOf, start } from '../../threads/split'
import { gatherBytes } from './gather_bytes'
import { panel, panelOf, sumFields } from './panels'

/**
 * int8 [groups * outputChannels][depth] to the packed layout, and int32 biases to foldedBias, each
 * group padded to a multiple of 8 channels. Returns the largest sum of abs(weight) of a channel.
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

/** As pack_conv_s8, for the products `mla` and `relaxed`. The biases are folded already. */
export function pack_conv_product_s8(
  product: i32,
  source: usize,
  target: usize,
  outputChannels: i32,
  depth: i32,
  groups: i32,
): void {
  requireConvProduct(product)
  const quads = product == ConvProduct.relaxed
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

export function conv_s8(i: Conv, part: i32, parts: i32): void {
  convolve(i, ConvProduct.dot, part, parts)
}

/** conv_s8 by multiply-adds, of weights [pair of depth][2][8]. */
export function conv_mla_s8(i: Conv, part: i32, parts: i32): void {
  convolve(i, ConvProduct.mla, part, parts)
}

/**
 * conv_s8 by products of four, for weights within -64..63: they are [quad of depth][8][4], with 64
 * added.
 */
export function conv_relaxed_s8(i: Conv, part: i32, parts: i32): void {
  convolve(i, ConvProduct.relaxed, part, parts)
}

function convolve(i: Conv, product: i32, part: i32, parts: i32): void {
  if (CHECKED) {
    checkFilter(i, i.groups, 1)
    checkScratch(i.scratch, i.block)
    checkInt8(i.outputZeroPoint, i.low, i.high)
  }
  const inputChannels = i.inputChannels
  const outputPixels = i.outputHeight * i.outputWidth
  const outputChannels = i.outputChannels
  const outputStride = <usize>i.outputStride
  const depth = i.kernelHeight * i.kernelWidth * inputChannels
  requireOutputType(i.outputType)
  const quads = product == ConvProduct.relaxed
  const steps = <usize>(quads ? (depth + 3) >> 2 : (depth + 1) >> 1)
  const groups = i.groups
  const size: usize = i.outputType == OutputType.float32 ? 4 : 1
  const scratch = scratchOf(i, i.scratch)
  const block = i.block
  let weights = i.weights
  let bias = i.bias
  let multipliers = i.multipliers
  // Threads share output pixels, or panels where the pixels are too few to share evenly. Then each
  // thread gathers all fields, and has as many shares as there are blocks.
  const tiles = (outputPixels + 3) >> 2
  const panels = (outputChannels + 7) >> 3
  const crew = crewSize()
  const byPixels = pixelsShareWell(tiles, panels, crew)
  const each = byPixels ? parts : parts / crew
  const firstPixel = start(tiles, part % each, each) * 4
  const endPixel = min(start(tiles, (part % each) + 1, each) * 4, outputPixels)
  const firstChannel = byPixels ? 0 : start(panels, part / each, crew) * 8
  const endChannel = byPixels ? outputChannels : min(start(panels, part / each + 1, crew) * 8, outputChannels)
  if (firstChannel >= endChannel) return
  for (let g = 0; g < groups; g++) {
    const input = i.input + <usize>(g * inputChannels)
    for (let first = firstPixel; first < endPixel; first += block) {
      const pixels = min(block, endPixel - first)
      gatherBytes(i, i.inputZeroPoint, input, first, pixels, scratch, quads)
      // A tile of sums and then the sums of the fields lie behind the fields and what the gathering
      // may write there.
      const sums = scratch + <usize>((block + 3) >> 2) * steps * 16 + GATHER_SLACK_BYTES
      if (quads) sumFields(scratch, steps, pixels, sums + TILE_BYTES)
      const output = i.output + <usize>first * outputStride + <usize>(g * outputChannels) * size
      for (let o = firstChannel; o < endChannel; o += 8) {
        const w = weights + <usize>(o >> 3) * steps * 32
        const b = bias + <usize>o * 4
        const m = multipliers + <usize>o * 4
        const channels = min(8, outputChannels - o)
        if (product == ConvProduct.dot) panel(i, scratch, w, b, m, steps, output + <usize>o * size, pixels, channels)
        else panelOf(i, product, scratch, w, b, m, steps, output + <usize>o * size, pixels, channels, sums)
      }
    }
    const padded = <usize>((outputChannels + 7) & ~7)
    weights += padded * steps * 4
    bias += padded * 4
    multipliers += padded * 4
  }
}

/** The shares of each thread: about as many as there are blocks of pixels, eight at most. */
export function convShares(i: Conv, threads: i32): i32 {
  const pixels = i.outputHeight * i.outputWidth
  const shared = pixelsShareWell((pixels + 3) >> 2, (i.outputChannels + 7) >> 3, threads) ? threads : 1
  return min(8, max(1, pixels / (i.block * shared)))
}

/** Whether the largest share of the tiles is at most a tenth more than that of the panels. */
function pixelsShareWell(tiles: i32, panels: i32, threads: i32): bool {
  const ofTiles = (tiles + threads - 1) / threads
  const ofPanels = (panels + threads - 1) / threads
  return <f32>ofTiles * <f32>panels * 10 <= <f32>ofPanels * <f32>tiles * 11
}
