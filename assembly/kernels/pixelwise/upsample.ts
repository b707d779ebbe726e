// output[y][x][b] = input[y / scale][x / scale][b]: nearest neighbour, any type, `pixelBytes` bytes
// a pixel. The input is inputHeight x inputWidth, and the output is `scale` times that in both
// directions. Views must not overlap. No arithmetic, no padding.

import { CHECKED, checkView } from '../../lib/checks'
import { Upsample } from '../../lib/instructions'
import { start } from '../../threads/split'
import { copyBytes } from './copy'

export function upsample(i: Upsample, thread: i32, threads: i32): void {
  if (CHECKED) {
    checkView(i.input, i.inputStride, i.pixelBytes, 1)
    checkView(i.output, i.outputStride, i.pixelBytes, 1)
    assert(i.scale > 0, 'the scale is none')
  }
  const first = start(i.inputHeight, thread, threads)
  const end = start(i.inputHeight, thread + 1, threads)
  const inputWidth = i.inputWidth
  const bytes = <usize>i.pixelBytes
  const inputStride = <usize>i.inputStride
  const outputStride = <usize>i.outputStride
  const scale = i.scale
  const outputRow = <usize>(inputWidth * scale) * outputStride
  let input = i.input + <usize>(first * inputWidth) * inputStride
  let output = i.output + <usize>(first * scale) * outputRow
  for (let y = first; y < end; y++) {
    for (let x = 0; x < inputWidth; x++) {
      for (let sy = 0; sy < scale; sy++) {
        let to = output + <usize>sy * outputRow
        for (let sx = 0; sx < scale; sx++) {
          copyBytes(input, to, bytes)
          to += outputStride
        }
      }
      input += inputStride
      output += <usize>scale * outputStride
    }
    output += <usize>(scale - 1) * outputRow
  }
}
