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

/** Four times each, in memory: of a constant V8 makes a vector anew for each use, by three instructions. */
const TABLE = memory.data<f32>(
  [
    END, END, END, END,
    -END, -END, -END, -END,
    P0, P0, P0, P0,
    P1, P1, P1, P1,
    P2, P2, P2, P2,
    P3, P3, P3, P3,
    P4, P4, P4, P4,
    P5, P5, P5, P5,
    P6, P6, P6, P6,
    Q1, Q1, Q1, Q1,
    Q2, Q2, Q2, Q2,
    Q3, Q3, Q3, Q3,
    Q4, Q4, Q4, Q4,
    Q5, Q5, Q5, Q5,
    1, 1, 1, 1,
    0.5, 0.5, 0.5, 0.5,
    -0.5, -0.5, -0.5, -0.5,
  ],
  16
)

/** x * (1/2 + halfErf(x)) of whole vectors, two at a time; returns how many bytes that were, of `bytes`. */
export function geluVectors(from: usize, to: usize, bytes: usize): usize {
  const most = v128.load(TABLE)
  const least = v128.load(TABLE, 16)
  const p0 = v128.load(TABLE, 32)
  const p1 = v128.load(TABLE, 48)
  const p2 = v128.load(TABLE, 64)
  const p3 = v128.load(TABLE, 80)
  const p4 = v128.load(TABLE, 96)
  const p5 = v128.load(TABLE, 112)
  const p6 = v128.load(TABLE, 128)
  const q1 = v128.load(TABLE, 144)
  const q2 = v128.load(TABLE, 160)
  const q3 = v128.load(TABLE, 176)
  const q4 = v128.load(TABLE, 192)
  const q5 = v128.load(TABLE, 208)
  const one = v128.load(TABLE, 224)
  const half = v128.load(TABLE, 240)
  const minusHalf = v128.load(TABLE, 256)
  let b: usize = 0
  for (; b + 32 <= bytes; b += 32) {
    const x = f32x4.pmin(most, f32x4.pmax(least, v128.load(from + b)))
    const y = f32x4.pmin(most, f32x4.pmax(least, v128.load(from + b, 16)))
    const s = f32x4.mul(x, x)
    const t = f32x4.mul(y, y)
    let p = f32x4.add(f32x4.mul(p6, s), p5)
    let r = f32x4.add(f32x4.mul(p6, t), p5)
    p = f32x4.add(f32x4.mul(p, s), p4)
    r = f32x4.add(f32x4.mul(r, t), p4)
    p = f32x4.add(f32x4.mul(p, s), p3)
    r = f32x4.add(f32x4.mul(r, t), p3)
    p = f32x4.add(f32x4.mul(p, s), p2)
    r = f32x4.add(f32x4.mul(r, t), p2)
    p = f32x4.add(f32x4.mul(p, s), p1)
    r = f32x4.add(f32x4.mul(r, t), p1)
    p = f32x4.add(f32x4.mul(p, s), p0)
    r = f32x4.add(f32x4.mul(r, t), p0)
    let q = f32x4.add(f32x4.mul(q5, s), q4)
    let u = f32x4.add(f32x4.mul(q5, t), q4)
    q = f32x4.add(f32x4.mul(q, s), q3)
    u = f32x4.add(f32x4.mul(u, t), q3)
    q = f32x4.add(f32x4.mul(q, s), q2)
    u = f32x4.add(f32x4.mul(u, t), q2)
    q = f32x4.add(f32x4.mul(q, s), q1)
    u = f32x4.add(f32x4.mul(u, t), q1)
    q = f32x4.add(f32x4.mul(q, s), one)
    u = f32x4.add(f32x4.mul(u, t), one)
    p = f32x4.pmin(half, f32x4.pmax(minusHalf, f32x4.mul(x, f32x4.div(p, q))))
    r = f32x4.pmin(half, f32x4.pmax(minusHalf, f32x4.mul(y, f32x4.div(r, u))))
    v128.store(to + b, f32x4.mul(v128.load(from + b), f32x4.add(half, p)))
    v128.store(to + b, f32x4.mul(v128.load(from + b, 16), f32x4.add(half, r)), 16)
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
