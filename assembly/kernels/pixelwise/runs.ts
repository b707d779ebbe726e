// The walk of a pixelwise kernel over its pixels. Where no view has gaps, the pixels of a thread
// are one run of values, and the kernel's loop is entered once. Threads share the pixels.

import { Add, Pixelwise } from '../../lib/instructions'
import { start } from '../../threads/split'

/**
 * Calls K's method `run(from, to, values)` for each run of values, of `inputBytes` and
 * `outputBytes` each. K is a class over the instruction.
 */
// @ts-ignore: decorator
@inline
export function eachRun<K>(i: Pixelwise, inputBytes: usize, outputBytes: usize, thread: i32, threads: i32): void {
  const first = start(i.pixels, thread, threads)
  let pixels = start(i.pixels, thread + 1, threads) - first
  let values = <usize>i.channels
  const inputStride = <usize>i.inputStride
  const outputStride = <usize>i.outputStride
  let input = i.input + <usize>first * inputStride
  let output = i.output + <usize>first * outputStride
  if (inputStride == values * inputBytes && outputStride == values * outputBytes) {
    values *= pixels
    pixels = 1
  }
  for (; pixels > 0; pixels--) {
    changetype<K>(i).run(input, output, values)
    input += inputStride
    output += outputStride
  }
}

/**
 * The same for two inputs of the output's type, of `valueBytes` a value: calls `run(a, b, to,
 * values)`.
 */
// @ts-ignore: decorator
@inline
export function eachPair<K>(i: Add, valueBytes: usize, thread: i32, threads: i32): void {
  const first = start(i.pixels, thread, threads)
  let pixels = start(i.pixels, thread + 1, threads) - first
  let values = <usize>i.channels
  const bytes = values * valueBytes
  const strideA = <usize>i.strideA
  const strideB = <usize>i.strideB
  const outputStride = <usize>i.outputStride
  let inputA = i.inputA + <usize>first * strideA
  let inputB = i.inputB + <usize>first * strideB
  let output = i.output + <usize>first * outputStride
  if (strideA == bytes && strideB == bytes && outputStride == bytes) {
    values *= pixels
    pixels = 1
  }
  for (; pixels > 0; pixels--) {
    changetype<K>(i).run(inputA, inputB, output, values)
    inputA += strideA
    inputB += strideB
    output += outputStride
  }
}
