// The heart of a softmax, which the operator and attention share: e[n] = exp(x[n] - m) with m the
// largest x, so no exponential exceeds 1. Sums go by lanes as in assembly/lib/sum.ts: lane l adds
// up n = l, l + 4, ... below count & ~3, and the rest is added one by one. NaN gives some number.
// The target may be the source.

import { exp, expV } from './exp'
import { SIMD } from './isa'
import { laneSum, lanesV } from './sum'
import { pmax } from './vector'

/** Writes e[0..count) and returns their sum, which is at least 1. */
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

/**
 * The same for four rows at once, which lie as [count][4], in place. Writes 1 / sum of each row.
 * The order of a sum is that of one row, whose lanes are vectors here.
 */
export function exponentialsOfFour(x: usize, count: usize, factors: usize): void {
  if (SIMD) {
    const end = x + (count << 4)
    let m = f32x4.splat(-f32.MAX_VALUE)
    for (let at = x; at < end; at += 16) m = f32x4.pmax(m, v128.load(at))
    let a = f32x4.splat(0)
    let b = a
    let c = a
    let d = a
    for (const whole = x + ((count & ~3) << 4); x < whole; x += 64) {
      a = f32x4.add(a, storedV(x, expV(f32x4.sub(v128.load(x), m))))
      b = f32x4.add(b, storedV(x + 16, expV(f32x4.sub(v128.load(x, 16), m))))
      c = f32x4.add(c, storedV(x + 32, expV(f32x4.sub(v128.load(x, 32), m))))
      d = f32x4.add(d, storedV(x + 48, expV(f32x4.sub(v128.load(x, 48), m))))
    }
    let total = f32x4.add(f32x4.add(a, c), f32x4.add(b, d))
    for (; x < end; x += 16) total = f32x4.add(total, storedV(x, expV(f32x4.sub(v128.load(x), m))))
    v128.store(factors, f32x4.div(f32x4.splat(1), total))
  } else {
    for (let r: usize = 0; r < 16; r += 4) store<f32>(factors + r, <f32>1 / exponentialsOfRow(x + r, count))
  }
}

/** One of the four rows. */
function exponentialsOfRow(x: usize, count: usize): f32 {
  let largest: f32 = -f32.MAX_VALUE
  const end = x + (count << 4)
  for (let at = x; at < end; at += 16) largest = pmax(largest, load<f32>(at))
  let a: f32 = 0
  let b: f32 = 0
  let c: f32 = 0
  let d: f32 = 0
  for (const whole = x + ((count & ~3) << 4); x < whole; x += 64) {
    a += stored(x, exp(load<f32>(x) - largest))
    b += stored(x + 16, exp(load<f32>(x, 16) - largest))
    c += stored(x + 32, exp(load<f32>(x, 32) - largest))
    d += stored(x + 48, exp(load<f32>(x, 48) - largest))
  }
  let total = laneSum(a, b, c, d)
  for (; x < end; x += 16) total += stored(x, exp(load<f32>(x) - largest))
  return total
}

// @ts-ignore: decorator
@inline
function storedV(to: usize, e: v128): v128 {
  v128.store(to, e)
  return e
}

// @ts-ignore: decorator
@inline
function stored(to: usize, e: f32): f32 {
  store<f32>(to, e)
  return e
}

/** The largest of `count` float32. */
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
