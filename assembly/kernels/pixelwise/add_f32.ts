// y = a[p][c] + b[p][c]; y = max(y, y * slope); output[p][c] = clamp(y, low, high).
// float32 views of `pixels` pixels of `channels` channels; the output may be either input's very view. The
// multipliers and zero points of the instruction are those of add_s8: not read here.

import { AddF32 } from '../../lib/instructions'
import { SIMD } from '../../lib/isa'
import { start } from '../../threads/split'
import { activate, activateV, storeFirst } from '../../lib/vector'

export function add_f32(i: AddF32, thread: i32, threads: i32): void {
  const first = start(i.pixels, thread, threads)
  let pixels = start(i.pixels, thread + 1, threads) - first
  let bytes = <usize>i.channels * 4
  const strideA = <usize>i.strideA
  const strideB = <usize>i.strideB
  const outputStride = <usize>i.outputStride
  let inputA = i.inputA + <usize>first * strideA
  let inputB = i.inputB + <usize>first * strideB
  let output = i.output + <usize>first * outputStride
  const slope = i.slope
  const low = i.low
  const high = i.high
  if (strideA == bytes && strideB == bytes && outputStride == bytes) {
    bytes *= pixels
    pixels = 1
  }
  for (; pixels > 0; pixels--) {
    if (SIMD) {
      const slopeV = f32x4.splat(slope)
      const lowV = f32x4.splat(low)
      const highV = f32x4.splat(high)
      for (let b: usize = 0; b < bytes; b += 16) {
        const y = f32x4.add(v128.load(inputA + b), v128.load(inputB + b))
        storeFirst(output + b, activateV(y, slopeV, lowV, highV), bytes - b)
      }
    } else {
      for (let b: usize = 0; b < bytes; b += 4) {
        const y = load<f32>(inputA + b) + load<f32>(inputB + b)
        store<f32>(output + b, activate(y, slope, low, high))
      }
    }
    inputA += strideA
    inputB += strideB
    output += outputStride
  }
}
