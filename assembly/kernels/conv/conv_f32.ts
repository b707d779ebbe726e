// acc = bias[o]; then for (ky, kx, c) in order
//   acc = acc + x[y * strideY - padTop + ky][x * strideX - padLeft + kx][c] * weight[o][ky][kx][c],
// where positions outside the input count as 0; y = max(acc, acc * slope);
// output[y][x][o] = clamp(y, low, high). NHWC float32 views; each group has inputChannels and
// outputChannels.
//
// For `block` output pixels at a time gather_floats.ts brings the fields of a group to scratch as
// [4 pixels][depth][4], depth = kernelHeight * kernelWidth * inputChannels, and pads them with
// zeros. Weights are packed as [group][panel of 8 channels][depth][8]. So a tile of 4 pixels x 8
// channels takes eight accumulators and six loads a step of depth. The block is walked panel by
// panel, so each panel's weights are read once a block.
// Scratch: roundUp(block, 4) * depth * 4 + 64 bytes.
//
// Each multiplication and each addition rounds once, and each output channel has a lane of its own:
// every build gives the same bytes. Sums may overflow to infinity, as float32 does.

import { CHECKED, checkFilter, checkScratch } from '../../lib/checks'
import { ConvF32 } from '../../lib/instructions'
import { scratchOf, start } from '../../threads/split'
import { multiplyTile } from './float_tiles'
import { gatherFloats } from './gather_floats'

/** [groups * outputChannels][depth] to [group][panel of 8][depth][8], padded with zeros. */
export function pack_conv_f32(source: usize, target: usize, outputChannels: i32, depth: i32, groups: i32): void {
  const filter = <usize>depth * 4
  for (let g = 0; g < groups; g++) {
    for (let first = 0; first < outputChannels; first += 8) {
      for (let d: usize = 0; d < filter; d += 4) {
        for (let o = first; o < first + 8; o++) {
          store<f32>(target, o < outputChannels ? load<f32>(source + <usize>o * filter + d) : 0)
          target += 4
        }
      }
    }
    source += <usize>outputChannels * filter
  }
}

export function conv_f32(i: ConvF32, thread: i32, threads: i32): void {
  if (CHECKED) {
    checkFilter(i, i.groups, 4)
    checkScratch(i.scratch, i.block)
  }
  const output = i.output
  const inputChannels = i.inputChannels
  const outputPixels = i.outputHeight * i.outputWidth
  const outputChannels = i.outputChannels
  const outputStride = <usize>i.outputStride
  const depth = i.kernelHeight * i.kernelWidth * inputChannels
  const groups = i.groups
  const scratch = scratchOf(i, i.scratch)
  const block = i.block
  const start4 = start((outputPixels + 3) >> 2, thread, threads) * 4
  const end = min(start((outputPixels + 3) >> 2, thread + 1, threads) * 4, outputPixels)
  const panelBytes = <usize>depth * 32
  const fieldBytes = <usize>depth * 16
  for (let g = 0; g < groups; g++) {
    for (let first = start4; first < end; first += block) {
      const pixels = min(block, end - first)
      gatherFloats(i, i.input + <usize>(g * inputChannels) * 4, first, pixels, scratch)
      let weights = i.weights + <usize>(g * ((outputChannels + 7) >> 3)) * panelBytes
      let bias = i.bias + <usize>(g * ((outputChannels + 7) & ~7)) * 4
      let to = output + <usize>first * outputStride + <usize>(g * outputChannels) * 4
      for (let o = 0; o < outputChannels; o += 8) {
        const bytes = <usize>min(8, outputChannels - o) * 4
        let fields = scratch
        let tile = to
        for (let p = 0; p < pixels; p += 4) {
          multiplyTile(i, weights, fields, depth, bias, tile, min(4, pixels - p), bytes)
          fields += fieldBytes
          tile += outputStride * 4
        }
        weights += panelBytes
        bias += 32
        to += 32
      }
    }
  }
}
