// output[p][c] = clamp(roundHalfEven(input[p][c] * multiplier) + zeroPoint): float32 to int8. NaN
// becomes the zero point, and infinities saturate. Views of `pixels` pixels of `channels` channels.
// The clamp comes before the rounding, so |y| <= 255. A part of a vector reads at most 60 bytes
// beyond its pixel.

import { CHECKED, checkPixelwise } from '../../lib/checks'
import { Scale } from '../../lib/instructions'
import { SIMD } from '../../lib/isa'
import { narrow, pmax, pmin, roundEven, roundEvenV, storeFirst } from '../../lib/vector'
import { eachRun } from './runs'

export function quantize_s8(i: Scale, thread: i32, threads: i32): void {
  if (CHECKED) checkPixelwise(i, 4, 1)
  eachRun<Quantize>(i, 4, 1, thread, threads)
}

@unmanaged
class Quantize extends Scale {
  // @ts-ignore: decorator
  @inline
  run(from: usize, to: usize, count: usize): void {
    const multiplier = this.multiplier
    const zeroPoint = this.zeroPoint
    const low: f32 = <f32>-128 - <f32>zeroPoint
    const high: f32 = <f32>127 - <f32>zeroPoint
    if (SIMD) {
      const m = f32x4.splat(multiplier)
      const lowV = f32x4.splat(low)
      const highV = f32x4.splat(high)
      const zero = i32x4.splat(zeroPoint)
      for (let c: usize = 0; c < count; c += 16) {
        const at = from + c * 4
        const v = narrow(
          quantized(v128.load(at), m, lowV, highV, zero),
          quantized(v128.load(at, 16), m, lowV, highV, zero),
          quantized(v128.load(at, 32), m, lowV, highV, zero),
          quantized(v128.load(at, 48), m, lowV, highV, zero),
        )
        storeFirst(to + c, v, count - c)
      }
    } else {
      for (let c: usize = 0; c < count; c++) {
        let y = load<f32>(from + c * 4) * multiplier
        if (y != y) y = 0
        store<i8>(to + c, <i8>(roundEven(pmin(pmax(y, low), high)) + zeroPoint))
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function quantized(x: v128, multiplier: v128, low: v128, high: v128, zeroPoint: v128): v128 {
  const product = f32x4.mul(x, multiplier)
  const y = v128.and(product, f32x4.eq(product, product))
  return i32x4.add(roundEvenV(f32x4.pmin(f32x4.pmax(y, low), high)), zeroPoint)
}
