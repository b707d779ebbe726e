// output[p][c] = gamma[c] * (input[p][c] - mean[g]) / sqrt(variance[g] + epsilon) + beta[c], with
// mean and variance over all pixels and the channels of c's group g. It is instance normalisation
// where a group is a channel (Ulyanov et al., 2016), and group normalisation otherwise (Wu and He,
// 2018). float32 views.
//
// Sums are float64: of a channel in the order of the pixels, of a group in the order of its
// channels. The variance is that of the differences from the mean, so nothing cancels. Scale and
// shift are rounded once to float32, and each output is one multiplication and one addition: every
// build gives the same bytes. A thread does whole groups.
// Scratch: 16 bytes a channel, for two float64 sums and later for scale and shift as float32.

import { CHECKED, checkScratch, checkView } from '../../lib/checks'
import { GroupNorm } from '../../lib/instructions'
import { scratchOf, start } from '../../threads/split'

export function group_norm_f32(i: GroupNorm, thread: i32, threads: i32): void {
  if (CHECKED) {
    checkView(i.input, i.inputStride, i.channels * 4, 4)
    checkView(i.output, i.outputStride, i.channels * 4, 4)
    checkScratch(i.scratch, 1)
    assert(i.groups > 0 && i.channels % i.groups == 0, 'the groups do not divide the channels')
  }
  const each = i.channels / i.groups
  const first = start(i.groups, thread, threads) * each
  const end = start(i.groups, thread + 1, threads) * each
  if (first >= end) return
  const sums = scratchOf(i, i.scratch)
  channelSums(i, first, end, sums)
  for (let c = first; c < end; c += each) toMeans(sums + ((<usize>c) << 4), each, i.pixels)
  squares(i, first, end, sums)
  for (let c = first; c < end; c += each) toScales(i, sums + ((<usize>c) << 4), c, each)
  apply(i, first, end, sums)
}

/** The sum of each channel over all pixels, in the first half of its scratch. */
function channelSums(i: GroupNorm, first: i32, end: i32, sums: usize): void {
  for (let c = first; c < end; c++) {
    store<f64>(sums + ((<usize>c) << 4), 0)
    store<f64>(sums + ((<usize>c) << 4), 0, 8)
  }
  for (let p = 0; p < i.pixels; p++) {
    const input = i.input + <usize>p * <usize>i.inputStride
    for (let c = first; c < end; c++) {
      const at = sums + ((<usize>c) << 4)
      store<f64>(at, load<f64>(at) + <f64>load<f32>(input + ((<usize>c) << 2)))
    }
  }
}

/** Turns the sums of a group's channels into the group's mean, for each of its channels. */
function toMeans(sums: usize, each: i32, pixels: i32): void {
  let sum: f64 = 0
  for (let c = 0; c < each; c++) sum += load<f64>(sums + ((<usize>c) << 4))
  const mean = sum / (<f64>pixels * <f64>each)
  for (let c = 0; c < each; c++) store<f64>(sums + ((<usize>c) << 4), mean)
}

/**
 * The sum of squared differences of each channel from its mean, in the second half of its scratch.
 */
function squares(i: GroupNorm, first: i32, end: i32, sums: usize): void {
  for (let p = 0; p < i.pixels; p++) {
    const input = i.input + <usize>p * <usize>i.inputStride
    for (let c = first; c < end; c++) {
      const at = sums + ((<usize>c) << 4)
      const difference = <f64>load<f32>(input + ((<usize>c) << 2)) - load<f64>(at)
      store<f64>(at, load<f64>(at, 8) + difference * difference, 8)
    }
  }
}

/**
 * Turns means and squares of a group into the scale and shift of each of its channels, in the first
 * 8 bytes.
 */
function toScales(i: GroupNorm, sums: usize, channel: i32, each: i32): void {
  let sum: f64 = 0
  for (let c = 0; c < each; c++) sum += load<f64>(sums + ((<usize>c) << 4), 8)
  const deviation = sqrt(sum / (<f64>i.pixels * <f64>each) + <f64>i.epsilon)
  for (let c = 0; c < each; c++) {
    const at = sums + ((<usize>c) << 4)
    const mean = load<f64>(at)
    const constant = (<usize>(channel + c)) << 2
    const scale = <f64>load<f32>(i.gamma + constant) / deviation
    store<f32>(at, <f32>scale)
    store<f32>(at, <f32>(<f64>load<f32>(i.beta + constant) - mean * scale), 4)
  }
}

function apply(i: GroupNorm, first: i32, end: i32, sums: usize): void {
  for (let p = 0; p < i.pixels; p++) {
    const input = i.input + <usize>p * <usize>i.inputStride
    const output = i.output + <usize>p * <usize>i.outputStride
    for (let c = first; c < end; c++) {
      const at = sums + ((<usize>c) << 4)
      const offset = (<usize>c) << 2
      store<f32>(output + offset, load<f32>(input + offset) * load<f32>(at) + load<f32>(at, 4))
    }
  }
}
