// A transposed convolution without multiplying zeros: output (y, x) takes only the taps ky = (y + padTop) mod strideY,
// + strideY, ..., so the output falls into strideY * strideX phases, each an ordinary convolution of stride 1 whose
// results lie strideY rows and strideX pixels apart (polyphase decomposition). For the phase that starts at output
// row y0: r = (y0 + padTop) mod strideY, taps n = ceil((kernelHeight - r) / strideY), and output row y0 + m * strideY
// reads the input rows m + q - n + 1 .. m + q, q = (y0 + padTop) / strideY: padding n - 1 - q before, maybe negative.
// Its tap t is the kernel's row r + (n - 1 - t) * strideY. Columns alike.
//
// A phase without taps (kernel smaller than stride) has one, of weight 0. leastTapsX (field 20) is 2 where a phase of a
// single tap would otherwise be taken by gather_s8 for a convolution that needs no coordinates, and is none.

import { word } from '../../lib/word'

/** Bytes of a phase's instruction at the start of scratch. */
export const RECORD_BYTES: usize = 128

// @ts-ignore: decorator
@inline
export function phaseTaps(first: i32, pad: i32, kernel: i32, stride: i32, least: i32): i32 {
  const r = (first + pad) % stride
  return max((kernel - r + stride - 1) / stride, least)
}

/** Outputs of the phase that starts at `first`, of `length` in all. */
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
 * Writes the instruction of the phase that starts at output (y0, x0), as gather_s8 and gather_f32 read it. `record` is
 * a copy of the instruction `i`.
 */
export function writePhase(i: usize, record: usize, y0: i32, x0: i32): void {
  const strideY = word(i, 16)
  const strideX = word(i, 17)
  const tapsY = phaseTaps(y0, word(i, 18), word(i, 14), strideY, 1)
  const tapsX = phaseTaps(x0, word(i, 19), word(i, 15), strideX, word(i, 20))
  store<i32>(record, phaseSize(word(i, 10), y0, strideY), 40)
  store<i32>(record, phaseSize(word(i, 11), x0, strideX), 44)
  store<i32>(record, tapsY, 56)
  store<i32>(record, tapsX, 60)
  store<i32>(record, 1, 64)
  store<i32>(record, 1, 68)
  store<i32>(record, phaseBefore(y0, word(i, 18), tapsY, strideY), 72)
  store<i32>(record, phaseBefore(x0, word(i, 19), tapsX, strideX), 76)
}

/** Where pixels first .. first + pixels - 1 of a phase lie, in bytes from its first pixel's place in the output. */
export function writeOffsets(i: usize, record: usize, first: i32, pixels: i32, offsets: usize): void {
  const width = word(record, 11)
  const step = word(i, 17) * word(i, 13)
  const row = word(i, 16) * word(i, 11) * word(i, 13)
  let x = first % width
  let at = (first / width) * row + x * step
  for (const end = offsets + (<usize>pixels << 2); offsets < end; offsets += 4) {
    store<i32>(offsets, at)
    at += step
    if (++x == width) {
      x = 0
      at += row - width * step
    }
  }
}
