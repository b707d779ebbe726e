// mean = sum over c of x[p][c] / channels, d = x[p][c] - mean, variance = sum over c of d * d /
// channels,
// output[p][c] = d * (1 / sqrt(variance + epsilon)) * gamma[c] + beta[c],
// where each operation rounds to float32 in this order. A sum of n values goes by lanes: lane l
// adds up those at l, l + 4, l + 8, ... below n & ~3, from 0. The sum is (lane 0 + lane 2) + (lane
// 1 + lane 3), and the rest, up to three values, is added one by one. float32 views of `pixels`
// pixels of `channels` channels; may work in place. gamma and beta are float32 [channels].

import { CHECKED, checkConstants, checkPixelwise } from '../../lib/checks'
import { LayerNorm } from '../../lib/instructions'
import { SIMD } from '../../lib/isa'
import { laneSum, lanesV } from '../../lib/sum'
import { storeFirst } from '../../lib/vector'
import { start } from '../../threads/split'

export function layer_norm_f32(i: LayerNorm, thread: i32, threads: i32): void {
  if (CHECKED) {
    checkPixelwise(i, 4, 4)
    checkConstants(i.gamma)
    checkConstants(i.beta)
  }
  const first = start(i.pixels, thread, threads)
  const last = start(i.pixels, thread + 1, threads)
  const channels = <usize>i.channels
  const inputStride = <usize>i.inputStride
  const outputStride = <usize>i.outputStride
  let input = i.input + <usize>first * inputStride
  let output = i.output + <usize>first * outputStride
  let p = first
  if (SIMD) {
    for (; p < last - 1; p += 2) {
      normalizeTwo(input, inputStride, output, outputStride, channels, i.gamma, i.beta, i.epsilon)
      input += inputStride * 2
      output += outputStride * 2
    }
  }
  for (; p < last; p++) {
    normalize(input, output, channels, i.gamma, i.beta, i.epsilon)
    input += inputStride
    output += outputStride
  }
}

/**
 * Two pixels: a sum is a chain of additions that wait for each other, so two chains take hardly
 * longer than one.
 */
function normalizeTwo(
  x: usize,
  inputStride: usize,
  y: usize,
  outputStride: usize,
  channels: usize,
  gamma: usize,
  beta: usize,
  epsilon: f32,
): void {
  const count = <f32>(<i32>channels)
  const bytes = channels << 2
  const whole = x + (bytes & ~15)
  const left = channels & 3
  let v = f32x4.splat(0)
  let w = v
  for (let at = x; at < whole; at += 16) {
    v = f32x4.add(v, v128.load(at))
    w = f32x4.add(w, v128.load(at + inputStride))
  }
  const mean = withRest(lanesV(v), whole, left) / count
  const mean2 = withRest(lanesV(w), whole + inputStride, left) / count
  const m = f32x4.splat(mean)
  const m2 = f32x4.splat(mean2)
  v = f32x4.splat(0)
  w = v
  for (let at = x; at < whole; at += 16) {
    const d = f32x4.sub(v128.load(at), m)
    const e = f32x4.sub(v128.load(at + inputStride), m2)
    v = f32x4.add(v, f32x4.mul(d, d))
    w = f32x4.add(w, f32x4.mul(e, e))
  }
  const variance = withSquares(lanesV(v), whole, left, mean) / count
  const variance2 = withSquares(lanesV(w), whole + inputStride, left, mean2) / count
  scale(x, y, bytes, mean, 1 / sqrt<f32>(variance + epsilon), gamma, beta)
  scale(x + inputStride, y + outputStride, bytes, mean2, 1 / sqrt<f32>(variance2 + epsilon), gamma, beta)
}

function normalize(x: usize, y: usize, channels: usize, gamma: usize, beta: usize, epsilon: f32): void {
  const count = <f32>(<i32>channels)
  const mean = sum(x, channels) / count
  const factor: f32 = 1 / sqrt<f32>(squares(x, channels, mean) / count + epsilon)
  scale(x, y, channels << 2, mean, factor, gamma, beta)
}

/** (x - mean) * factor * gamma + beta. */
function scale(x: usize, y: usize, bytes: usize, mean: f32, factor: f32, gamma: usize, beta: usize): void {
  if (SIMD) {
    const meanV = f32x4.splat(mean)
    const factorV = f32x4.splat(factor)
    let b: usize = 0
    for (const whole = bytes & ~15; b < whole; b += 16) {
      const n = f32x4.mul(f32x4.sub(v128.load(x + b), meanV), factorV)
      v128.store(y + b, f32x4.add(f32x4.mul(n, v128.load(gamma + b)), v128.load(beta + b)))
    }
    if (b < bytes) {
      const n = f32x4.mul(f32x4.sub(v128.load(x + b), meanV), factorV)
      storeFirst(y + b, f32x4.add(f32x4.mul(n, v128.load(gamma + b)), v128.load(beta + b)), bytes - b)
    }
  } else {
    for (let b: usize = 0; b < bytes; b += 4) {
      const n = (load<f32>(x + b) - mean) * factor
      store<f32>(y + b, n * load<f32>(gamma + b) + load<f32>(beta + b))
    }
  }
}

function sum(x: usize, count: usize): f32 {
  const whole = x + ((count & ~3) << 2)
  const end = x + (count << 2)
  let total: f32
  if (SIMD) {
    let v = f32x4.splat(0)
    for (; x < whole; x += 16) v = f32x4.add(v, v128.load(x))
    total = lanesV(v)
  } else {
    let a: f32 = 0
    let b: f32 = 0
    let c: f32 = 0
    let d: f32 = 0
    for (; x < whole; x += 16) {
      a += load<f32>(x)
      b += load<f32>(x, 4)
      c += load<f32>(x, 8)
      d += load<f32>(x, 12)
    }
    total = laneSum(a, b, c, d)
  }
  return withRest(total, x, (end - x) >> 2)
}

/** The sum of squared differences from the mean. */
function squares(x: usize, count: usize, mean: f32): f32 {
  const whole = x + ((count & ~3) << 2)
  const end = x + (count << 2)
  let total: f32
  if (SIMD) {
    const meanV = f32x4.splat(mean)
    let v = f32x4.splat(0)
    for (; x < whole; x += 16) {
      const d = f32x4.sub(v128.load(x), meanV)
      v = f32x4.add(v, f32x4.mul(d, d))
    }
    total = lanesV(v)
  } else {
    let a: f32 = 0
    let b: f32 = 0
    let c: f32 = 0
    let d: f32 = 0
    for (; x < whole; x += 16) {
      a += square(load<f32>(x) - mean)
      b += square(load<f32>(x, 4) - mean)
      c += square(load<f32>(x, 8) - mean)
      d += square(load<f32>(x, 12) - mean)
    }
    total = laneSum(a, b, c, d)
  }
  return withSquares(total, x, (end - x) >> 2, mean)
}

/** Adds the last values, up to three, one by one. */
function withRest(total: f32, x: usize, count: usize): f32 {
  for (const end = x + (count << 2); x < end; x += 4) total += load<f32>(x)
  return total
}

function withSquares(total: f32, x: usize, count: usize, mean: f32): f32 {
  for (const end = x + (count << 2); x < end; x += 4) total += square(load<f32>(x) - mean)
  return total
}

// @ts-ignore: decorator
@inline
function square(x: f32): f32 {
  return x * x
}
