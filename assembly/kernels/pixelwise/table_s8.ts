// output[p][c] = table[input[p][c] + 128]: any function of one int8 value, as 256 results of int8.
// The quantiser made the table, so no exp() of this machine decides a byte. May work in place.
// Scalar in every build: a look-up of 256 entries takes 16 swizzles, which is no faster than 16
// loads.

import { CHECKED, checkPixelwise } from '../../lib/checks'
import { Table } from '../../lib/instructions'
import { eachRun } from './runs'

export function table_s8(i: Table, thread: i32, threads: i32): void {
  if (CHECKED) checkPixelwise(i, 1, 1)
  eachRun<Lookup>(i, 1, 1, thread, threads)
}

@unmanaged
class Lookup extends Table {
  // @ts-ignore: decorator
  @inline
  run(from: usize, to: usize, count: usize): void {
    const table = this.table + 128
    const end = from + count
    for (const fours = from + (count & ~3); from < fours; from += 4) {
      const q = load<i32>(from)
      const low = <i32>load<u8>(table + <i8>q) | ((<i32>load<u8>(table + <i8>(q >> 8))) << 8)
      const high = <i32>load<u8>(table + <i8>(q >> 16)) | ((<i32>load<u8>(table + (q >> 24))) << 8)
      store<i32>(to, low | (high << 16))
      to += 4
    }
    for (; from < end; from++) store<u8>(to++, load<u8>(table + load<i8>(from)))
  }
}
