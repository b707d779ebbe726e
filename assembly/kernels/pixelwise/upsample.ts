// output[y][x][b] = input[y / scale][x / scale][b]: nearest neighbour, any type, `pixelBytes` bytes a pixel.
// Input is inputHeight x inputWidth, output `scale` times that in both directions. Views must not overlap.
// No arithmetic, no padding.

import { start } from '../../threads/split'
import { address, word } from '../../lib/word'
import { copyBytes } from './copy'

export function upsample(i: usize, thread: i32, threads: i32): void {
  const first = start(word(i, 3), thread, threads)
  const end = start(word(i, 3), thread + 1, threads)
  const inputWidth = word(i, 4)
  const bytes = <usize>word(i, 5)
  const inputStride = <usize>word(i, 6)
  const outputStride = <usize>word(i, 7)
  const scale = word(i, 8)
  const outputRow = <usize>(inputWidth * scale) * outputStride
  let input = address(i, 1) + <usize>(first * inputWidth) * inputStride
  let output = address(i, 2) + <usize>(first * scale) * outputRow
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
