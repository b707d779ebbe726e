// output[p][c] = clamp(roundHalfEven(float(input[p][c] - inputZeroPoint) * multiplier) + zp) with
// zp = outputZeroPoint: from one scale to another. int8 views of `pixels` pixels of `channels`
// channels; may work in place. |input - inputZeroPoint| <= 255 is exact in float32. The clamp comes
// before the rounding, so |y| <= 255.

import { CHECKED, checkPixelwise } from '../../lib/checks'
import { Requantize } from '../../lib/instructions'
import { SIMD } from '../../lib/isa'
import { narrow, pmax, pmin, roundEven, roundEvenV, storeFirst, widen } from '../../lib/vector'
import { eachRun } from './runs'

export function requantize_s8(i: Requantize, thread: i32, threads: i32): void {
  if (CHECKED) checkPixelwise(i, 1, 1)
  eachRun<Rescale>(i, 1, 1, thread, threads)
}

@unmanaged
class Rescale extends Requantize {
  // @ts-ignore: decorator
  @inline
  run(from: usize, to: usize, count: usize): void {
    const inputZero = this.inputZeroPoint
    const multiplier = this.multiplier
    const outputZero = this.outputZeroPoint
    const low: f32 = <f32>-128 - <f32>outputZero
    const high: f32 = <f32>127 - <f32>outputZero
    if (SIMD) {
      const zero = i32x4.splat(inputZero)
      const m = f32x4.splat(multiplier)
      const lowV = f32x4.splat(low)
      const highV = f32x4.splat(high)
      const outZero = i32x4.splat(outputZero)
      for (let c: usize = 0; c < count; c += 16) {
        const q = v128.load(from + c)
        const v = narrow(
          scaled(widen(q, 0), zero, m, lowV, highV, outZero),
          scaled(widen(q, 1), zero, m, lowV, highV, outZero),
          scaled(widen(q, 2), zero, m, lowV, highV, outZero),
          scaled(widen(q, 3), zero, m, lowV, highV, outZero),
        )
        storeFirst(to + c, v, count - c)
      }
    } else {
      for (let c: usize = 0; c < count; c++) {
        const y = <f32>(<i32>load<i8>(from + c) - inputZero) * multiplier
        store<i8>(to + c, <i8>(roundEven(pmin(pmax(y, low), high)) + outputZero))
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function scaled(q: v128, zero: v128, multiplier: v128, low: v128, high: v128, outputZero: v128): v128 {
  const y = f32x4.mul(f32x4.convert_i32x4_s(i32x4.sub(q, zero)), multiplier)
  return i32x4.add(roundEvenV(f32x4.pmin(f32x4.pmax(y, low), high)), outputZero)
}
