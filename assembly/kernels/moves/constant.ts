// output[p][b] = values[p][b]: a tensor whose values stand in the model, `pixels` pixels of `pixelBytes` bytes, brought
// to the arena so that other instructions read it as any tensor. Any type; a thread does a share of the pixels.

import { ConstantTensor } from '../../lib/instructions'
import { start } from '../../threads/split'
import { copyBytes } from '../pixelwise/copy'

export function constant(i: ConstantTensor, thread: i32, threads: i32): void {
  const end = start(i.pixels, thread + 1, threads)
  const bytes = <usize>i.pixelBytes
  for (let p = start(i.pixels, thread, threads); p < end; p++) {
    copyBytes(i.values + <usize>p * bytes, i.output + <usize>p * <usize>i.outputStride, bytes)
  }
}
