// What the kernels' specs share: blocks of memory, instructions and pseudo-random values.

import { Filter, INSTRUCTION_BYTES, Instruction, Pixelwise, SCRATCH_STRIDE_OFFSET } from '../lib/instructions'

let seed: u32 = 1

/** The top bits of a linear congruential generator. */
export function random(): u32 {
  seed = seed * 1664525 + 1013904223
  return seed >> 8
}

/** float32 in -1..1. */
export function randomFloat(): f32 {
  return <f32>(<i32>(random() & 0xffff) - 0x8000) / 0x8000
}

/** `bytes` random bytes that a kernel may read 64 bytes beyond. */
export function block(bytes: i32): usize {
  const at = heap.alloc(bytes + 64)
  for (let n = 0; n < bytes + 64; n++) store<u8>(at + n, <u8>random())
  return at
}

/** `count` random float32. */
export function floats(count: i32): usize {
  const at = block(count * 4)
  for (let n = 0; n < count + 16; n++) store<f32>(at + n * 4, randomFloat())
  return at
}

/** An instruction whose fields are all 0. */
export function instruction<T>(): T {
  const at = heap.alloc(INSTRUCTION_BYTES)
  memory.fill(at, 0, INSTRUCTION_BYTES)
  return changetype<T>(at)
}

/** The bytes from one thread's scratch to the next one's. */
export function setScratchStride(i: Instruction, bytes: i32): void {
  store<i32>(changetype<usize>(i) + SCRATCH_STRIDE_OFFSET, bytes)
}

/** The places of a pixelwise instruction's tensors. */
export function setPlaces(
  i: Pixelwise,
  input: usize,
  output: usize,
  pixels: i32,
  channels: i32,
  inputStride: i32,
  outputStride: i32,
): void {
  i.input = input
  i.output = output
  i.pixels = pixels
  i.channels = channels
  i.inputStride = inputStride
  i.outputStride = outputStride
}

/** A window of kernel x kernel positions. */
export function setWindow(i: Filter, kernel: i32, stride: i32, pad: i32): void {
  i.kernelHeight = kernel
  i.kernelWidth = kernel
  i.strideY = stride
  i.strideX = stride
  i.padTop = pad
  i.padLeft = pad
}
