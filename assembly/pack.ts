// Weights to their kernel's layout, as the packing exports do it, but shared among threads by panels of 8 output channels: each
// is written whole by one share and depends on no other. `kind` says which export it is; the words behind it are that
// export's arguments, in its order. What Winograd's filters pass through is each thread's own.

import { scratchOf, start } from './threads/split'
import { address, word } from './lib/word'
import { pack_linear_s8, panelBytesOf } from './kernels/linear/linear_pack'
import { packStridedPanels } from './kernels/winograd/strided_winograd_s8'
import { packWinogradPanels } from './kernels/winograd/winograd_s8'

const WINOGRAD: i32 = 1
const STRIDED: i32 = 2
const LINEAR: i32 = 3

/** Fewer panels are not worth a share of their own. */
const LEAST_PANELS = 4

function channelsOf(i: usize): i32 {
  const kind = word(i, 1)
  return word(i, kind == WINOGRAD ? 6 : kind == STRIDED ? 5 : 4)
}

/** How many shares each of `threads` threads has. */
export function packShares(i: usize, threads: i32): i32 {
  return min(4, max(1, ((channelsOf(i) + 7) >> 3) / (threads * LEAST_PANELS)))
}

export function pack(i: usize, thread: i32, threads: i32): void {
  const kind = word(i, 1)
  const outputChannels = channelsOf(i)
  const panels = (outputChannels + 7) >> 3
  const first = start(panels, thread, threads)
  const end = start(panels, thread + 1, threads)
  if (first >= end) return
  const a = address(i, 2)
  const b = address(i, 3)
  const c = address(i, 4)
  if (kind == WINOGRAD) {
    const work = scratchOf(i, 10)
    packWinogradPanels(word(i, 2), b, c, address(i, 5), outputChannels, word(i, 7), word(i, 8), word(i, 9), work, first, end)
  } else if (kind == STRIDED) {
    packStridedPanels(a, b, c, outputChannels, word(i, 6), word(i, 7), word(i, 8), first, end)
  } else {
    const depth = word(i, 5)
    const limit = word(i, 6)
    const source = a + <usize>first * 8 * <usize>depth
    const channels = min(end * 8, outputChannels) - first * 8
    pack_linear_s8(source, b + <usize>first * panelBytesOf(depth, limit), channels, depth, limit)
  }
}
