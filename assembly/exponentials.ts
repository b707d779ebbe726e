// The heart of a softmax, shared by the operator and by attention: e[n] = exp(x[n] - m), m the largest x, so that no
// exponential exceeds 1. Sums go by lanes as in assembly/sum.ts: lane l adds up n = l, l + 4, ... below count & ~3,
// what is left is added one by one. NaN gives some number. The target may be the source.

import { exp, expV } from './exp'
import { SIMD } from './isa'
import { laneSum, lanesV } from './sum'
import { pmax } from './vector'

/** Writes e[0..count) and returns their sum, at least 1. */
export function exponentials(x: usize, to: usize, count: usize): f32 {
  const largest = maximum(x, count)
  const whole = x + ((count & ~3) << 2)
  const end = x + (count << 2)
  let total: f32
  if (SIMD) {
    const m = f32x4.splat(largest)
    let v = f32x4.splat(0)
    for (; x < whole; x += 16) {
      const e = expV(f32x4.sub(v128.load(x), m))
      v128.store(to, e)
      v = f32x4.add(v, e)
      to += 16
    }
    total = lanesV(v)
  } else {
    let a: f32 = 0
    let b: f32 = 0
    let c: f32 = 0
    let d: f32 = 0
    for (; x < whole; x += 16) {
      a += stored(to, exp(load<f32>(x) - largest))
      b += stored(to + 4, exp(load<f32>(x, 4) - largest))
      c += stored(to + 8, exp(load<f32>(x, 8) - largest))
      d += stored(to + 12, exp(load<f32>(x, 12) - largest))
      to += 16
    }
    total = laneSum(a, b, c, d)
  }
  for (; x < end; x += 4) {
    total += stored(to, exp(load<f32>(x) - largest))
    to += 4
  }
  return total
}

// @ts-ignore: decorator
@inline
function stored(to: usize, e: f32): f32 {
  store<f32>(to, e)
  return e
}

function maximum(x: usize, count: usize): f32 {
  let largest: f32 = -f32.MAX_VALUE
  const end = x + (count << 2)
  if (SIMD) {
    const whole = x + ((count & ~3) << 2)
    let v = f32x4.splat(largest)
    for (; x < whole; x += 16) v = f32x4.pmax(v, v128.load(x))
    largest = pmax(
      pmax(f32x4.extract_lane(v, 0), f32x4.extract_lane(v, 1)),
      pmax(f32x4.extract_lane(v, 2), f32x4.extract_lane(v, 3)),
    )
  }
  for (; x < end; x += 4) largest = pmax(largest, load<f32>(x))
  return largest
}
