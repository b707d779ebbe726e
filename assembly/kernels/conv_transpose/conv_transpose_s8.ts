// acc = foldedBias[o] + sum over (iy, ix, c), over taps inside the kernel, of
//   x[iy][ix][c] * weight[o][y + padTop - iy * strideY][x + padLeft - ix * strideX][c];
// then multiplier, activation, clamp and rounding as in conv_s8, for int8 or float32 outputs. NHWC
// int8 views, one group. phase.ts explains how phases avoid the multiplication of zeros.
//
// Weights are packed for each phase in turn, (y0, x0) row by row, as for conv_s8: [panel of 8
// channels][pair of depth][8][2] int16, depth = taps of the phase * inputChannels. foldedBias is
// [phase][channels padded to 8]: positions outside the input count as inputZeroPoint, which it
// takes back. All phases have the same multipliers. gather_bytes.ts brings the fields of `block`
// pixels at a time to scratch, and each panel's weights are read once a block.
// Scratch: 128 + roundUp(block * 4, 64) + roundUp(block, 4) * ceil(depth / 2) * 4 + 64 bytes, for
// the deepest phase.
//
// Exact as conv_s8 is: the host proves that no sum leaves int32, over all taps at once.

import { CHECKED, checkFilter, checkInt8, checkScratch } from '../../lib/checks'
import { Conv, ConvTranspose, Filter, INSTRUCTION_BYTES, OutputType, requireOutputType } from '../../lib/instructions'
import { scratchOf, start } from '../../threads/split'
import { gatherBytes } from '../conv/gather_bytes'
import { scatteredPanel } from '../conv/panels'
import { writeOffsets, writePhase } from './phase'

export function conv_transpose_s8(i: ConvTranspose, thread: i32, threads: i32): void {
  if (CHECKED) {
    checkFilter(i, 1, 1)
    checkScratch(i.scratch, i.block)
    checkInt8(i.outputZeroPoint, i.low, i.high)
  }
  requireOutputType(i.outputType)
  const inputChannels = i.inputChannels
  const outputChannels = i.outputChannels
  const panels = (outputChannels + 7) >> 3
  const size: usize = i.outputType == OutputType.float32 ? 4 : 1
  const block = i.block
  const scratch = scratchOf(i, i.scratch)
  const record = changetype<Filter>(scratch)
  const offsets = scratch + INSTRUCTION_BYTES
  const fields = offsets + ((<usize>block * 4 + 63) & ~63)
  const phasesY = min(i.strideY, i.outputHeight)
  const phasesX = min(i.strideX, i.outputWidth)
  // A panel reads words that stand where a convolution has them.
  const conv = changetype<Conv>(i)
  let weights = i.weights
  let bias = i.bias
  memory.copy(scratch, changetype<usize>(i), INSTRUCTION_BYTES)
  for (let y0 = 0; y0 < phasesY; y0++) {
    for (let x0 = 0; x0 < phasesX; x0++) {
      writePhase(i, i.leastTapsX, record, y0, x0)
      const pairs = <usize>((record.kernelHeight * record.kernelWidth * inputChannels + 1) >> 1)
      const outputPixels = record.outputHeight * record.outputWidth
      const tiles = (outputPixels + 3) >> 2
      // Threads share panels where a phase has too few pixels. Then each thread gathers all of
      // them.
      const byPixels = tiles >= panels || tiles >= 4 * threads
      const end = byPixels ? min(start(tiles, thread + 1, threads) * 4, outputPixels) : outputPixels
      const firstChannel = byPixels ? 0 : start(panels, thread, threads) * 8
      const endChannel = byPixels ? outputChannels : min(start(panels, thread + 1, threads) * 8, outputChannels)
      const output = i.output + <usize>(y0 * i.outputWidth + x0) * <usize>i.outputStride
      for (let first = byPixels ? start(tiles, thread, threads) * 4 : 0; first < end; first += block) {
        if (firstChannel >= endChannel) break
        const pixels = min(block, end - first)
        gatherBytes(record, i.inputZeroPoint, i.input, first, pixels, fields, false)
        writeOffsets(i, record, first, pixels, offsets)
        for (let o = firstChannel; o < endChannel; o += 8) {
          scatteredPanel(
            conv,
            fields,
            weights + <usize>(o >> 3) * pairs * 32,
            bias + <usize>o * 4,
            i.multipliers + <usize>o * 4,
            pairs,
            output + <usize>o * size,
            offsets,
            pixels,
            min(8, outputChannels - o),
          )
        }
      }
      weights += <usize>panels * pairs * 32
      bias += <usize>panels * 32
    }
  }
}
