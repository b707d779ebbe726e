// acc = foldedBias[c] + sum over (ky, kx) of
//   x[y * strideY - padTop + ky][x * strideX - padLeft + kx][c] * weight[c][ky][kx],
// where positions outside the input count as inputZeroPoint; then as conv_s8. A channel has one
// filter, and the instruction's groups are the channels. NHWC int8 views.
// foldedBias[c] = bias[c] - inputZeroPoint * sum(weight[c]).
//
// Eight channels and two taps at a time are interleaved, so that a dot product of pairs adds both
// taps. Weights are packed as [panel of 8 channels][pair of taps][8][2] int16, zero padded; biases
// and multipliers have 8 entries a panel. A tap outside the input is read from a pixel of zero
// points in scratch, so this kernel pads.
// Scratch: (kernelHeight * kernelWidth + 1) * 4 + roundUp(channels, 8) bytes.
//
// Exact: the products of a pair sum to at most 2^15 in int32, and the host proves that no sum of
// them with the bias leaves int32. low and high are int8, so |y| <= 255 when it is rounded. Reads
// up to 7 bytes beyond a pixel's channels.

import { CHECKED, checkFilter, checkInt8, checkScratch } from '../../lib/checks'
import { Conv, OutputType, requireOutputType } from '../../lib/instructions'
import { SIMD } from '../../lib/isa'
import { storeSum, storeSums } from '../../lib/requantize'
import { roundingOffset } from '../../lib/vector'
import { scratchOf, start } from '../../threads/split'

/**
 * int8 [channels][taps] to the packed layout, and int32 biases to foldedBias. Returns the largest
 * sum of abs(weight).
 */
export function pack_depthwise_s8(
  source: usize,
  target: usize,
  bias: usize,
  channels: i32,
  taps: i32,
  inputZeroPoint: i32,
  foldedBias: usize,
): i32 {
  const panelBytes = <usize>((taps + 1) >> 1) * 32
  let largest = 0
  for (let c: usize = 0; c < ((<usize>channels + 7) & ~7); c++) {
    const real = c < <usize>channels
    let to = target + (c >> 3) * panelBytes + (c & 7) * 4
    let sum = 0
    let magnitude = 0
    for (let t = 0; t < taps + (taps & 1); t++) {
      const weight = real && t < taps ? <i32>load<i8>(source + <usize>t) : 0
      store<i16>(to, weight)
      sum += weight
      magnitude += abs(weight)
      to += t & 1 ? 30 : 2
    }
    store<i32>(foldedBias, real ? load<i32>(bias) - inputZeroPoint * sum : 0)
    foldedBias += 4
    largest = max(largest, magnitude)
    if (real) {
      source += taps
      bias += 4
    }
  }
  return largest
}

export function depthwise_s8(i: Conv, thread: i32, threads: i32): void {
  if (CHECKED) {
    checkFilter(i, i.groups, 1)
    checkScratch(i.scratch, 1)
    checkInt8(i.outputZeroPoint, i.low, i.high)
  }
  requireOutputType(i.outputType)
  const input = i.input
  const inputHeight = i.inputHeight
  const inputWidth = i.inputWidth
  const stride = <usize>i.inputStride
  const outputHeight = i.outputHeight
  const outputWidth = i.outputWidth
  const outputStride = <usize>i.outputStride
  const firstRow = start(outputHeight, thread, threads)
  const endRow = start(outputHeight, thread + 1, threads)
  let to = i.output + <usize>(firstRow * outputWidth) * outputStride
  const kernelHeight = i.kernelHeight
  const kernelWidth = i.kernelWidth
  const strideY = i.strideY
  const strideX = i.strideX
  const padTop = i.padTop
  const padLeft = i.padLeft
  const taps = scratchOf(i, i.scratch)
  const count = <usize>(kernelHeight * kernelWidth)
  const outside = taps + (count + 1) * 4
  memory.fill(outside, <u8>i.inputZeroPoint, (<usize>i.groups + 7) & ~7)
  // An odd number of taps ends with a pair whose second weight is 0.
  store<u32>(taps + count * 4, <u32>outside)
  // There is a faster way for output columns whose windows lie inside the input's columns.
  const fast = kernelHeight == 3 && kernelWidth == 3
  const first = (padLeft + strideX - 1) / strideX
  const room = inputWidth + padLeft - kernelWidth
  const end = fast && room >= 0 ? min(room / strideX + 1, outputWidth) : 0
  for (let y = firstRow; y < endRow; y++) {
    const top = y * strideY - padTop
    const inside = top >= 0 && top + kernelHeight <= inputHeight
    let x = 0
    while (x < outputWidth) {
      const left = x * strideX - padLeft
      if (SIMD && inside && x == first && x < end) {
        interior3x3(i, input + <usize>(top * inputWidth + left) * stride, to, end - x)
        to += <usize>(end - x) * outputStride
        x = end
      } else {
        let tap = taps
        for (let row = top; row < top + kernelHeight; row++) {
          for (let column = left; column < left + kernelWidth; column++) {
            const has = <u32>row < <u32>inputHeight && <u32>column < <u32>inputWidth
            store<u32>(tap, <u32>(has ? input + <usize>(row * inputWidth + column) * stride : outside))
            tap += 4
          }
        }
        pixel(i, taps, <i32>count, to)
        to += outputStride
        x++
      }
    }
  }
}

/** One pixel. The addresses of its `count` taps are at `taps`. */
function pixel(i: Conv, taps: usize, count: i32, to: usize): void {
  let weights = i.weights
  const bias = i.bias
  const multipliers = i.multipliers
  const channels = i.groups
  const zero = i.outputZeroPoint
  const slope = i.slope
  const low = <f32>(i.low - zero)
  const high = <f32>(i.high - zero)
  const type = i.outputType
  const end = taps + <usize>count * 4
  if (SIMD) {
    const s = f32x4.splat(slope)
    const l = f32x4.splat(low)
    const h = f32x4.splat(high)
    const offset = roundingOffset(zero)
    for (let c = 0; c < channels; c += 8) {
      let acc0 = v128.load(bias + <usize>c * 4)
      let acc1 = v128.load(bias + <usize>c * 4, 16)
      for (let tap = taps; tap < end; tap += 8) {
        const even = v128.load8x8_s(<usize>load<u32>(tap) + <usize>c)
        const odd = v128.load8x8_s(<usize>load<u32>(tap, 4) + <usize>c)
        acc0 = i32x4.add(acc0, i32x4.dot_i16x8_s(firstHalves(even, odd), v128.load(weights)))
        acc1 = i32x4.add(acc1, i32x4.dot_i16x8_s(secondHalves(even, odd), v128.load(weights, 16)))
        weights += 32
      }
      const out = to + (type == OutputType.int8 ? <usize>c : <usize>c * 4)
      storeSums(out, acc0, acc1, multipliers + <usize>c * 4, s, l, h, offset, type, min(8, channels - c))
    }
  } else {
    const panelBytes = <usize>((count + 1) >> 1) * 32
    for (let c: usize = 0; c < <usize>channels; c++) {
      let weight = weights + (c >> 3) * panelBytes + (c & 7) * 4
      let acc = load<i32>(bias + c * 4)
      for (let tap = taps; tap < end; tap += 8) {
        acc += <i32>load<i8>(<usize>load<u32>(tap) + c) * <i32>load<i16>(weight)
        acc += <i32>load<i8>(<usize>load<u32>(tap, 4) + c) * <i32>load<i16>(weight, 2)
        weight += 32
      }
      storeSum(to, c, acc, load<f32>(multipliers + c * 4), slope, low, high, zero, type)
    }
  }
}

/**
 * `count` neighbouring pixels of the most common kernel. Their windows lie inside the input, so
 * their addresses need no table.
 */
function interior3x3(i: Conv, corner: usize, to: usize, count: i32): void {
  const multipliers = i.multipliers
  const stride = <usize>i.inputStride
  const rowStride = <usize>i.inputWidth * stride
  const channels = i.groups
  const type = i.outputType
  const s = f32x4.splat(i.slope)
  const l = f32x4.splat(<f32>(i.low - i.outputZeroPoint))
  const h = f32x4.splat(<f32>(i.high - i.outputZeroPoint))
  const offset = roundingOffset(i.outputZeroPoint)
  for (; count > 0; count--) {
    let weights = i.weights
    let bias = i.bias
    for (let c = 0; c < channels; c += 8) {
      let acc0 = v128.load(bias)
      let acc1 = v128.load(bias, 16)
      const row0 = corner + <usize>c
      const row1 = row0 + rowStride
      const row2 = row1 + rowStride
      let even = v128.load8x8_s(row0)
      let odd = v128.load8x8_s(row0 + stride)
      acc0 = i32x4.add(acc0, i32x4.dot_i16x8_s(firstHalves(even, odd), v128.load(weights)))
      acc1 = i32x4.add(acc1, i32x4.dot_i16x8_s(secondHalves(even, odd), v128.load(weights, 16)))
      even = v128.load8x8_s(row0 + 2 * stride)
      odd = v128.load8x8_s(row1)
      acc0 = i32x4.add(acc0, i32x4.dot_i16x8_s(firstHalves(even, odd), v128.load(weights, 32)))
      acc1 = i32x4.add(acc1, i32x4.dot_i16x8_s(secondHalves(even, odd), v128.load(weights, 48)))
      even = v128.load8x8_s(row1 + stride)
      odd = v128.load8x8_s(row1 + 2 * stride)
      acc0 = i32x4.add(acc0, i32x4.dot_i16x8_s(firstHalves(even, odd), v128.load(weights, 64)))
      acc1 = i32x4.add(acc1, i32x4.dot_i16x8_s(secondHalves(even, odd), v128.load(weights, 80)))
      even = v128.load8x8_s(row2)
      odd = v128.load8x8_s(row2 + stride)
      acc0 = i32x4.add(acc0, i32x4.dot_i16x8_s(firstHalves(even, odd), v128.load(weights, 96)))
      acc1 = i32x4.add(acc1, i32x4.dot_i16x8_s(secondHalves(even, odd), v128.load(weights, 112)))
      even = v128.load8x8_s(row2 + 2 * stride)
      acc0 = i32x4.add(acc0, i32x4.dot_i16x8_s(firstHalves(even, even), v128.load(weights, 128)))
      acc1 = i32x4.add(acc1, i32x4.dot_i16x8_s(secondHalves(even, even), v128.load(weights, 144)))
      weights += 160
      const out = to + (type == OutputType.int8 ? <usize>c : <usize>c * 4)
      storeSums(out, acc0, acc1, multipliers + <usize>c * 4, s, l, h, offset, type, min(8, channels - c))
      bias += 32
    }
    corner += <usize>i.strideX * stride
    to += <usize>i.outputStride
  }
}

/** a0 b0 a1 b1 a2 b2 a3 b3: the first four channels of two taps, as int16. */
// @ts-ignore: decorator
@inline
function firstHalves(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21, 6, 7, 22, 23)
}

// @ts-ignore: decorator
@inline
function secondHalves(a: v128, b: v128): v128 {
  return i8x16.shuffle(a, b, 8, 9, 24, 25, 10, 11, 26, 27, 12, 13, 28, 29, 14, 15, 30, 31)
}
