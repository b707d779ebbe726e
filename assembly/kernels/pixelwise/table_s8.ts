// output[p][c] = table[input[p][c] + 128]: any function of one int8 value, as 256 int8 results.
// The quantiser made the table, so no exp() of this machine decides a byte. May work in place.
// Scalar in every build: a look-up of 256 entries takes 16 swizzles, which is no faster than 16 loads.

import { Table } from '../../lib/instructions'
import { start } from '../../threads/split'

export function table_s8(i: Table, thread: i32, threads: i32): void {
  const first = start(i.pixels, thread, threads)
  let pixels = start(i.pixels, thread + 1, threads) - first
  let channels = <usize>i.channels
  const inputStride = <usize>i.inputStride
  const outputStride = <usize>i.outputStride
  let input = i.input + <usize>first * inputStride
  let output = i.output + <usize>first * outputStride
  const table = i.table + 128
  if (inputStride == channels && outputStride == channels) {
    channels *= pixels
    pixels = 1
  }
  for (; pixels > 0; pixels--) {
    let from = input
    let to = output
    for (const end = from + (channels & ~3); from < end; from += 4) {
      const q = load<i32>(from)
      const low = <i32>load<u8>(table + <i8>q) | (<i32>load<u8>(table + <i8>(q >> 8)) << 8)
      const high = <i32>load<u8>(table + <i8>(q >> 16)) | (<i32>load<u8>(table + (q >> 24)) << 8)
      store<i32>(to, low | (high << 16))
      to += 4
    }
    for (const end = input + channels; from < end; from++) store<u8>(to++, load<u8>(table + load<i8>(from)))
    input += inputStride
    output += outputStride
  }
}
