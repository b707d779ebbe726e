// output[0] = first; output[1 + n] = input[n] + positions[indices[n]], n < tokens: each chosen patch gets its place, and
// the class token, which has had its own added by the host, stands before them. float32 views of `channels` channels;
// positions: [places][channels]. indices: int32, checked by the host; one too large would count as the last place.

import { start } from '../../threads/split'
import { address, word } from '../../lib/word'
import { sumRow } from '../pixelwise/rows'

export function embed_tokens_f32(i: usize, thread: i32, threads: i32): void {
  const tokens = word(i, 3)
  const bytes = <usize>word(i, 4) * 4
  const inputStride = <usize>word(i, 5)
  const outputStride = <usize>word(i, 6)
  const places = <u32>word(i, 7)
  const positions = address(i, 9)
  const indices = address(i, 10)
  const last = start(tokens + 1, thread + 1, threads)
  for (let t = start(tokens + 1, thread, threads); t < last; t++) {
    const to = address(i, 2) + <usize>t * outputStride
    if (t == 0) memory.copy(to, address(i, 8), bytes)
    else {
      const place = <usize>min(load<u32>(indices + <usize>(t - 1) * 4), places - 1)
      sumRow(address(i, 1) + <usize>(t - 1) * inputStride, positions + place * bytes, to, bytes)
    }
  }
}
