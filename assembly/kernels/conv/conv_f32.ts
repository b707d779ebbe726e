// acc = bias[o]; acc = acc + x[y * strideY - padTop + ky][x * strideX - padLeft + kx][c] * weight[o][ky][kx][c] for
// (ky, kx, c) in order, positions outside the input count as 0; y = max(acc, acc * slope);
// output[y][x][o] = clamp(y, low, high). NHWC float32 views; a group has inputChannels and outputChannels of its own.
//
// For `block` output pixels at a time the receptive fields of a group are gathered in scratch as
// [4 pixels][depth][4], depth = kernelHeight * kernelWidth * inputChannels; this kernel pads them with zeros.
// Weights are packed [group][panel of 8 channels][depth][8], so 4 pixels x 8 channels are eight accumulators, six
// loads a step of depth. The block is walked panel by panel: a panel's weights are read once a block.
// Scratch: roundUp(block, 4) * depth * 4 + 64 bytes.
//
// Each multiply and each add rounds once and each output channel has a lane of its own: the same bytes in
// every build. Sums may overflow to infinity, as float32 does.

import { ConvF32 } from '../../lib/instructions'
import { SIMD } from '../../lib/isa'
import { scratchOf, start } from '../../threads/split'
import { activate, activateV, storeFirst } from '../../lib/vector'
import { gather_f32 } from './gather_f32'

/** [groups * outputChannels][depth] to [group][panel of 8][depth][8], padded with zeros. */
export function pack_conv_f32(source: usize, target: usize, outputChannels: i32, depth: i32, groups: i32): void {
  const filter = <usize>depth * 4
  for (let g = 0; g < groups; g++) {
    for (let first = 0; first < outputChannels; first += 8) {
      for (let d: usize = 0; d < filter; d += 4) {
        for (let o = first; o < first + 8; o++) {
          store<f32>(target, o < outputChannels ? load<f32>(source + <usize>o * filter + d) : 0)
          target += 4
        }
      }
    }
    source += <usize>outputChannels * filter
  }
}

export function conv_f32(i: ConvF32, thread: i32, threads: i32): void {
  const output = i.output
  const inputChannels = i.inputChannels
  const outputPixels = i.outputHeight * i.outputWidth
  const outputChannels = i.outputChannels
  const outputStride = <usize>i.outputStride
  const depth = i.kernelHeight * i.kernelWidth * inputChannels
  const groups = i.groups
  const scratch = scratchOf(i, i.scratch)
  const block = i.block
  const start4 = start((outputPixels + 3) >> 2, thread, threads) * 4
  const end = min(start((outputPixels + 3) >> 2, thread + 1, threads) * 4, outputPixels)
  const panelBytes = <usize>depth * 32
  const fieldBytes = <usize>depth * 16
  for (let g = 0; g < groups; g++) {
    for (let first = start4; first < end; first += block) {
      const pixels = min(block, end - first)
      gather_f32(i, i.input + <usize>(g * inputChannels) * 4, first, pixels, scratch)
      let weights = i.weights + <usize>(g * ((outputChannels + 7) >> 3)) * panelBytes
      let bias = i.bias + <usize>(g * ((outputChannels + 7) & ~7)) * 4
      let to = output + <usize>first * outputStride + <usize>(g * outputChannels) * 4
      for (let o = 0; o < outputChannels; o += 8) {
        const bytes = <usize>min(8, outputChannels - o) * 4
        let fields = scratch
        let tile = to
        for (let p = 0; p < pixels; p += 4) {
          multiply(i, weights, fields, depth, bias, tile, outputStride, min(4, pixels - p), bytes)
          fields += fieldBytes
          tile += outputStride * 4
        }
        weights += panelBytes
        bias += 32
        to += 32
      }
    }
  }
}

/** 4 pixels x 8 channels; stores `rows` pixels of `bytes` bytes. */
function multiply(
  i: ConvF32,
  weights: usize,
  fields: usize,
  depth: i32,
  bias: usize,
  to: usize,
  stride: usize,
  rows: i32,
  bytes: usize,
): void {
  const slope = i.slope
  const low = i.low
  const high = i.high
  if (SIMD) {
    let a0 = v128.load(bias)
    let a1 = v128.load(bias, 16)
    let b0 = a0
    let b1 = a1
    let c0 = a0
    let c1 = a1
    let d0 = a0
    let d1 = a1
    for (const end = fields + <usize>depth * 16; fields < end; fields += 16) {
      const w0 = v128.load(weights)
      const w1 = v128.load(weights, 16)
      let x = v128.load32_splat(fields)
      a0 = f32x4.add(a0, f32x4.mul(x, w0))
      a1 = f32x4.add(a1, f32x4.mul(x, w1))
      x = v128.load32_splat(fields, 4)
      b0 = f32x4.add(b0, f32x4.mul(x, w0))
      b1 = f32x4.add(b1, f32x4.mul(x, w1))
      x = v128.load32_splat(fields, 8)
      c0 = f32x4.add(c0, f32x4.mul(x, w0))
      c1 = f32x4.add(c1, f32x4.mul(x, w1))
      x = v128.load32_splat(fields, 12)
      d0 = f32x4.add(d0, f32x4.mul(x, w0))
      d1 = f32x4.add(d1, f32x4.mul(x, w1))
      weights += 32
    }
    const slopeV = f32x4.splat(slope)
    const lowV = f32x4.splat(low)
    const highV = f32x4.splat(high)
    storeRow(to, activateV(a0, slopeV, lowV, highV), activateV(a1, slopeV, lowV, highV), bytes)
    if (rows > 1) storeRow(to + stride, activateV(b0, slopeV, lowV, highV), activateV(b1, slopeV, lowV, highV), bytes)
    if (rows > 2) {
      storeRow(to + 2 * stride, activateV(c0, slopeV, lowV, highV), activateV(c1, slopeV, lowV, highV), bytes)
    }
    if (rows > 3) {
      storeRow(to + 3 * stride, activateV(d0, slopeV, lowV, highV), activateV(d1, slopeV, lowV, highV), bytes)
    }
  } else {
    for (let p = 0; p < rows; p++) {
      for (let b: usize = 0; b < bytes; b += 4) {
        let acc = load<f32>(bias + b)
        let x = fields
        let weight = weights + b
        for (let d = 0; d < depth; d++) {
          acc += load<f32>(x) * load<f32>(weight)
          x += 16
          weight += 32
        }
        store<f32>(to + b, activate(acc, slope, low, high))
      }
      fields += 4
      to += stride
    }
  }
}

// @ts-ignore: decorator
@inline
function storeRow(at: usize, low: v128, high: v128, bytes: usize): void {
  storeFirst(at, low, bytes)
  if (bytes > 16) storeFirst(at + 16, high, bytes - 16)
}
