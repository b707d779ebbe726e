// output[y][x][c] = input[source(y - padTop)][source(x - padLeft)][c]. Outside the input,
// PadMode.constant stores `value`, reflect mirrors without repeating the border, and edge repeats
// it. NHWC views of `channels` channels of `elementBytes` bytes, 1 or 4; `value` holds the bits of
// one element. The host proves that a reflected pad is smaller than the side it mirrors. No
// arithmetic on values. Threads share the output's rows.

import { CHECKED, checkView } from '../../lib/checks'
import { Pad, PadMode, requirePadMode } from '../../lib/instructions'
import { start } from '../../threads/split'
import { copyBytes } from '../pixelwise/copy'

export function pad(i: Pad, thread: i32, threads: i32): void {
  if (CHECKED) {
    assert(i.elementBytes == 1 || i.elementBytes == 4, 'an element has 1 or 4 bytes')
    checkView(i.input, i.inputStride, i.channels * i.elementBytes, i.elementBytes)
    checkView(i.output, i.outputStride, i.channels * i.elementBytes, i.elementBytes)
  }
  requirePadMode(i.mode)
  const end = start(i.outputHeight, thread + 1, threads)
  const bytes = <usize>(i.channels * i.elementBytes)
  const inputStride = <usize>i.inputStride
  for (let y = start(i.outputHeight, thread, threads); y < end; y++) {
    const row = source(y - i.padTop, i.inputHeight, i.mode)
    let output = i.output + <usize>(y * i.outputWidth) * <usize>i.outputStride
    for (let x = 0; x < i.outputWidth; x++) {
      const column = source(x - i.padLeft, i.inputWidth, i.mode)
      if (row < 0 || column < 0) fill(output, i)
      else copyBytes(i.input + <usize>(row * i.inputWidth + column) * inputStride, output, bytes)
      output += <usize>i.outputStride
    }
  }
}

/** The position that an output comes from, or -1 for the constant. */
function source(at: i32, side: i32, mode: i32): i32 {
  if (at >= 0 && at < side) return at
  if (mode == PadMode.constant) return -1
  if (mode == PadMode.edge) return at < 0 ? 0 : side - 1
  return at < 0 ? -at : 2 * side - 2 - at
}

function fill(output: usize, i: Pad): void {
  const value = i.value
  for (let c = 0; c < i.channels; c++) {
    if (i.elementBytes == 4) store<i32>(output + ((<usize>c) << 2), value)
    else store<u8>(output + <usize>c, <u8>value)
  }
}
