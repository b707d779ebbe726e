// y = float(a - zeroPointA) * multiplierA + float(b - zeroPointB) * multiplierB; y = max(y, y * slope);
// output[p][c] = roundHalfEven(clamp(y, low - outputZeroPoint, high - outputZeroPoint)) + outputZeroPoint.
// Each product and the sum round once to float32. int8 views of `pixels` pixels of `channels` channels; the
// output may be either input's very view. Differences are at most 255 and exact; low and high are int8, so
// |y| <= 255 when it is rounded.

import { Add } from '../../lib/instructions'
import { SIMD } from '../../lib/isa'
import { start } from '../../threads/split'
import { activate, activateV, narrow, roundEven, roundEvenV, storeFirst, widen } from '../../lib/vector'

export function add_s8(i: Add, thread: i32, threads: i32): void {
  const first = start(i.pixels, thread, threads)
  let pixels = start(i.pixels, thread + 1, threads) - first
  let channels = <usize>i.channels
  const strideA = <usize>i.strideA
  const strideB = <usize>i.strideB
  const outputStride = <usize>i.outputStride
  let inputA = i.inputA + <usize>first * strideA
  let inputB = i.inputB + <usize>first * strideB
  let output = i.output + <usize>first * outputStride
  const zeroA = i.zeroPointA
  const multiplierA = i.multiplierA
  const zeroB = i.zeroPointB
  const multiplierB = i.multiplierB
  const outputZero = i.outputZeroPoint
  const slope = i.slope
  const low = <f32>(i.low - outputZero)
  const high = <f32>(i.high - outputZero)
  if (strideA == channels && strideB == channels && outputStride == channels) {
    channels *= pixels
    pixels = 1
  }
  for (; pixels > 0; pixels--) {
    if (SIMD) {
      const slopeV = f32x4.splat(slope)
      const lowV = f32x4.splat(low)
      const highV = f32x4.splat(high)
      const zero = i32x4.splat(outputZero)
      for (let c: usize = 0; c < channels; c += 16) {
        const a = v128.load(inputA + c)
        const b = v128.load(inputB + c)
        const v = narrow(
          rounded(sum(widen(a, 0), zeroA, multiplierA, widen(b, 0), zeroB, multiplierB), slopeV, lowV, highV, zero),
          rounded(sum(widen(a, 1), zeroA, multiplierA, widen(b, 1), zeroB, multiplierB), slopeV, lowV, highV, zero),
          rounded(sum(widen(a, 2), zeroA, multiplierA, widen(b, 2), zeroB, multiplierB), slopeV, lowV, highV, zero),
          rounded(sum(widen(a, 3), zeroA, multiplierA, widen(b, 3), zeroB, multiplierB), slopeV, lowV, highV, zero),
        )
        storeFirst(output + c, v, channels - c)
      }
    } else {
      for (let c: usize = 0; c < channels; c++) {
        const a = <f32>(<i32>load<i8>(inputA + c) - zeroA) * multiplierA
        const b = <f32>(<i32>load<i8>(inputB + c) - zeroB) * multiplierB
        store<i8>(output + c, <i8>(roundEven(activate(a + b, slope, low, high)) + outputZero))
      }
    }
    inputA += strideA
    inputB += strideB
    output += outputStride
  }
}

// @ts-ignore: decorator
@inline
function sum(a: v128, zeroA: i32, multiplierA: f32, b: v128, zeroB: i32, multiplierB: f32): v128 {
  return f32x4.add(
    f32x4.mul(f32x4.convert_i32x4_s(i32x4.sub(a, i32x4.splat(zeroA))), f32x4.splat(multiplierA)),
    f32x4.mul(f32x4.convert_i32x4_s(i32x4.sub(b, i32x4.splat(zeroB))), f32x4.splat(multiplierB)),
  )
}

// @ts-ignore: decorator
@inline
function rounded(y: v128, slope: v128, low: v128, high: v128, zero: v128): v128 {
  return i32x4.add(roundEvenV(activateV(y, slope, low, high)), zero)
}
