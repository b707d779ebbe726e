// erf(x / sqrt 2) / 2 = x * P(x * x) / Q(x * x): a rational function of degrees 6 and 5, fitted
// over |x| <= 5.7, where its relative error is below 3e-9. Beyond 5.7 it keeps the value there,
// which is 1/2 - 6e-9. Rounding to float32 adds a few ulp. |result| <= 1/2, so GELU, x * (1/2 +
// result), keeps the sign of x. NaN gives some number. Plain float32 operations in one order give
// the same bytes in every build.

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

/**
 * The coefficients, four times each, in memory: V8 makes a vector of a constant anew for each use,
 * by three instructions.
 */
const TABLE = memory.data<f32>(
  [
    END,
    END,
    END,
    END,
    -END,
    -END,
    -END,
    -END,
    P0,
    P0,
    P0,
    P0,
    P1,
    P1,
    P1,
    P1,
    P2,
    P2,
    P2,
    P2,
    P3,
    P3,
    P3,
    P3,
    P4,
    P4,
    P4,
    P4,
    P5,
    P5,
    P5,
    P5,
    P6,
    P6,
    P6,
    P6,
    Q1,
    Q1,
    Q1,
    Q1,
    Q2,
    Q2,
    Q2,
    Q2,
    Q3,
    Q3,
    Q3,
    Q3,
    Q4,
    Q4,
    Q4,
    Q4,
    Q5,
    Q5,
    Q5,
    Q5,
    1,
    1,
    1,
    1,
    0.5,
    0.5,
    0.5,
    0.5,
    -0.5,
    -0.5,
    -0.5,
    -0.5,
  ],
  16,
)

/**
 * x * (1/2 + halfErf(x)) of whole vectors, four at a time: one computation is a long chain, and a
 * processor looks ahead only so far. P6 to P0 take the table's entries 8 down to 2, Q5 to Q1 and 1
 * take 13 to 9 and 14. Returns how many of the `bytes` bytes are done.
 */
export function geluVectors(from: usize, to: usize, bytes: usize): usize {
  let b: usize = 0
  for (; b + 64 <= bytes; b += 64) {
    const most = v128.load(TABLE)
    const least = v128.load(TABLE, 16)
    const x0 = f32x4.pmin(most, f32x4.pmax(least, v128.load(from + b)))
    const x1 = f32x4.pmin(most, f32x4.pmax(least, v128.load(from + b, 16)))
    const x2 = f32x4.pmin(most, f32x4.pmax(least, v128.load(from + b, 32)))
    const x3 = f32x4.pmin(most, f32x4.pmax(least, v128.load(from + b, 48)))
    const s0 = f32x4.mul(x0, x0)
    const s1 = f32x4.mul(x1, x1)
    const s2 = f32x4.mul(x2, x2)
    const s3 = f32x4.mul(x3, x3)
    let c = v128.load(TABLE, 128)
    let d = v128.load(TABLE, 112)
    let p0 = f32x4.add(f32x4.mul(c, s0), d)
    let p1 = f32x4.add(f32x4.mul(c, s1), d)
    let p2 = f32x4.add(f32x4.mul(c, s2), d)
    let p3 = f32x4.add(f32x4.mul(c, s3), d)
    c = v128.load(TABLE, 96)
    p0 = f32x4.add(f32x4.mul(p0, s0), c)
    p1 = f32x4.add(f32x4.mul(p1, s1), c)
    p2 = f32x4.add(f32x4.mul(p2, s2), c)
    p3 = f32x4.add(f32x4.mul(p3, s3), c)
    c = v128.load(TABLE, 80)
    p0 = f32x4.add(f32x4.mul(p0, s0), c)
    p1 = f32x4.add(f32x4.mul(p1, s1), c)
    p2 = f32x4.add(f32x4.mul(p2, s2), c)
    p3 = f32x4.add(f32x4.mul(p3, s3), c)
    c = v128.load(TABLE, 64)
    p0 = f32x4.add(f32x4.mul(p0, s0), c)
    p1 = f32x4.add(f32x4.mul(p1, s1), c)
    p2 = f32x4.add(f32x4.mul(p2, s2), c)
    p3 = f32x4.add(f32x4.mul(p3, s3), c)
    c = v128.load(TABLE, 48)
    p0 = f32x4.add(f32x4.mul(p0, s0), c)
    p1 = f32x4.add(f32x4.mul(p1, s1), c)
    p2 = f32x4.add(f32x4.mul(p2, s2), c)
    p3 = f32x4.add(f32x4.mul(p3, s3), c)
    c = v128.load(TABLE, 32)
    p0 = f32x4.add(f32x4.mul(p0, s0), c)
    p1 = f32x4.add(f32x4.mul(p1, s1), c)
    p2 = f32x4.add(f32x4.mul(p2, s2), c)
    p3 = f32x4.add(f32x4.mul(p3, s3), c)
    c = v128.load(TABLE, 208)
    d = v128.load(TABLE, 192)
    let q0 = f32x4.add(f32x4.mul(c, s0), d)
    let q1 = f32x4.add(f32x4.mul(c, s1), d)
    let q2 = f32x4.add(f32x4.mul(c, s2), d)
    let q3 = f32x4.add(f32x4.mul(c, s3), d)
    c = v128.load(TABLE, 176)
    q0 = f32x4.add(f32x4.mul(q0, s0), c)
    q1 = f32x4.add(f32x4.mul(q1, s1), c)
    q2 = f32x4.add(f32x4.mul(q2, s2), c)
    q3 = f32x4.add(f32x4.mul(q3, s3), c)
    c = v128.load(TABLE, 160)
    q0 = f32x4.add(f32x4.mul(q0, s0), c)
    q1 = f32x4.add(f32x4.mul(q1, s1), c)
    q2 = f32x4.add(f32x4.mul(q2, s2), c)
    q3 = f32x4.add(f32x4.mul(q3, s3), c)
    c = v128.load(TABLE, 144)
    q0 = f32x4.add(f32x4.mul(q0, s0), c)
    q1 = f32x4.add(f32x4.mul(q1, s1), c)
    q2 = f32x4.add(f32x4.mul(q2, s2), c)
    q3 = f32x4.add(f32x4.mul(q3, s3), c)
    c = v128.load(TABLE, 224)
    q0 = f32x4.add(f32x4.mul(q0, s0), c)
    q1 = f32x4.add(f32x4.mul(q1, s1), c)
    q2 = f32x4.add(f32x4.mul(q2, s2), c)
    q3 = f32x4.add(f32x4.mul(q3, s3), c)
    c = v128.load(TABLE, 240)
    d = v128.load(TABLE, 256)
    p0 = f32x4.pmin(c, f32x4.pmax(d, f32x4.mul(x0, f32x4.div(p0, q0))))
    p1 = f32x4.pmin(c, f32x4.pmax(d, f32x4.mul(x1, f32x4.div(p1, q1))))
    p2 = f32x4.pmin(c, f32x4.pmax(d, f32x4.mul(x2, f32x4.div(p2, q2))))
    p3 = f32x4.pmin(c, f32x4.pmax(d, f32x4.mul(x3, f32x4.div(p3, q3))))
    v128.store(to + b, f32x4.mul(v128.load(from + b), f32x4.add(c, p0)))
    v128.store(to + b, f32x4.mul(v128.load(from + b, 16), f32x4.add(c, p1)), 16)
    v128.store(to + b, f32x4.mul(v128.load(from + b, 32), f32x4.add(c, p2)), 32)
    v128.store(to + b, f32x4.mul(v128.load(from + b, 48), f32x4.add(c, p3)), 48)
  }
  return b
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
