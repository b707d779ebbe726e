// The packing exports as instructions, so that threads share the work. A share packs whole panels
// of 8 output channels; no panel depends on another. The fields are the arguments of the export of
// the same name.

import { pack_linear_s8, panelBytesOf } from './kernels/linear/pack'
import { packStridedPanels } from './kernels/winograd/strided_winograd_s8'
import { packWinogradPanels } from './kernels/winograd/winograd_s8'
import { PackLinear, PackStrided, PackWinograd } from './lib/instructions'
import { scratchOf, start } from './threads/split'

/** A share of fewer panels costs more than it spares. */
const LEAST_PANELS = 4

/** How many shares each of `threads` threads has. */
export function packShares(outputChannels: i32, threads: i32): i32 {
  return min(4, max(1, ((outputChannels + 7) >> 3) / (threads * LEAST_PANELS)))
}

export function pack_winograd(i: PackWinograd, thread: i32, threads: i32): void {
  const panels = (i.outputChannels + 7) >> 3
  const first = start(panels, thread, threads)
  const end = start(panels, thread + 1, threads)
  // Each thread transforms filters in a place of its own.
  const work = scratchOf(i, i.work)
  packWinogradPanels(
    i.size,
    i.source,
    i.foldedBias,
    i.target,
    i.outputChannels,
    i.channels,
    i.chunk,
    i.product,
    work,
    first,
    end,
  )
}

export function pack_strided(i: PackStrided, thread: i32, threads: i32): void {
  const panels = (i.outputChannels + 7) >> 3
  const first = start(panels, thread, threads)
  const end = start(panels, thread + 1, threads)
  packStridedPanels(i.source, i.foldedBias, i.target, i.outputChannels, i.channels, i.chunk, i.product, first, end)
}

export function pack_linear(i: PackLinear, thread: i32, threads: i32): void {
  const panels = (i.outputChannels + 7) >> 3
  const first = start(panels, thread, threads)
  const end = start(panels, thread + 1, threads)
  if (first >= end) return
  const source = i.source + <usize>first * 8 * <usize>i.depth
  const target = i.target + <usize>first * panelBytesOf(i.depth, i.limit)
  pack_linear_s8(source, target, min(end * 8, i.outputChannels) - first * 8, i.depth, i.limit)
}
