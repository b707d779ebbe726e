// output[p][c] = clamp(roundHalfEven(float(input[p][c] - inputZeroPoint) * multiplier) + outputZeroPoint):
// from one scale to another. int8 views of `pixels` pixels of `channels` channels; may work in place.
// |input - inputZeroPoint| <= 255 is exact in float32; the clamp comes before the rounding, so |y| <= 255.

import { Requantize } from '../../lib/instructions'
import { SIMD } from '../../lib/isa'
import { start } from '../../threads/split'
import { narrow, pmax, pmin, roundEven, roundEvenV, storeFirst, widen } from '../../lib/vector'

export function requantize_s8(i: Requantize, thread: i32, threads: i32): void {
  const first = start(i.pixels, thread, threads)
  let pixels = start(i.pixels, thread + 1, threads) - first
  let channels = <usize>i.channels
  const inputStride = <usize>i.inputStride
  const outputStride = <usize>i.outputStride
  let input = i.input + <usize>first * inputStride
  let output = i.output + <usize>first * outputStride
  const inputZero = i.inputZeroPoint
  const multiplier = i.multiplier
  const outputZero = i.outputZeroPoint
  const low: f32 = <f32>-128 - <f32>outputZero
  const high: f32 = <f32>127 - <f32>outputZero
  if (inputStride == channels && outputStride == channels) {
    channels *= pixels
    pixels = 1
  }
  for (; pixels > 0; pixels--) {
    if (SIMD) {
      const zero = i32x4.splat(inputZero)
      const m = f32x4.splat(multiplier)
      const lowV = f32x4.splat(low)
      const highV = f32x4.splat(high)
      const outZero = i32x4.splat(outputZero)
      for (let c: usize = 0; c < channels; c += 16) {
        const q = v128.load(input + c)
        const v = narrow(
          scaled(widen(q, 0), zero, m, lowV, highV, outZero),
          scaled(widen(q, 1), zero, m, lowV, highV, outZero),
          scaled(widen(q, 2), zero, m, lowV, highV, outZero),
          scaled(widen(q, 3), zero, m, lowV, highV, outZero),
        )
        storeFirst(output + c, v, channels - c)
      }
    } else {
      for (let c: usize = 0; c < channels; c++) {
        const y = <f32>(<i32>load<i8>(input + c) - inputZero) * multiplier
        store<i8>(output + c, <i8>(roundEven(pmin(pmax(y, low), high)) + outputZero))
      }
    }
    input += inputStride
    output += outputStride
  }
}

// @ts-ignore: decorator
@inline
function scaled(q: v128, zero: v128, multiplier: v128, low: v128, high: v128, outputZero: v128): v128 {
  const y = f32x4.mul(f32x4.convert_i32x4_s(i32x4.sub(q, zero)), multiplier)
  return i32x4.add(roundEvenV(f32x4.pmin(f32x4.pmax(y, low), high)), outputZero)
}
