// output[0] = input[0] + positions[0]; output[1 + p] = input[1 + n] + positions[1 + p] where
// indices[n] = p, and mask + positions[1 + p] where no index is p. The encoder's tokens go back to
// their places, and the mask token fills the rest. float32 views of `channels` channels; n <
// tokens, p < places; positions are [1 + places][channels]. The host has checked the indices, which
// are int32; one that is too large would be left out.

import { CHECKED, checkConstants, checkView } from '../../lib/checks'
import { ScatterTokens } from '../../lib/instructions'
import { start } from '../../threads/split'
import { sumRow } from './rows'

export function scatter_tokens_f32(i: ScatterTokens, thread: i32, threads: i32): void {
  if (CHECKED) {
    checkView(i.input, i.inputStride, i.channels * 4, 4)
    checkView(i.output, i.outputStride, i.channels * 4, 4)
    checkConstants(i.mask)
    checkConstants(i.positions)
    assert(i.tokens <= i.places, 'more tokens than places')
  }
  const input = i.input
  const tokens = i.tokens
  const bytes = <usize>i.channels * 4
  const inputStride = <usize>i.inputStride
  const outputStride = <usize>i.outputStride
  const places = i.places
  const mask = i.mask
  const positions = i.positions
  const indices = i.indices
  // Threads share the output's rows: each fills its own, and then stores the tokens that belong
  // there.
  const first = start(places + 1, thread, threads)
  const last = start(places + 1, thread + 1, threads)
  for (let t = first; t < last; t++) {
    const from = t == 0 ? input : mask
    sumRow(from, positions + <usize>t * bytes, i.output + <usize>t * outputStride, bytes)
  }
  for (let n = 0; n < tokens; n++) {
    const t = load<i32>(indices + <usize>n * 4) + 1
    if (t < first || t >= last) continue
    const from = input + <usize>(1 + n) * inputStride
    sumRow(from, positions + <usize>t * bytes, i.output + <usize>t * outputStride, bytes)
  }
}
