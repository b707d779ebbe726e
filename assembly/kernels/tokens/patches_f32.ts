// output[n] = the pixels of patch indices[n], row by row, channels innermost:
// [patch][patch][channels] float32. Patches of patch x patch pixels lie side by side, `columns` to
// a row, and are numbered row by row, `places` in all. Only the `tokens` patches that `indices`
// (int32) names are read. The input is a float32 picture of inputWidth pixels a row, of `channels`
// channels. The host has checked the indices; one that is too large would count as the last patch.

import { CHECKED, checkView } from '../../lib/checks'
import { Patches } from '../../lib/instructions'
import { start } from '../../threads/split'

export function patches_f32(i: Patches, thread: i32, threads: i32): void {
  if (CHECKED) {
    checkView(i.input, i.inputStride, i.channels * 4, 4)
    checkView(i.output, i.outputStride, i.patch * i.patch * i.channels * 4, 4)
    assert(i.tokens <= i.places && i.columns > 0, 'more patches than places')
  }
  const outputStride = <usize>i.outputStride
  const pixelStride = <usize>i.inputStride
  const rowStride = <usize>i.inputWidth * pixelStride
  const patch = <usize>i.patch
  const columns = i.columns
  const places = <u32>i.places
  const indices = i.indices
  const pixelBytes = <usize>i.channels * 4
  const last = start(i.tokens, thread + 1, threads)
  for (let n = start(i.tokens, thread, threads); n < last; n++) {
    const place = <i32>min(load<u32>(indices + <usize>n * 4), places - 1)
    const row = <usize>(place / columns) * patch
    const column = <usize>(place % columns) * patch
    let from = i.input + row * rowStride + column * pixelStride
    let to = i.output + <usize>n * outputStride
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
