// erf(x / sqrt 2) / 2 = x * P(x * x) / Q(x * x), a rational function of degrees 6 and 5 fitted to it over |x| <= 5.7,
// where its relative error is below 3e-9; beyond, the value at 5.7, which is 1/2 but for 6e-9. What float32
// rounding adds is a few ulp. |result| <= 1/2, so x * (1/2 + result), GELU, keeps its sign. NaN gives some number.
// Plain float32 operations in one order, so every build gives the same bytes.

import { pmax, pmin } from './vector'

const END: f32 = 5.7

const P0: f32 = 0.398942281
const P1: f32 = 0.0327416872
const P2: f32 = 0.00480280261
const P3: f32 = 0.00017026063
const P4: f32 = 8.40684726e-6
const P5: f32 = 5.20065582e-8
const P6: f32 = -7.35804327e-11
const Q1: f32 = 0.248737947
const Q2: f32 = 0.0284950305
const Q3: f32 = 0.00193386622
const Q4: f32 = 8.18311801e-5
const Q5: f32 = 1.97879921e-6

// @ts-ignore: decorator
@inline
export function halfErf(value: f32): f32 {
  const x = pmin(END, pmax(-END, value))
  const s = x * x
  const p = (((((P6 * s + P5) * s + P4) * s + P3) * s + P2) * s + P1) * s + P0
  const q = ((((Q5 * s + Q4) * s + Q3) * s + Q2) * s + Q1) * s + 1
  return pmin(0.5, pmax(-0.5, x * (p / q)))
}

// @ts-ignore: decorator
@inline
function step(p: v128, s: v128, term: f32): v128 {
  return f32x4.add(f32x4.mul(p, s), f32x4.splat(term))
}

// @ts-ignore: decorator
@inline
export function halfErfV(value: v128): v128 {
  const x = f32x4.pmin(f32x4.splat(END), f32x4.pmax(f32x4.splat(-END), value))
  const s = f32x4.mul(x, x)
  const p = step(step(step(step(step(step(f32x4.splat(P6), s, P5), s, P4), s, P3), s, P2), s, P1), s, P0)
  const q = step(step(step(step(step(f32x4.splat(Q5), s, Q4), s, Q3), s, Q2), s, Q1), s, 1)
  const h = f32x4.mul(x, f32x4.div(p, q))
  return f32x4.pmin(f32x4.splat(0.5), f32x4.pmax(f32x4.splat(-0.5), h))
}
