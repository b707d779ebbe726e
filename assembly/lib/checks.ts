// What the host promises of an instruction. A debug build, which the as-pect tests run, asserts it:
// `if (CHECKED) checkFilter(i, 1)`. Release builds are compiled with noAssert and hold none of it.

import { Attention, Filter, Linear, NARROW_LIMIT, Pixelwise, Pool, WIDE_LIMIT, Winograd } from './instructions'

/** Whether this is a debug build. */
export const CHECKED: bool = !ASC_NO_ASSERT

/** A view of pixels of `bytes` bytes, whose elements have `elementBytes`. */
export function checkView(address: usize, stride: i32, bytes: i32, elementBytes: i32): void {
  assert(address != 0, 'a view has no address')
  assert(bytes > 0 && stride >= bytes, 'a pixel does not fit its stride')
  assert(elementBytes == 1 || ((<i32>address | stride) & 3) == 0, 'float32 are not aligned')
}

/** Packed constants, which are aligned for vectors. */
export function checkConstants(address: usize): void {
  assert(address != 0 && (address & 15) == 0, 'constants are missing or not aligned')
}

/** Scratch, and the `block` of units that the kernel works on at a time. */
export function checkScratch(address: usize, block: i32): void {
  assert(address != 0 && (address & 15) == 0, 'scratch is missing or not aligned')
  assert(block > 0, 'a block is empty')
}

/** What convolutions and transposed ones have in common, of inputs of `elementBytes`. */
export function checkFilter(i: Filter, groups: i32, elementBytes: i32): void {
  assert(groups > 0, 'there is no group')
  checkView(i.input, i.inputStride, groups * i.inputChannels * elementBytes, elementBytes)
  checkView(i.output, i.outputStride, groups * i.outputChannels, 1)
  checkConstants(i.weights)
  checkConstants(i.bias)
  if (elementBytes == 1) checkConstants(i.multipliers)
  assert(min(i.inputHeight, i.inputWidth) > 0 && min(i.outputHeight, i.outputWidth) > 0, 'a side is empty')
  assert(min(i.kernelHeight, i.kernelWidth) > 0 && min(i.strideY, i.strideX) > 0, 'a window is empty')
  assert(i.padTop >= 0 && i.padTop < i.kernelHeight, 'a window lies above the input')
  assert(i.padLeft >= 0 && i.padLeft < i.kernelWidth, 'a window lies left of the input')
}

/** The clamp of an int8 output. */
export function checkInt8(zeroPoint: i32, low: i32, high: i32): void {
  assert(zeroPoint >= -128 && zeroPoint <= 127, 'a zero point is no int8')
  assert(low >= -128 && low <= high && high <= 127, 'a bound is no int8')
}

export function checkWinograd(i: Winograd): void {
  checkView(i.input, i.inputStride, i.inputChannels, 1)
  checkView(i.output, i.outputStride, i.outputChannels, 1)
  assert(i.outputRowStride >= i.outputStride * i.outputWidth, 'a row does not fit its stride')
  checkConstants(i.weights)
  checkConstants(i.multipliers)
  checkScratch(i.scratch, i.block)
  checkInt8(i.outputZeroPoint, i.low, i.high)
  assert(i.chunk > 0, 'a chunk is empty')
}

/** Values of `inputBytes` and `outputBytes`. */
export function checkPixelwise(i: Pixelwise, inputBytes: i32, outputBytes: i32): void {
  assert(i.pixels > 0, 'there are no pixels')
  checkView(i.input, i.inputStride, i.channels * inputBytes, inputBytes)
  checkView(i.output, i.outputStride, i.channels * outputBytes, outputBytes)
}

/** Every window has a position inside the input. */
export function checkPool(i: Pool, elementBytes: i32): void {
  checkView(i.input, i.inputStride, i.channels * elementBytes, elementBytes)
  checkView(i.output, i.outputStride, i.channels * elementBytes, elementBytes)
  assert(min(i.strideY, i.strideX) > 0, 'a window does not move')
  assert(i.padTop < i.kernelHeight && i.padLeft < i.kernelWidth, 'the first window lies outside')
  assert((i.outputHeight - 1) * i.strideY - i.padTop < i.inputHeight, 'the last row of windows lies outside')
  assert((i.outputWidth - 1) * i.strideX - i.padLeft < i.inputWidth, 'the last column of windows lies outside')
}

export function checkLinear(i: Linear): void {
  checkView(i.input, i.inputStride, i.inputChannels * 4, 4)
  checkView(i.output, i.outputStride, i.outputChannels * 4, 4)
  checkConstants(i.weights)
  checkConstants(i.bias)
  checkConstants(i.scales)
  checkScratch(i.scratch, i.block)
  assert(i.limit == WIDE_LIMIT || i.limit == NARROW_LIMIT, 'the limit is neither of 8 bits nor of 7')
  assert(i.inputChannels < 1 << 17, 'a sum may leave int32')
  if (i.seven == 0) return
  assert((i.inputChannels & 15) == 0 && (i.outputChannels & 31) == 0, 'the seven products need whole panels')
}

export function checkAttention(i: Attention): void {
  const bytes = i.heads * i.headChannels * 4
  assert(i.tokens > 0, 'there are no tokens')
  checkView(i.input, i.inputStride, bytes * 3, 4)
  checkView(i.output, i.outputStride, bytes, 4)
  checkScratch(i.scratch, 1)
}
