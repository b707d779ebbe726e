// exp(x) = 2^k * exp(r) with k = round(x * log2 e) and |r| <= 0.35. exp(r) is its Taylor polynomial
// of degree 7, whose error is below a quarter ulp. ln 2 has two parts (Cody and Waite), of which
// the first is exact times k. 2^k has two factors, so that results down to the smallest float32 are
// rounded and not lost. The result overflows for x beyond 88 and is 0 below -104. Plain float32
// operations in one order give the same bytes in every build.

import { pmax, roundEven, roundEvenV } from './vector'

const LOWEST: f32 = -104.0 // exp() of less is 0 in float32
export const LOG2E: f32 = 1.44269504
const LN2_HIGH: f32 = 0.693359375
const LN2_LOW: f32 = -2.1219444e-4

// @ts-ignore: decorator
@inline
export function exp(x: f32): f32 {
  x = pmax(x, LOWEST)
  const n = roundEven(x * LOG2E)
  const k = <f32>n
  const r = x - k * LN2_HIGH - k * LN2_LOW
  let p: f32 = 1.0 / 5040
  p = p * r + <f32>(1.0 / 720)
  p = p * r + <f32>(1.0 / 120)
  p = p * r + <f32>(1.0 / 24)
  p = p * r + <f32>(1.0 / 6)
  p = p * r + <f32>0.5
  p = p * r + 1
  p = p * r + 1
  const half = n >> 1
  return p * reinterpret<f32>((half + 127) << 23) * reinterpret<f32>((n - half + 127) << 23)
}

// @ts-ignore: decorator
@inline
function step(p: v128, r: v128, term: f32): v128 {
  return f32x4.add(f32x4.mul(p, r), f32x4.splat(term))
}

// @ts-ignore: decorator
@inline
export function expV(x: v128): v128 {
  x = f32x4.pmax(x, f32x4.splat(LOWEST))
  const n = roundEvenV(f32x4.mul(x, f32x4.splat(LOG2E)))
  const k = f32x4.convert_i32x4_s(n)
  const high = f32x4.sub(x, f32x4.mul(k, f32x4.splat(LN2_HIGH)))
  const r = f32x4.sub(high, f32x4.mul(k, f32x4.splat(LN2_LOW)))
  let p = step(f32x4.splat(1.0 / 5040), r, 1.0 / 720)
  p = step(p, r, 1.0 / 120)
  p = step(p, r, 1.0 / 24)
  p = step(p, r, 1.0 / 6)
  p = step(p, r, 0.5)
  p = step(p, r, 1)
  p = step(p, r, 1)
  const half = i32x4.shr_s(n, 1)
  return f32x4.mul(f32x4.mul(p, powerV(half)), powerV(i32x4.sub(n, half)))
}

// @ts-ignore: decorator
@inline
function powerV(n: v128): v128 {
  return i32x4.shl(i32x4.add(n, i32x4.splat(127)), 23)
}
