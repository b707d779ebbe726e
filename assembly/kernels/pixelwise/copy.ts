// output[p][b] = input[p][b]: `pixels` pixels of `pixelBytes` bytes, from view to view, any type.
// Views must not overlap. Reads up to 15 bytes beyond a pixel, and writes none. No arithmetic, no
// padding.

import { CHECKED, checkView } from '../../lib/checks'
import { Copy } from '../../lib/instructions'
import { SIMD } from '../../lib/isa'
import { storeFirst } from '../../lib/vector'
import { start } from '../../threads/split'

export function copy(i: Copy, thread: i32, threads: i32): void {
  if (CHECKED) {
    checkView(i.input, i.inputStride, i.pixelBytes, 1)
    checkView(i.output, i.outputStride, i.pixelBytes, 1)
  }
  const first = start(i.pixels, thread, threads)
  let pixels = start(i.pixels, thread + 1, threads) - first
  let bytes = <usize>i.pixelBytes
  const inputStride = <usize>i.inputStride
  const outputStride = <usize>i.outputStride
  let input = i.input + <usize>first * inputStride
  let output = i.output + <usize>first * outputStride
  if (inputStride == bytes && outputStride == bytes) {
    bytes *= pixels
    pixels = 1
  }
  for (; pixels > 0; pixels--) {
    copyBytes(input, output, bytes)
    input += inputStride
    output += outputStride
  }
}

/** memory.copy would be a call out of the engine, which costs more than a pixel. */
export function copyBytes(from: usize, to: usize, bytes: usize): void {
  if (SIMD) {
    for (; bytes >= 16; bytes -= 16) {
      v128.store(to, v128.load(from))
      from += 16
      to += 16
    }
    if (bytes) storeFirst(to, v128.load(from), bytes)
  } else {
    for (; bytes >= 8; bytes -= 8) {
      store<u64>(to, load<u64>(from))
      from += 8
      to += 8
    }
    for (; bytes; bytes--) store<u8>(to++, load<u8>(from++))
  }
}
