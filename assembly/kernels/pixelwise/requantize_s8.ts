// output[p][c] = clamp(roundHalfEven(float(input[p][c] - inputZeroPoint) * multiplier) + outputZeroPoint):
// from one scale to another. int8 views of `pixels` pixels of `channels` channels; may work in place.
// |input - inputZeroPoint| <= 255 is exact in float32; the clamp comes before the rounding, so |y| <= 255.

import { SIMD } from '../../lib/isa'
import { start } from '../../threads/split'
import { narrow, pmax, pmin, roundEven, roundEvenV, storeFirst, widen } from '../../lib/vector'
import { address, float, word } from '../../lib/word'

export function requantize_s8(i: usize, thread: i32, threads: i32): void {
  const first = start(word(i, 3), thread, threads)
  let pixels = start(word(i, 3), thread + 1, threads) - first
  let channels = <usize>word(i, 4)
  const inputStride = <usize>word(i, 5)
  const outputStride = <usize>word(i, 6)
  let input = address(i, 1) + <usize>first * inputStride
  let output = address(i, 2) + <usize>first * outputStride
  const inputZero = word(i, 7)
  const multiplier = float(i, 8)
  const outputZero = word(i, 9)
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
