// Rows of float32, as tokens are: `bytes` bytes, a multiple of 4. Stores never go beyond them.

import { SIMD } from '../../lib/isa'
import { storeFirst } from '../../lib/vector'

/** to = a + b. */
export function sumRow(a: usize, b: usize, to: usize, bytes: usize): void {
  if (SIMD) {
    for (let n: usize = 0; n < bytes; n += 16) {
      storeFirst(to + n, f32x4.add(v128.load(a + n), v128.load(b + n)), bytes - n)
    }
  } else {
    for (let n: usize = 0; n < bytes; n += 4) store<f32>(to + n, load<f32>(a + n) + load<f32>(b + n))
  }
}
