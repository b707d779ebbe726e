// output[p][c] = float(input[p][c] - zeroPoint) * multiplier: int8 to float32.
// Views of `pixels` pixels of `channels` channels. |input - zeroPoint| <= 255 is exact in float32.

import { CHECKED, checkPixelwise } from '../../lib/checks'
import { Scale } from '../../lib/instructions'
import { SIMD } from '../../lib/isa'
import { storeFirst, widen } from '../../lib/vector'
import { eachRun } from './runs'

export function dequantize_s8(i: Scale, thread: i32, threads: i32): void {
  if (CHECKED) checkPixelwise(i, 1, 4)
  eachRun<Dequantize>(i, 1, 4, thread, threads)
}

@unmanaged
class Dequantize extends Scale {
  // @ts-ignore: decorator
  @inline
  run(from: usize, to: usize, count: usize): void {
    const multiplier = this.multiplier
    const zeroPoint = this.zeroPoint
    if (SIMD) {
      const m = f32x4.splat(multiplier)
      const zero = i32x4.splat(zeroPoint)
      let c: usize = 0
      for (; c + 16 <= count; c += 16) {
        const q = v128.load(from + c)
        const at = to + c * 4
        v128.store(at, scaled(widen(q, 0), m, zero))
        v128.store(at, scaled(widen(q, 1), m, zero), 16)
        v128.store(at, scaled(widen(q, 2), m, zero), 32)
        v128.store(at, scaled(widen(q, 3), m, zero), 48)
      }
      for (; c < count; c += 4) {
        const q = i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(v128.load32_zero(from + c)))
        storeFirst(to + c * 4, scaled(q, m, zero), (count - c) * 4)
      }
    } else {
      for (let c: usize = 0; c < count; c++) {
        store<f32>(to + c * 4, <f32>(<i32>load<i8>(from + c) - zeroPoint) * multiplier)
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function scaled(q: v128, multiplier: v128, zeroPoint: v128): v128 {
  return f32x4.mul(f32x4.convert_i32x4_s(i32x4.sub(q, zeroPoint)), multiplier)
}
