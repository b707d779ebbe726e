// output[p][c] = exp(x[p][c] - m) * (1 / sum over c of exp(x[p][c] - m)), m the largest of pixel p; the sum's order is
// that of assembly/lib/exponentials.ts. float32 views of `pixels` pixels of `channels` channels; may work in place.
// The sum is at least 1, so nothing divides by zero.

import { exponentials } from '../../lib/exponentials'
import { SIMD } from '../../lib/isa'
import { start } from '../../threads/split'
import { storeFirst } from '../../lib/vector'
import { address, word } from '../../lib/word'

export function softmax_f32(i: usize, thread: i32, threads: i32): void {
  const first = start(word(i, 3), thread, threads)
  const last = start(word(i, 3), thread + 1, threads)
  const channels = <usize>word(i, 4)
  const bytes = channels << 2
  const inputStride = <usize>word(i, 5)
  const outputStride = <usize>word(i, 6)
  let input = address(i, 1) + <usize>first * inputStride
  let output = address(i, 2) + <usize>first * outputStride
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
