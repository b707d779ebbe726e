// acc = bias[c]; then for (ky, kx) in order
//   acc = acc + x[y * strideY - padTop + ky][x * strideX - padLeft + kx][c] * weight[ky][kx][c];
// y = max(acc, acc * slope); output[y][x][c] = clamp(y, low, high). NHWC float32 views.
// A channel has one filter. The instruction has one channel a group, so groups * outputChannels
// channels in all. Weights are packed as [tap][channels rounded up to 8], and the bias is padded to
// 8 entries too.
//
// Each multiplication and each addition rounds once, and each channel has a lane of its own: every
// build gives the same bytes. Positions outside the input are skipped, which gives the same as to
// add their zero.

import { CHECKED, checkFilter } from '../../lib/checks'
import { ConvF32 } from '../../lib/instructions'
import { SIMD } from '../../lib/isa'
import { activate, activateV, storeFirst } from '../../lib/vector'
import { start } from '../../threads/split'

/** [channels][taps] to [taps][channels rounded up to 8], padded with zeros. */
export function pack_depthwise_f32(source: usize, target: usize, channels: i32, taps: i32): void {
  const padded = (channels + 7) & ~7
  for (let t = 0; t < taps; t++) {
    for (let c = 0; c < padded; c++) {
      const from = source + ((<usize>(c * taps + t)) << 2)
      store<f32>(target, c < channels ? load<f32>(from) : 0)
      target += 4
    }
  }
}

export function depthwise_f32(i: ConvF32, thread: i32, threads: i32): void {
  if (CHECKED) checkFilter(i, i.groups, 4)
  const input = i.input
  const weights = i.weights
  const bias = i.bias
  const inputHeight = i.inputHeight
  const inputWidth = i.inputWidth
  const inputStride = <usize>i.inputStride
  const outputHeight = i.outputHeight
  const outputWidth = i.outputWidth
  const outputStride = <usize>i.outputStride
  const firstRow = start(outputHeight, thread, threads)
  const endRow = start(outputHeight, thread + 1, threads)
  let output = i.output + <usize>(firstRow * outputWidth) * outputStride
  const kernelHeight = i.kernelHeight
  const kernelWidth = i.kernelWidth
  const strideY = i.strideY
  const strideX = i.strideX
  const padTop = i.padTop
  const padLeft = i.padLeft
  const channels = i.groups * i.outputChannels
  const slope = i.slope
  const low = i.low
  const high = i.high
  const bytes = <usize>channels * 4
  const tapStride = (bytes + 31) & ~31
  const rowStride = <usize>inputWidth * inputStride
  for (let y = firstRow; y < endRow; y++) {
    const top = y * strideY - padTop
    const firstY = max(top, 0)
    const rows = min(top + kernelHeight, inputHeight) - firstY
    for (let x = 0; x < outputWidth; x++) {
      const left = x * strideX - padLeft
      const firstX = max(left, 0)
      const columns = min(left + kernelWidth, inputWidth) - firstX
      const corner = input + <usize>firstY * rowStride + <usize>firstX * inputStride
      const filter = weights + <usize>((firstY - top) * kernelWidth + firstX - left) * tapStride
      const filterRow = <usize>kernelWidth * tapStride
      if (SIMD) {
        const slopeV = f32x4.splat(slope)
        const lowV = f32x4.splat(low)
        const highV = f32x4.splat(high)
        for (let b: usize = 0; b < bytes; b += 32) {
          let acc0 = v128.load(bias + b)
          let acc1 = v128.load(bias + b, 16)
          for (let ky = 0; ky < rows; ky++) {
            let at = corner + <usize>ky * rowStride + b
            let weight = filter + <usize>ky * filterRow + b
            for (let kx = 0; kx < columns; kx++) {
              acc0 = f32x4.add(acc0, f32x4.mul(v128.load(at), v128.load(weight)))
              acc1 = f32x4.add(acc1, f32x4.mul(v128.load(at, 16), v128.load(weight, 16)))
              at += inputStride
              weight += tapStride
            }
          }
          acc0 = activateV(acc0, slopeV, lowV, highV)
          acc1 = activateV(acc1, slopeV, lowV, highV)
          storeFirst(output + b, acc0, bytes - b)
          if (bytes - b > 16) storeFirst(output + b + 16, acc1, bytes - b - 16)
        }
      } else {
        for (let b: usize = 0; b < bytes; b += 4) {
          let acc = load<f32>(bias + b)
          for (let ky = 0; ky < rows; ky++) {
            let at = corner + <usize>ky * rowStride + b
            let weight = filter + <usize>ky * filterRow + b
            for (let kx = 0; kx < columns; kx++) {
              acc += load<f32>(at) * load<f32>(weight)
              at += inputStride
              weight += tapStride
            }
          }
          store<f32>(output + b, activate(acc, slope, low, high))
        }
      }
      output += outputStride
    }
  }
}
