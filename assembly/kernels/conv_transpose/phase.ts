// A transposed convolution without the multiplication of zeros. Output (y, x) takes only the taps
// ky = (y + padTop) mod strideY, + strideY, ..., so the output falls into strideY * strideX phases.
// Each is an ordinary convolution of stride 1, whose results lie strideY rows and strideX pixels
// apart (polyphase decomposition).
//
// The phase that starts at output row y0 has r = (y0 + padTop) mod strideY and n =
// ceil((kernelHeight - r) / strideY) taps. With q = (y0 + padTop) / strideY, its output row y0 + m
// * strideY reads the input rows m + q - n + 1 .. m + q, so its padding before is n - 1 - q, which
// may be negative. Its tap t is the kernel's row r + (n - 1 - t) * strideY. Columns are alike.
//
// A phase without taps, of a kernel smaller than the stride, has one of weight 0. leastTapsX is 2
// where gather_bytes.ts would take a phase of a single tap for a convolution that needs no
// coordinates, and it does need them.

import { Filter } from '../../lib/instructions'

// @ts-ignore: decorator
@inline
export function phaseTaps(first: i32, pad: i32, kernel: i32, stride: i32, least: i32): i32 {
  const r = (first + pad) % stride
  return max((kernel - r + stride - 1) / stride, least)
}

/** How many outputs the phase has that starts at `first`, of `length` in all. */
// @ts-ignore: decorator
@inline
export function phaseSize(length: i32, first: i32, stride: i32): i32 {
  return (length - first + stride - 1) / stride
}

/** The phase's padding before the input. */
// @ts-ignore: decorator
@inline
export function phaseBefore(first: i32, pad: i32, taps: i32, stride: i32): i32 {
  return taps - 1 - (first + pad) / stride
}

/**
 * Writes the instruction of the phase that starts at output (y0, x0), for gather_bytes.ts and
 * gather_floats.ts. `record` is a copy of the instruction `i`.
 */
export function writePhase(i: Filter, leastTapsX: i32, record: Filter, y0: i32, x0: i32): void {
  const strideY = i.strideY
  const strideX = i.strideX
  const tapsY = phaseTaps(y0, i.padTop, i.kernelHeight, strideY, 1)
  const tapsX = phaseTaps(x0, i.padLeft, i.kernelWidth, strideX, leastTapsX)
  record.outputHeight = phaseSize(i.outputHeight, y0, strideY)
  record.outputWidth = phaseSize(i.outputWidth, x0, strideX)
  record.kernelHeight = tapsY
  record.kernelWidth = tapsX
  record.strideY = 1
  record.strideX = 1
  record.padTop = phaseBefore(y0, i.padTop, tapsY, strideY)
  record.padLeft = phaseBefore(x0, i.padLeft, tapsX, strideX)
}

/**
 * Writes where pixels first .. first + pixels - 1 of a phase lie, in bytes from the place of its
 * first pixel in the output.
 */
export function writeOffsets(i: Filter, record: Filter, first: i32, pixels: i32, offsets: usize): void {
  const width = record.outputWidth
  const step = i.strideX * i.outputStride
  const row = i.strideY * i.outputWidth * i.outputStride
  let x = first % width
  let at = (first / width) * row + x * step
  for (const end = offsets + ((<usize>pixels) << 2); offsets < end; offsets += 4) {
    store<i32>(offsets, at)
    at += step
    if (++x == width) {
      x = 0
      at += row - width * step
    }
  }
}
