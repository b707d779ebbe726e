// output[p][c] = clamp(roundHalfEven(input[p][c] * multiplier) + zeroPoint): float32 to int8.
// NaN becomes the zero point, infinities saturate. Views of `pixels` pixels of `channels` channels.
// The clamp comes before the rounding, so |y| <= 255. A part of a vector reads at most 60 bytes beyond its pixel.

import { Scale } from '../../lib/instructions'
import { SIMD } from '../../lib/isa'
import { start } from '../../threads/split'
import { narrow, pmax, pmin, roundEven, roundEvenV, storeFirst } from '../../lib/vector'

export function quantize_s8(i: Scale, thread: i32, threads: i32): void {
  const first = start(i.pixels, thread, threads)
  let pixels = start(i.pixels, thread + 1, threads) - first
  let channels = <usize>i.channels
  const inputStride = <usize>i.inputStride
  const outputStride = <usize>i.outputStride
  let input = i.input + <usize>first * inputStride
  let output = i.output + <usize>first * outputStride
  const multiplier = i.multiplier
  const zeroPoint = i.zeroPoint
  const low: f32 = <f32>-128 - <f32>zeroPoint
  const high: f32 = <f32>127 - <f32>zeroPoint
  if (inputStride == channels * 4 && outputStride == channels) {
    channels *= pixels
    pixels = 1
  }
  for (; pixels > 0; pixels--) {
    if (SIMD) {
      const m = f32x4.splat(multiplier)
      const lowV = f32x4.splat(low)
      const highV = f32x4.splat(high)
      const zero = i32x4.splat(zeroPoint)
      for (let c: usize = 0; c < channels; c += 16) {
        const from = input + c * 4
        const v = narrow(
          quantized(v128.load(from), m, lowV, highV, zero),
          quantized(v128.load(from, 16), m, lowV, highV, zero),
          quantized(v128.load(from, 32), m, lowV, highV, zero),
          quantized(v128.load(from, 48), m, lowV, highV, zero),
        )
        storeFirst(output + c, v, channels - c)
      }
    } else {
      for (let c: usize = 0; c < channels; c++) {
        let y = load<f32>(input + c * 4) * multiplier
        if (y != y) y = 0
        store<i8>(output + c, <i8>(roundEven(pmin(pmax(y, low), high)) + zeroPoint))
      }
    }
    input += inputStride
    output += outputStride
  }
}

// @ts-ignore: decorator
@inline
function quantized(x: v128, multiplier: v128, low: v128, high: v128, zeroPoint: v128): v128 {
  const product = f32x4.mul(x, multiplier)
  const y = v128.and(product, f32x4.eq(product, product))
  return i32x4.add(roundEvenV(f32x4.pmin(f32x4.pmax(y, low), high)), zeroPoint)
}
