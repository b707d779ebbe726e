// output[0] = input[0] + positions[0]; output[1 + p] = input[1 + n] + positions[1 + p] where indices[n] = p, and
// mask + positions[1 + p] where no index is p: the encoder's tokens go back to their places, the mask token fills the
// rest. float32 views of `channels` channels; n < tokens, p < places; positions: [1 + places][channels].
// indices: int32, checked by the host; one too large would be left out.

import { ScatterTokens } from '../../lib/instructions'
import { start } from '../../threads/split'
import { sumRow } from './rows'

export function scatter_tokens_f32(i: ScatterTokens, thread: i32, threads: i32): void {
  const input = i.input
  const tokens = i.tokens
  const bytes = <usize>i.channels * 4
  const inputStride = <usize>i.inputStride
  const outputStride = <usize>i.outputStride
  const places = i.places
  const mask = i.mask
  const positions = i.positions
  const indices = i.indices
  // Rows of the output are shared out: a thread fills its own, then puts there the tokens that belong there.
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
