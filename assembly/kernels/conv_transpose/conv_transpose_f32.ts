// acc = bias[o]; acc = acc + x[iy][ix][c] * weight[o][y + padTop - iy * strideY][x + padLeft - ix * strideX][c] for
// (iy, ix, c) in order, over taps inside the kernel, positions outside the input count as 0; y = max(acc, acc *
// slope); output[y][x][o] = clamp(y, low, high). NHWC float32 views, one group. Phase by phase, see
// transposed_phase.ts: no zero is multiplied.
//
// Weights are packed for each phase in turn, (y0, x0) row by row, as conv_f32's: [panel of 8 channels][depth][8], depth =
// the phase's taps * inputChannels; bias is [phase][channels padded to 8].
// Scratch: 128 + roundUp(block * 4, 64) + roundUp(block, 4) * depth * 4 + 64 bytes, of the deepest phase.
//
// One rounding for each multiply and each add, a lane for each output channel: the same bytes in every build.

import { ConvTransposeF32, Filter, INSTRUCTION_BYTES } from '../../lib/instructions'
import { SIMD } from '../../lib/isa'
import { scratchOf, start } from '../../threads/split'
import { activate, activateV, storeFirst } from '../../lib/vector'
import { gather_f32 } from '../conv/gather_f32'
import { writeOffsets, writePhase } from './transposed_phase'

export function conv_transpose_f32(i: ConvTransposeF32, thread: i32, threads: i32): void {
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
        gather_f32(record, i.input, first, pixels, fields)
        writeOffsets(i, record, first, pixels, offsets)
        for (let o = firstChannel; o < endChannel; o += 8) {
          const panelWeights = weights + <usize>(o >> 3) * <usize>depth * 32
          const bytes = <usize>min(8, outputChannels - o) * 4
          for (let p = 0; p < pixels; p += 4) {
            multiply(
              i,
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

/** 4 pixels x 8 channels; stores `rows` pixels of `bytes` bytes where `offsets` says. */
function multiply(
  i: ConvTransposeF32,
  weights: usize,
  fields: usize,
  depth: i32,
  bias: usize,
  to: usize,
  offsets: usize,
  rows: i32,
  bytes: usize,
): void {
  const slope = i.slope
  const low = i.low
  const high = i.high
  if (SIMD) {
    let a0 = v128.load(bias)
    let a1 = v128.load(bias, 16)
    let b0 = a0
    let b1 = a1
    let c0 = a0
    let c1 = a1
    let d0 = a0
    let d1 = a1
    for (const end = fields + <usize>depth * 16; fields < end; fields += 16) {
      const w0 = v128.load(weights)
      const w1 = v128.load(weights, 16)
      let x = v128.load32_splat(fields)
      a0 = f32x4.add(a0, f32x4.mul(x, w0))
      a1 = f32x4.add(a1, f32x4.mul(x, w1))
      x = v128.load32_splat(fields, 4)
      b0 = f32x4.add(b0, f32x4.mul(x, w0))
      b1 = f32x4.add(b1, f32x4.mul(x, w1))
      x = v128.load32_splat(fields, 8)
      c0 = f32x4.add(c0, f32x4.mul(x, w0))
      c1 = f32x4.add(c1, f32x4.mul(x, w1))
      x = v128.load32_splat(fields, 12)
      d0 = f32x4.add(d0, f32x4.mul(x, w0))
      d1 = f32x4.add(d1, f32x4.mul(x, w1))
      weights += 32
    }
    const s = f32x4.splat(slope)
    const l = f32x4.splat(low)
    const h = f32x4.splat(high)
    storeRow(to + load<u32>(offsets), activateV(a0, s, l, h), activateV(a1, s, l, h), bytes)
    if (rows > 1) storeRow(to + load<u32>(offsets, 4), activateV(b0, s, l, h), activateV(b1, s, l, h), bytes)
    if (rows > 2) storeRow(to + load<u32>(offsets, 8), activateV(c0, s, l, h), activateV(c1, s, l, h), bytes)
    if (rows > 3) storeRow(to + load<u32>(offsets, 12), activateV(d0, s, l, h), activateV(d1, s, l, h), bytes)
  } else {
    for (let p = 0; p < rows; p++) {
      for (let b: usize = 0; b < bytes; b += 4) {
        let acc = load<f32>(bias + b)
        let x = fields
        let weight = weights + b
        for (let d = 0; d < depth; d++) {
          acc += load<f32>(x) * load<f32>(weight)
          x += 16
          weight += 32
        }
        store<f32>(to + load<u32>(offsets) + b, activate(acc, slope, low, high))
      }
      fields += 4
      offsets += 4
    }
  }
}

// @ts-ignore: decorator
@inline
function storeRow(at: usize, low: v128, high: v128, bytes: usize): void {
  storeFirst(at, low, bytes)
  if (bytes > 16) storeFirst(at + 16, high, bytes - 16)
}
