// output[p][b] = values[p][b]: a tensor whose values stand in the model, `pixels` pixels of
// `pixelBytes` bytes, goes to the arena, where other instructions read it like any tensor. Any
// type. Threads share the pixels.

import { CHECKED, checkView } from '../../lib/checks'
import { ConstantTensor } from '../../lib/instructions'
import { start } from '../../threads/split'
import { copyBytes } from '../pixelwise/copy'

export function constant(i: ConstantTensor, thread: i32, threads: i32): void {
  if (CHECKED) checkView(i.output, i.outputStride, i.pixelBytes, 1)
  const end = start(i.pixels, thread + 1, threads)
  const bytes = <usize>i.pixelBytes
  for (let p = start(i.pixels, thread, threads); p < end; p++) {
    copyBytes(i.values + <usize>p * bytes, i.output + <usize>p * <usize>i.outputStride, bytes)
  }
}
