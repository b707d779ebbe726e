// y = float(a - zeroPointA) * multiplierA + float(b - zeroPointB) * multiplierB; y = max(y, y *
// slope);
// output[p][c] = roundHalfEven(clamp(y, low - zp, high - zp)) + zp with zp = outputZeroPoint.
// Each product and the sum round once to float32. int8 views of `pixels` pixels of `channels`
// channels; the output may be the very view of either input. Differences are at most 255 and exact;
// low and high are int8, so |y| <= 255 when it is rounded.

import { CHECKED, checkView } from '../../lib/checks'
import { Add } from '../../lib/instructions'
import { SIMD } from '../../lib/isa'
import { activate, activateV, narrow, roundEven, roundEvenV, storeFirst, widen } from '../../lib/vector'
import { eachPair } from './runs'

export function add_s8(i: Add, thread: i32, threads: i32): void {
  if (CHECKED) {
    checkView(i.inputA, i.strideA, i.channels, 1)
    checkView(i.inputB, i.strideB, i.channels, 1)
    checkView(i.output, i.outputStride, i.channels, 1)
  }
  eachPair<Sum>(i, 1, thread, threads)
}

@unmanaged
class Sum extends Add {
  // @ts-ignore: decorator
  @inline
  run(a: usize, b: usize, to: usize, count: usize): void {
    const zeroA = this.zeroPointA
    const multiplierA = this.multiplierA
    const zeroB = this.zeroPointB
    const multiplierB = this.multiplierB
    const outputZero = this.outputZeroPoint
    const slope = this.slope
    const low = <f32>(this.low - outputZero)
    const high = <f32>(this.high - outputZero)
    if (SIMD) {
      const slopeV = f32x4.splat(slope)
      const lowV = f32x4.splat(low)
      const highV = f32x4.splat(high)
      const zero = i32x4.splat(outputZero)
      for (let c: usize = 0; c < count; c += 16) {
        const p = v128.load(a + c)
        const q = v128.load(b + c)
        const v = narrow(
          rounded(sum(widen(p, 0), zeroA, multiplierA, widen(q, 0), zeroB, multiplierB), slopeV, lowV, highV, zero),
          rounded(sum(widen(p, 1), zeroA, multiplierA, widen(q, 1), zeroB, multiplierB), slopeV, lowV, highV, zero),
          rounded(sum(widen(p, 2), zeroA, multiplierA, widen(q, 2), zeroB, multiplierB), slopeV, lowV, highV, zero),
          rounded(sum(widen(p, 3), zeroA, multiplierA, widen(q, 3), zeroB, multiplierB), slopeV, lowV, highV, zero),
        )
        storeFirst(to + c, v, count - c)
      }
    } else {
      for (let c: usize = 0; c < count; c++) {
        const p = <f32>(<i32>load<i8>(a + c) - zeroA) * multiplierA
        const q = <f32>(<i32>load<i8>(b + c) - zeroB) * multiplierB
        store<i8>(to + c, <i8>(roundEven(activate(p + q, slope, low, high)) + outputZero))
      }
    }
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
