// output[0] = first; output[1 + n] = input[n] + positions[indices[n]] for n < tokens. Each chosen
// patch gets its place, and the class token, to which the host has added its own, stands before
// them. float32 views of `channels` channels; positions are [places][channels]. The host has
// checked the indices, which are int32; one that is too large would count as the last place.

import { CHECKED, checkConstants, checkView } from '../../lib/checks'
import { EmbedTokens } from '../../lib/instructions'
import { start } from '../../threads/split'
import { sumRow } from './rows'

export function embed_tokens_f32(i: EmbedTokens, thread: i32, threads: i32): void {
  if (CHECKED) {
    checkView(i.input, i.inputStride, i.channels * 4, 4)
    checkView(i.output, i.outputStride, i.channels * 4, 4)
    checkConstants(i.first)
    checkConstants(i.positions)
    assert(i.tokens <= i.places, 'more tokens than places')
  }
  const tokens = i.tokens
  const bytes = <usize>i.channels * 4
  const inputStride = <usize>i.inputStride
  const outputStride = <usize>i.outputStride
  const places = <u32>i.places
  const positions = i.positions
  const indices = i.indices
  const last = start(tokens + 1, thread + 1, threads)
  for (let t = start(tokens + 1, thread, threads); t < last; t++) {
    const to = i.output + <usize>t * outputStride
    if (t == 0) memory.copy(to, i.first, bytes)
    else {
      const place = <usize>min(load<u32>(indices + <usize>(t - 1) * 4), places - 1)
      sumRow(i.input + <usize>(t - 1) * inputStride, positions + place * bytes, to, bytes)
    }
  }
}
