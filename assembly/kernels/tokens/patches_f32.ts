// output[n] = the pixels of patch indices[n], row by row, channels innermost: [patch][patch][channels] float32.
// Patches of patch x patch pixels lie side by side, `columns` to a row; numbered row by row, `places` in all. Only the
// `tokens` patches that `indices` (int32) names are read. Input: a float32 picture of `width` pixels a row of `channels`
// channels. The host has checked the indices; one that is too large would count as the last patch.

import { start } from '../../threads/split'
import { address, word } from '../../lib/word'

export function patches_f32(i: usize, thread: i32, threads: i32): void {
  const outputStride = <usize>word(i, 4)
  const pixelStride = <usize>word(i, 5)
  const rowStride = <usize>word(i, 6) * pixelStride
  const patch = <usize>word(i, 7)
  const columns = word(i, 8)
  const places = <u32>word(i, 9)
  const indices = address(i, 10)
  const pixelBytes = <usize>word(i, 11) * 4
  const last = start(word(i, 3), thread + 1, threads)
  for (let n = start(word(i, 3), thread, threads); n < last; n++) {
    const place = <i32>min(load<u32>(indices + <usize>n * 4), places - 1)
    const row = <usize>(place / columns) * patch
    const column = <usize>(place % columns) * patch
    let from = address(i, 1) + row * rowStride + column * pixelStride
    let to = address(i, 2) + <usize>n * outputStride
    for (let y: usize = 0; y < patch; y++) {
      copyPixels(from, pixelStride, to, pixelBytes, patch)
      from += rowStride
      to += patch * pixelBytes
    }
  }
}

function copyPixels(from: usize, stride: usize, to: usize, bytes: usize, pixels: usize): void {
  if (stride == bytes) {
    memory.copy(to, from, pixels * bytes)
    return
  }
  for (; pixels > 0; pixels--) {
    memory.copy(to, from, bytes)
    from += stride
    to += bytes
  }
}
