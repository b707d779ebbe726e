// output[n][b] = input[index[n]][b]: rows of `rowBytes` bytes in the order of int32 indices, negative ones counted
// from the end. The indices are the caller's data, so they are held to the rows that there are: what lies
// beyond reads the last or the first row. Any type; a thread does a share of the indices.

import { GatherRows } from '../../lib/instructions'
import { start } from '../../threads/split'
import { copyBytes } from '../pixelwise/copy'

export function gather_rows(i: GatherRows, thread: i32, threads: i32): void {
  const end = start(i.count, thread + 1, threads)
  const rows = i.rows
  for (let n = start(i.count, thread, threads); n < end; n++) {
    let row = load<i32>(i.rowIndices + <usize>n * <usize>i.indexStride)
    if (row < 0) row += rows
    row = min(max(row, 0), rows - 1)
    copyBytes(
      i.input + <usize>row * <usize>i.inputStride,
      i.output + <usize>n * <usize>i.outputStride,
      <usize>i.rowBytes,
    )
  }
}
