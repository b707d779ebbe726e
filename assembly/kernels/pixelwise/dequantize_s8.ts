// output[p][c] = float(input[p][c] - zeroPoint) * multiplier: int8 to float32.
// Views of `pixels` pixels of `channels` channels. |input - zeroPoint| <= 255 is exact in float32.

import { Scale } from '../../lib/instructions'
import { SIMD } from '../../lib/isa'
import { start } from '../../threads/split'
import { storeFirst, widen } from '../../lib/vector'

export function dequantize_s8(i: Scale, thread: i32, threads: i32): void {
  const first = start(i.pixels, thread, threads)
  let pixels = start(i.pixels, thread + 1, threads) - first
  let channels = <usize>i.channels
  const inputStride = <usize>i.inputStride
  const outputStride = <usize>i.outputStride
  let input = i.input + <usize>first * inputStride
  let output = i.output + <usize>first * outputStride
  const multiplier = i.multiplier
  const zeroPoint = i.zeroPoint
  if (inputStride == channels && outputStride == channels * 4) {
    channels *= pixels
    pixels = 1
  }
  for (; pixels > 0; pixels--) {
    if (SIMD) {
      const m = f32x4.splat(multiplier)
      const zero = i32x4.splat(zeroPoint)
      let c: usize = 0
      for (; c + 16 <= channels; c += 16) {
        const q = v128.load(input + c)
        const to = output + c * 4
        v128.store(to, scaled(widen(q, 0), m, zero))
        v128.store(to, scaled(widen(q, 1), m, zero), 16)
        v128.store(to, scaled(widen(q, 2), m, zero), 32)
        v128.store(to, scaled(widen(q, 3), m, zero), 48)
      }
      for (; c < channels; c += 4) {
        const q = i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(v128.load32_zero(input + c)))
        storeFirst(output + c * 4, scaled(q, m, zero), (channels - c) * 4)
      }
    } else {
      for (let c: usize = 0; c < channels; c++) {
        store<f32>(output + c * 4, <f32>(<i32>load<i8>(input + c) - zeroPoint) * multiplier)
      }
    }
    input += inputStride
    output += outputStride
  }
}

// @ts-ignore: decorator
@inline
function scaled(q: v128, multiplier: v128, zeroPoint: v128): v128 {
  return f32x4.mul(f32x4.convert_i32x4_s(i32x4.sub(q, zeroPoint)), multiplier)
}
