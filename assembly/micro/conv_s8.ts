// The convolution of assembly/kernels/conv/conv_s8.ts, with the same bytes and the same
// instruction, for a microcontroller: one group, weights that stay int8 in flash, and fields of
// eight pixels at most.
//
// A field is gathered channel by channel in quads, depth = kernelHeight * kernelWidth *
// roundUp(inputChannels, 4), as pairs of int16: (x0, x2) and (x1, x3) of each quad. Two pixels
// alternate:
//   fields[pixel / 2][quad][pair][pixel % 2] words
// Weights are packed as [panel of 4 output channels A, B, C, D][quad][4 words] of int8:
//   A0 B0 A2 B2, C0 D0 C2 D2, A1 B1 A3 B3, C1 D1 C3 D3
// so that widening bytes 0 and 2, or 1 and 3, of a word gives a channel's pair. Weights of channels
// that only fill a quad or a panel are 0, and what a field holds there is arbitrary. Biases and
// multipliers are padded to whole panels. src/host and tools/firmware/kernels.ts write all of them.
// Scratch: roundUp(block, 2) / 2 * quads * 16 + 32 bytes.
//
// Exact, as conv_s8 is: the host proves that no sum leaves int32, and SMLAD adds modulo 2^32.
// Reads up to 3 bytes beyond a pixel's channels, within the pixel's stride.

import { Conv, OutputType, requireOutputType } from '../lib/instructions'
import { activate, roundEven } from '../lib/vector'
import { smlad, sxtb16, sxtb16Odd } from './words'

export function conv_s8(i: Conv): void {
  requireOutputType(i.outputType)
  const total = i.outputHeight * i.outputWidth
  const channels = i.outputChannels
  const stride = <usize>i.outputStride
  const quads = <usize>(i.kernelHeight * i.kernelWidth * ((i.inputChannels + 3) >> 2))
  const size: usize = i.outputType == OutputType.float32 ? 4 : 1
  const fields = i.scratch
  const block = i.block
  const sums = fields + <usize>((block + 1) >> 1) * quads * 16
  for (let first = 0; first < total; first += block) {
    const pixels = min(block, total - first)
    gather(i, first, pixels, fields, quads)
    let weights = i.weights
    let bias = i.bias
    let multipliers = i.multipliers
    let to = i.output + <usize>first * stride
    for (let left = channels; left > 0; left -= 4) {
      const end = weights + quads * 16
      let x = fields
      let at = to
      for (let p = pixels; p > 0; p -= 2) {
        tile(x, weights, end, bias, sums)
        put(i, at, sums, multipliers, min(left, 4))
        if (p > 1) put(i, at + stride, sums + 16, multipliers, min(left, 4))
        x += quads * 16
        at += 2 * stride
      }
      weights = end
      bias += 16
      multipliers += 16
      to += 4 * size
    }
  }
}

/** The fields of output pixels first .. first + pixels - 1. */
function gather(i: Conv, first: i32, pixels: i32, fields: usize, quads: usize): void {
  const inputHeight = i.inputHeight
  const inputWidth = i.inputWidth
  const pixelStride = <usize>i.inputStride
  const kernelWidth = i.kernelWidth
  const perTap = (i.inputChannels + 3) >> 2
  // Taps that lie side by side in memory are one run.
  const whole = pixelStride == <usize>perTap * 4
  const outside = (<u32>i.inputZeroPoint & 0xffff) * 0x10001
  let y = first / i.outputWidth
  let x = first - y * i.outputWidth
  for (let p = 0; p < pixels; p++) {
    let to = fields + <usize>(p >> 1) * quads * 16 + ((<usize>p & 1) << 2)
    const top = y * i.strideY - i.padTop
    const left = x * i.strideX - i.padLeft
    const from = max(0, -left)
    const until = max(from, min(kernelWidth, inputWidth - left))
    for (let row = top; row < top + i.kernelHeight; row++) {
      if (<u32>row >= <u32>inputHeight) {
        to = fill(to, kernelWidth * perTap, outside)
        continue
      }
      to = fill(to, from * perTap, outside)
      let at = i.input + <usize>(row * inputWidth + left + from) * pixelStride
      if (whole) {
        to = widen(at, to, (until - from) * perTap)
      } else {
        for (let tap = from; tap < until; tap++) {
          to = widen(at, to, perTap)
          at += pixelStride
        }
      }
      to = fill(to, (kernelWidth - until) * perTap, outside)
    }
    if (++x == i.outputWidth) {
      x = 0
      y++
    }
  }
}

/** Widens `quads` quads. Returns where the next one goes. */
function widen(from: usize, to: usize, quads: i32): usize {
  for (; quads > 0; quads--) {
    // A view may begin anywhere.
    const bytes = load<u32>(from, 0, 1)
    store<u32>(to, sxtb16(bytes))
    store<u32>(to, sxtb16Odd(bytes), 8)
    from += 4
    to += 16
  }
  return to
}

/** Writes `quads` quads of the zero point. Returns where the next one goes. */
function fill(to: usize, quads: i32, pair: u32): usize {
  for (; quads > 0; quads--) {
    store<u32>(to, pair)
    store<u32>(to, pair, 8)
    to += 16
  }
  return to
}

/** The sums of two pixels and a panel of four channels: [2][4] int32 at `sums`. */
function tile(x: usize, weights: usize, end: usize, bias: usize, sums: usize): void {
  let a0 = load<i32>(bias)
  let b0 = load<i32>(bias, 4)
  let c0 = load<i32>(bias, 8)
  let d0 = load<i32>(bias, 12)
  let a1 = a0
  let b1 = b0
  let c1 = c0
  let d1 = d0
  do {
    let x0 = load<u32>(x)
    let x1 = load<u32>(x, 4)
    let w = load<u32>(weights)
    let pair = sxtb16(w)
    a0 = smlad(pair, x0, a0)
    a1 = smlad(pair, x1, a1)
    pair = sxtb16Odd(w)
    b0 = smlad(pair, x0, b0)
    b1 = smlad(pair, x1, b1)
    w = load<u32>(weights, 4)
    pair = sxtb16(w)
    c0 = smlad(pair, x0, c0)
    c1 = smlad(pair, x1, c1)
    pair = sxtb16Odd(w)
    d0 = smlad(pair, x0, d0)
    d1 = smlad(pair, x1, d1)
    x0 = load<u32>(x, 8)
    x1 = load<u32>(x, 12)
    w = load<u32>(weights, 8)
    pair = sxtb16(w)
    a0 = smlad(pair, x0, a0)
    a1 = smlad(pair, x1, a1)
    pair = sxtb16Odd(w)
    b0 = smlad(pair, x0, b0)
    b1 = smlad(pair, x1, b1)
    w = load<u32>(weights, 12)
    pair = sxtb16(w)
    c0 = smlad(pair, x0, c0)
    c1 = smlad(pair, x1, c1)
    pair = sxtb16Odd(w)
    d0 = smlad(pair, x0, d0)
    d1 = smlad(pair, x1, d1)
    x += 16
    weights += 16
  } while (weights < end)
  store<i32>(sums, a0)
  store<i32>(sums, b0, 4)
  store<i32>(sums, c0, 8)
  store<i32>(sums, d0, 12)
  store<i32>(sums, a1, 16)
  store<i32>(sums, b1, 20)
  store<i32>(sums, c1, 24)
  store<i32>(sums, d1, 28)
}

/** Stores the first `count` of a panel's four channels of a pixel. */
function put(i: Conv, to: usize, sums: usize, multipliers: usize, count: i32): void {
  if (i.outputType == OutputType.float32) {
    for (; count > 0; count--) {
      store<f32>(to, <f32>load<i32>(sums) * load<f32>(multipliers))
      sums += 4
      multipliers += 4
      to += 4
    }
    return
  }
  const zero = i.outputZeroPoint
  const slope = i.slope
  const low = <f32>(i.low - zero)
  const high = <f32>(i.high - zero)
  for (; count > 0; count--) {
    const y = <f32>load<i32>(sums) * load<f32>(multipliers)
    store<i8>(to, roundEven(activate(y, slope, low, high)) + zero)
    sums += 4
    multipliers += 4
    to++
  }
}
