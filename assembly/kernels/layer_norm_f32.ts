// mean = sum over c of x[p][c] / channels, d = x[p][c] - mean, variance = sum over c of d * d / channels,
// output[p][c] = d * (1 / sqrt(variance + epsilon)) * gamma[c] + beta[c], each operation rounded to float32 in this
// order. A sum of n values goes by lanes: lane l adds up those at l, l + 4, l + 8, ... below n & ~3, from 0; the sum is
// (lane 0 + lane 2) + (lane 1 + lane 3), and the up to three values that are left are added one by one.
// float32 views of `pixels` pixels of `channels` channels; may work in place. gamma and beta: float32 [channels].

import { SIMD } from '../isa'
import { start } from '../split'
import { laneSum, lanesV } from '../sum'
import { storeFirst } from '../vector'
import { address, float, word } from '../word'

export function layer_norm_f32(i: usize, thread: i32, threads: i32): void {
  const first = start(word(i, 3), thread, threads)
  const last = start(word(i, 3), thread + 1, threads)
  const channels = <usize>word(i, 4)
  const inputStride = <usize>word(i, 5)
  const outputStride = <usize>word(i, 6)
  let input = address(i, 1) + <usize>first * inputStride
  let output = address(i, 2) + <usize>first * outputStride
  for (let p = first; p < last; p++) {
    normalize(input, output, channels, address(i, 7), address(i, 8), float(i, 9))
    input += inputStride
    output += outputStride
  }
}

function normalize(x: usize, y: usize, channels: usize, gamma: usize, beta: usize, epsilon: f32): void {
  const count = <f32>(<i32>channels)
  const mean = sum(x, channels) / count
  const factor: f32 = 1 / sqrt<f32>(squares(x, channels, mean) / count + epsilon)
  const bytes = channels << 2
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
  for (; x < end; x += 4) total += load<f32>(x)
  return total
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
  for (; x < end; x += 4) total += square(load<f32>(x) - mean)
  return total
}

// @ts-ignore: decorator
@inline
function square(x: f32): f32 {
  return x * x
}
