// output[n] = input[offset + sum of k_d * s_d]: the elements of the output in their order. k runs
// through the loops `loop0` to `loop5`, the last one fastest; s_d are `step0` to `step5` in
// elements of the input, which may be 0 (a value repeats) or negative. Elements are numbered in the
// order NHWC without gaps, and both views may have gaps between their pixels. To transpose, slice,
// repeat and join are all this.
//
// `elementBytes` is 1 or 4. The host proves that every element that is read lies inside the input,
// and that the loops have as many turns as the output has elements, so no index overflows. No
// arithmetic on values: every build gives the same bytes. Threads share the output's pixels.

import { CHECKED, checkView } from '../../lib/checks'
import { Rearrange } from '../../lib/instructions'
import { start } from '../../threads/split'
import { copyBytes } from '../pixelwise/copy'

/** How far the outer loops have come. The caller counts the innermost one. */
let k0: i32 = 0
let k1: i32 = 0
let k2: i32 = 0
let k3: i32 = 0
let k4: i32 = 0

export function rearrange(i: Rearrange, thread: i32, threads: i32): void {
  if (CHECKED) {
    assert(i.elementBytes == 1 || i.elementBytes == 4, 'an element has 1 or 4 bytes')
    checkView(i.input, i.inputStride, i.inputChannels * i.elementBytes, i.elementBytes)
    checkView(i.output, i.outputStride, i.outputChannels * i.elementBytes, i.elementBytes)
  }
  const channels = i.outputChannels
  const first = start(i.pixels, thread, threads)
  const end = start(i.pixels, thread + 1, threads)
  if (first >= end) return
  const bytes = i.elementBytes
  const dense = <i32>i.inputStride == i.inputChannels * bytes
  const run = i.loop5
  const step = i.step5
  let left = (end - first) * channels
  let at = enter(i, first * channels)
  let done = (first * channels) % run
  let output = i.output + <usize>first * <usize>i.outputStride
  let room = channels
  while (left > 0) {
    const count = min(min(run - done, room), left)
    copyRun(i, at + done * step, step, count, output, dense)
    output += <usize>(count * bytes)
    left -= count
    room -= count
    done += count
    if (room == 0) {
      room = channels
      output += <usize>i.outputStride - <usize>(channels * bytes)
    }
    if (done == run) {
      done = 0
      at = advance(i, at)
    }
  }
}

/** The element at which the innermost loop begins that holds element `n` of the output. */
function enter(i: Rearrange, n: i32): i32 {
  let rest = n / i.loop5
  k4 = rest % i.loop4
  rest /= i.loop4
  k3 = rest % i.loop3
  rest /= i.loop3
  k2 = rest % i.loop2
  rest /= i.loop2
  k1 = rest % i.loop1
  k0 = rest / i.loop1
  return i.offset + k0 * i.step0 + k1 * i.step1 + k2 * i.step2 + k3 * i.step3 + k4 * i.step4
}

/** The beginning of the next innermost loop. */
function advance(i: Rearrange, at: i32): i32 {
  at += i.step4
  if (++k4 < i.loop4) return at
  at += i.step3 - k4 * i.step4
  k4 = 0
  if (++k3 < i.loop3) return at
  at += i.step2 - k3 * i.step3
  k3 = 0
  if (++k2 < i.loop2) return at
  at += i.step1 - k2 * i.step2
  k2 = 0
  if (++k1 < i.loop1) return at
  at += i.step0 - k1 * i.step1
  k1 = 0
  k0++
  return at
}

/** Copies `count` elements, `step` apart, from element `at` on, to neighbours in the output. */
function copyRun(i: Rearrange, at: i32, step: i32, count: i32, output: usize, dense: bool): void {
  const bytes = i.elementBytes
  if (dense && step == 1) {
    copyBytes(i.input + <usize>(at * bytes), output, <usize>(count * bytes))
    return
  }
  const channels = i.inputChannels
  const stride = i.inputStride
  for (let n = 0; n < count; n++) {
    const from = i.input + <usize>(dense ? at * bytes : (at / channels) * stride + (at % channels) * bytes)
    if (bytes == 4) store<u32>(output, load<u32>(from))
    else store<u8>(output, load<u8>(from))
    output += <usize>bytes
    at += step
  }
}
