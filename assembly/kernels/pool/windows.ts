// The walk of a pool over its output. A window that reaches over the edge is cut to what lies
// inside the input; the host checks that something always does. Threads share the output's rows.

import { Pool } from '../../lib/instructions'
import { start } from '../../threads/split'

/**
 * Calls K's method `window` for each pixel of the output, of `bytes` bytes. `corner` is the first
 * position of its window inside the input, where rows x columns positions lie. K is a class over
 * the instruction.
 */
// @ts-ignore: decorator
@inline
export function eachWindow<K>(i: Pool, bytes: usize, thread: i32, threads: i32): void {
  const input = i.input
  const inputHeight = i.inputHeight
  const inputWidth = i.inputWidth
  const inputStride = <usize>i.inputStride
  const outputHeight = i.outputHeight
  const outputWidth = i.outputWidth
  const outputStride = <usize>i.outputStride
  const kernelHeight = i.kernelHeight
  const kernelWidth = i.kernelWidth
  const strideY = i.strideY
  const strideX = i.strideX
  const padTop = i.padTop
  const padLeft = i.padLeft
  const rowStride = <usize>inputWidth * inputStride
  const firstRow = start(outputHeight, thread, threads)
  const endRow = start(outputHeight, thread + 1, threads)
  let output = i.output + <usize>(firstRow * outputWidth) * outputStride
  for (let y = firstRow; y < endRow; y++) {
    const top = y * strideY - padTop
    const firstY = max(top, 0)
    const rows = min(top + kernelHeight, inputHeight) - firstY
    for (let x = 0; x < outputWidth; x++) {
      const left = x * strideX - padLeft
      const firstX = max(left, 0)
      const columns = min(left + kernelWidth, inputWidth) - firstX
      const corner = input + <usize>firstY * rowStride + <usize>firstX * inputStride
      changetype<K>(i).window(corner, rows, rowStride, columns, inputStride, output, bytes)
      output += outputStride
    }
  }
}
