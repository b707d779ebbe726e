// output[n][b] = input[index[n]][b]: rows of `rowBytes` bytes in the order of int32 indices;
// negative ones count from the end. The indices are the caller's data, so the kernel holds them to
// the rows that exist: an index beyond reads the last or the first row. Any type. Threads share the
// indices.

import { CHECKED, checkView } from '../../lib/checks'
import { GatherRows } from '../../lib/instructions'
import { start } from '../../threads/split'
import { copyBytes } from '../pixelwise/copy'

export function gather_rows(i: GatherRows, thread: i32, threads: i32): void {
  if (CHECKED) {
    checkView(i.input, i.inputStride, i.rowBytes, 1)
    checkView(i.output, i.outputStride, i.rowBytes, 1)
    assert(i.rows > 0, 'there are no rows')
  }
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
