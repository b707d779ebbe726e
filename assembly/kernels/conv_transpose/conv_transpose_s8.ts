// acc = foldedBias[o] + sum over (iy, ix, c) of x[iy][ix][c] * weight[o][y + padTop - iy * strideY][x + padLeft - ix *
// strideX][c], over taps inside the kernel; then multiplier, activation, clamp and rounding as in conv_s8, for int8 or
// float32 outputs. NHWC int8 views, one group. Phase by phase, see transposed_phase.ts: no zero is multiplied.
//
// Weights are packed for each phase in turn, (y0, x0) row by row, as conv_s8's: [panel of 8 channels][pair of
// depth][8][2] int16, depth = the phase's taps * inputChannels; so is foldedBias, [phase][channels padded to 8]:
// positions outside the input count as inputZeroPoint, which it takes back. Multipliers are one list for all phases.
// gather_s8 brings the receptive fields of `block` pixels at a time to scratch; a panel's weights are read once a block.
// Scratch: 128 + roundUp(block * 4, 64) + roundUp(block, 4) * ceil(depth / 2) * 4 + 64 bytes, of the deepest phase.
//
// Exact as conv_s8 is: the host proves that no sum leaves int32, over all taps at once.

import { ConvTranspose, Filter, INSTRUCTION_BYTES, OutputType } from '../../lib/instructions'
import { SIMD } from '../../lib/isa'
import { requantized, storeSum, storeSums } from '../../lib/requantize'
import { scratchOf, start } from '../../threads/split'
import { addDot, narrow, roundingOffset } from '../../lib/vector'
import { gather_s8 } from '../conv/gather_s8'
import { writeOffsets, writePhase } from './transposed_phase'

export function conv_transpose_s8(i: ConvTranspose, thread: i32, threads: i32): void {
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
  let weights = i.weights
  let bias = i.bias
  memory.copy(scratch, changetype<usize>(i), INSTRUCTION_BYTES)
  for (let y0 = 0; y0 < phasesY; y0++) {
    for (let x0 = 0; x0 < phasesX; x0++) {
      writePhase(i, i.leastTapsX, record, y0, x0)
      const pairs = <usize>((record.kernelHeight * record.kernelWidth * inputChannels + 1) >> 1)
      const outputPixels = record.outputHeight * record.outputWidth
      const tiles = (outputPixels + 3) >> 2
      // Panels are shared where a phase has too few pixels; then each thread gathers all of them.
      const byPixels = tiles >= panels || tiles >= 4 * threads
      const end = byPixels ? min(start(tiles, thread + 1, threads) * 4, outputPixels) : outputPixels
      const firstChannel = byPixels ? 0 : start(panels, thread, threads) * 8
      const endChannel = byPixels ? outputChannels : min(start(panels, thread + 1, threads) * 8, outputChannels)
      const output = i.output + <usize>(y0 * i.outputWidth + x0) * <usize>i.outputStride
      for (let first = byPixels ? start(tiles, thread, threads) * 4 : 0; first < end; first += block) {
        if (firstChannel >= endChannel) break
        const pixels = min(block, end - first)
        gather_s8(record, i.inputZeroPoint, i.input, first, pixels, fields, false)
        writeOffsets(i, record, first, pixels, offsets)
        for (let o = firstChannel; o < endChannel; o += 8) {
          panel(
            i,
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

/** `pixels` pixels, whose places stand in `offsets`, x one panel of 8 output channels, of which `channels` are stored. */
function panel(
  i: ConvTranspose,
  fields: usize,
  weights: usize,
  bias: usize,
  multipliers: usize,
  pairs: usize,
  to: usize,
  offsets: usize,
  pixels: i32,
  channels: i32,
): void {
  const zero = i.outputZeroPoint
  const slope = i.slope
  const low = <f32>(i.low - zero)
  const high = <f32>(i.high - zero)
  const type = i.outputType
  if (SIMD) {
    const s = f32x4.splat(slope)
    const l = f32x4.splat(low)
    const h = f32x4.splat(high)
    const offset = roundingOffset(zero)
    const wholeBytes = type == OutputType.int8 && channels == 8
    for (; pixels > 1; pixels -= 4) {
      let a0 = v128.load(bias)
      let a1 = v128.load(bias, 16)
      let b0 = a0
      let b1 = a1
      let c0 = a0
      let c1 = a1
      let d0 = a0
      let d1 = a1
      let w = weights
      for (const end = fields + pairs * 16; fields < end; fields += 16) {
        const w0 = v128.load(w)
        const w1 = v128.load(w, 16)
        let x = v128.load32_splat(fields)
        a0 = addDot(a0, x, w0)
        a1 = addDot(a1, x, w1)
        x = v128.load32_splat(fields, 4)
        b0 = addDot(b0, x, w0)
        b1 = addDot(b1, x, w1)
        x = v128.load32_splat(fields, 8)
        c0 = addDot(c0, x, w0)
        c1 = addDot(c1, x, w1)
        x = v128.load32_splat(fields, 12)
        d0 = addDot(d0, x, w0)
        d1 = addDot(d1, x, w1)
        w += 32
      }
      const m0 = v128.load(multipliers)
      const m1 = v128.load(multipliers, 16)
      if (pixels > 3 && wholeBytes) {
        const ab = narrow(
          requantized(a0, m0, s, l, h, offset),
          requantized(a1, m1, s, l, h, offset),
          requantized(b0, m0, s, l, h, offset),
          requantized(b1, m1, s, l, h, offset),
        )
        v128.store64_lane(to + load<u32>(offsets), ab, 0)
        v128.store64_lane(to + load<u32>(offsets, 4), ab, 1)
        const cd = narrow(
          requantized(c0, m0, s, l, h, offset),
          requantized(c1, m1, s, l, h, offset),
          requantized(d0, m0, s, l, h, offset),
          requantized(d1, m1, s, l, h, offset),
        )
        v128.store64_lane(to + load<u32>(offsets, 8), cd, 0)
        v128.store64_lane(to + load<u32>(offsets, 12), cd, 1)
      } else {
        storeSums(to + load<u32>(offsets), a0, a1, multipliers, s, l, h, offset, type, channels)
        storeSums(to + load<u32>(offsets, 4), b0, b1, multipliers, s, l, h, offset, type, channels)
        if (pixels > 2) storeSums(to + load<u32>(offsets, 8), c0, c1, multipliers, s, l, h, offset, type, channels)
        if (pixels > 3) storeSums(to + load<u32>(offsets, 12), d0, d1, multipliers, s, l, h, offset, type, channels)
      }
      offsets += 16
    }
    if (pixels == 1) {
      // The phases of a latent: one pixel each, and no use for three more.
      let a0 = v128.load(bias)
      let a1 = v128.load(bias, 16)
      for (const end = fields + pairs * 16; fields < end; fields += 16) {
        const x = v128.load32_splat(fields)
        a0 = addDot(a0, x, v128.load(weights))
        a1 = addDot(a1, x, v128.load(weights, 16))
        weights += 32
      }
      storeSums(to + load<u32>(offsets), a0, a1, multipliers, s, l, h, offset, type, channels)
    }
  } else {
    for (let p = 0; p < pixels; p++) {
      const field = fields + <usize>(p >> 2) * pairs * 16 + <usize>(p & 3) * 4
      for (let o: usize = 0; o < <usize>channels; o++) {
        let acc = load<i32>(bias + o * 4)
        let x = field
        let w = weights + o * 4
        for (let k: usize = 0; k < pairs; k++) {
          acc += <i32>load<i16>(x) * <i32>load<i16>(w) + <i32>load<i16>(x, 2) * <i32>load<i16>(w, 2)
          x += 16
          w += 32
        }
        storeSum(to + load<u32>(offsets), o, acc, load<f32>(multipliers + o * 4), slope, low, high, zero, type)
      }
      offsets += 4
    }
  }
}
