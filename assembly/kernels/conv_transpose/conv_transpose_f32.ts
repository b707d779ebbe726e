// acc = bias[o]; then for (iy, ix, c) in order, over taps inside the kernel,
//   acc = acc + x[iy][ix][c] * weight[o][y + padTop - iy * strideY][x + padLeft - ix * strideX][c],
// where positions outside the input count as 0; y = max(acc, acc * slope);
// output[y][x][o] = clamp(y, low, high). NHWC float32 views, one group. phase.ts explains how
// phases avoid the multiplication of zeros.
//
// Weights are packed for each phase in turn, (y0, x0) row by row, as for conv_f32: [panel of 8
// channels][depth][8], depth = taps of the phase * inputChannels. The bias is [phase][channels
// padded to 8].
// Scratch: 128 + roundUp(block * 4, 64) + roundUp(block, 4) * depth * 4 + 64 bytes, for the deepest
// phase.
//
// Each multiplication and each addition rounds once, and each output channel has a lane of its own:
// every build gives the same bytes.

import { CHECKED, checkFilter, checkScratch } from '../../lib/checks'
import { ConvF32, ConvTransposeF32, Filter, INSTRUCTION_BYTES } from '../../lib/instructions'
import { scratchOf, start } from '../../threads/split'
import { multiplyScattered } from '../conv/float_tiles'
import { gatherFloats } from '../conv/gather_floats'
import { writeOffsets, writePhase } from './phase'

export function conv_transpose_f32(i: ConvTransposeF32, thread: i32, threads: i32): void {
  if (CHECKED) {
    checkFilter(i, 1, 4)
    checkScratch(i.scratch, i.block)
  }
  const inputChannels = i.inputChannels
  const outputChannels = i.outputChannels
  const panels = (outputChannels + 7) >> 3
  const block = i.block
  const scratch = scratchOf(i, i.scratch)
  const record = changetype<Filter>(scratch)
  const offsets = scratch + INSTRUCTION_BYTES
  const fields = offsets + ((<usize>block * 4 + 63) & ~63)
  const phasesY = min(i.strideY, i.outputHeight)
  const phasesX = min(i.strideX, i.outputWidth)
  // A tile reads words that stand where a convolution has them.
  const conv = changetype<ConvF32>(i)
  let weights = i.weights
  let bias = i.bias
  memory.copy(scratch, changetype<usize>(i), INSTRUCTION_BYTES)
  for (let y0 = 0; y0 < phasesY; y0++) {
    for (let x0 = 0; x0 < phasesX; x0++) {
      writePhase(i, i.leastTapsX, record, y0, x0)
      const depth = record.kernelHeight * record.kernelWidth * inputChannels
      const outputPixels = record.outputHeight * record.outputWidth
      const tiles = (outputPixels + 3) >> 2
      const byPixels = tiles >= panels || tiles >= 4 * threads
      const end = byPixels ? min(start(tiles, thread + 1, threads) * 4, outputPixels) : outputPixels
      const firstChannel = byPixels ? 0 : start(panels, thread, threads) * 8
      const endChannel = byPixels ? outputChannels : min(start(panels, thread + 1, threads) * 8, outputChannels)
      const output = i.output + <usize>(y0 * i.outputWidth + x0) * <usize>i.outputStride
      for (let first = byPixels ? start(tiles, thread, threads) * 4 : 0; first < end; first += block) {
        if (firstChannel >= endChannel) break
        const pixels = min(block, end - first)
        gatherFloats(record, i.input, first, pixels, fields)
        writeOffsets(i, record, first, pixels, offsets)
        for (let o = firstChannel; o < endChannel; o += 8) {
          const panelWeights = weights + <usize>(o >> 3) * <usize>depth * 32
          const bytes = <usize>min(8, outputChannels - o) * 4
          for (let p = 0; p < pixels; p += 4) {
            multiplyScattered(
              conv,
              panelWeights,
              fields + <usize>p * <usize>depth * 4,
              depth,
              bias + <usize>o * 4,
              output + <usize>o * 4,
              offsets + <usize>p * 4,
              min(4, pixels - p),
              bytes,
            )
          }
        }
      }
      weights += <usize>panels * <usize>depth * 32
      bias += <usize>panels * 32
    }
  }
}
