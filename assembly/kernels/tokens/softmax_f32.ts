// output[p][c] = exp(x[p][c] - m) * (1 / sum over c of exp(x[p][c] - m)), with m the largest value
// of pixel p and the sum in the order of lib/exponentials.ts. float32 views of `pixels` pixels of
// `channels` channels; may work in place. The sum is at least 1, so nothing divides by zero.

import { CHECKED, checkPixelwise } from '../../lib/checks'
import { exponentials } from '../../lib/exponentials'
import { Pixelwise } from '../../lib/instructions'
import { SIMD } from '../../lib/isa'
import { storeFirst } from '../../lib/vector'
import { start } from '../../threads/split'

export function softmax_f32(i: Pixelwise, thread: i32, threads: i32): void {
  if (CHECKED) checkPixelwise(i, 4, 4)
  const first = start(i.pixels, thread, threads)
  const last = start(i.pixels, thread + 1, threads)
  const channels = <usize>i.channels
  const bytes = channels << 2
  const inputStride = <usize>i.inputStride
  const outputStride = <usize>i.outputStride
  let input = i.input + <usize>first * inputStride
  let output = i.output + <usize>first * outputStride
  for (let p = first; p < last; p++) {
    const factor: f32 = 1 / exponentials(input, output, channels)
    if (SIMD) {
      const f = f32x4.splat(factor)
      for (let b: usize = 0; b < bytes; b += 16) {
        storeFirst(output + b, f32x4.mul(v128.load(output + b), f), bytes - b)
      }
    } else {
      for (let b: usize = 0; b < bytes; b += 4) store<f32>(output + b, load<f32>(output + b) * factor)
    }
    input += inputStride
    output += outputStride
  }
}
