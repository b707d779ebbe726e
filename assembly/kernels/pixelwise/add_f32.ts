// y = a[p][c] + b[p][c]; y = max(y, y * slope); output[p][c] = clamp(y, low, high). float32 views
// of `pixels` pixels of `channels` channels; the output may be the very view of either input. The
// multipliers and zero points of add_s8 are not read here.

import { CHECKED, checkView } from '../../lib/checks'
import { Add, AddF32 } from '../../lib/instructions'
import { SIMD } from '../../lib/isa'
import { activate, activateV, storeFirst } from '../../lib/vector'
import { eachPair } from './runs'

export function add_f32(i: AddF32, thread: i32, threads: i32): void {
  if (CHECKED) {
    checkView(i.inputA, i.strideA, i.channels * 4, 4)
    checkView(i.inputB, i.strideB, i.channels * 4, 4)
    checkView(i.output, i.outputStride, i.channels * 4, 4)
  }
  eachPair<Sum>(changetype<Add>(i), 4, thread, threads)
}

@unmanaged
class Sum extends AddF32 {
  // @ts-ignore: decorator
  @inline
  run(a: usize, b: usize, to: usize, count: usize): void {
    const slope = this.slope
    const low = this.low
    const high = this.high
    const bytes = count * 4
    if (SIMD) {
      const slopeV = f32x4.splat(slope)
      const lowV = f32x4.splat(low)
      const highV = f32x4.splat(high)
      for (let n: usize = 0; n < bytes; n += 16) {
        const y = f32x4.add(v128.load(a + n), v128.load(b + n))
        storeFirst(to + n, activateV(y, slopeV, lowV, highV), bytes - n)
      }
    } else {
      for (let n: usize = 0; n < bytes; n += 4) {
        store<f32>(to + n, activate(load<f32>(a + n) + load<f32>(b + n), slope, low, high))
      }
    }
  }
}
