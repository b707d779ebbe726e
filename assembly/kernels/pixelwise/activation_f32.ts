// output[p][c] = f(input[p][c]) for the curve `kind`: logistic 1 / (1 + exp(-x)), mish x *
// tanh(log(1 + exp(x))), swish x * logistic(x), gelu x * (1 + erf(x / sqrt 2)) / 2, tanh(x),
// hardSwish x * (clamp(x + 3, 0, 6) / 6). curve_f32.ts has the other curves.
// float32 views of `pixels` pixels of `channels` channels; may work in place.
//
// The factor of hardSwish lies in 0..1, so that no product is larger than |x|.
// exp() is never asked for more than exp(20), so nothing overflows:
//   logistic(x) = (x < 0 ? e : 1) / (1 + e) with e = exp(-|x|);
//   tanh(x) = x + x^3 p(x^2) below 0.625 (the polynomial of Cephes' tanhf.c),
//   else 1 - 2 / (exp(2 |x|) + 1) with the sign of x;
//   tanh(log(1 + e)) = n / (n + 2) with n = e * (e + 2) and e = exp(min(x, 20)), 1 in float32 from
//   there on.
// Results are correct to a few ulp or to 1e-43, and those of gelu to 3e-7 of |x| (lib/exp.ts,
// lib/erf.ts). Plain float32 operations in one order give the same bytes in every build. NaN gives
// NaN.

import { CHECKED, checkPixelwise } from '../../lib/checks'
import { geluVectors, halfErf, halfErfV } from '../../lib/erf'
import { exp, expV } from '../../lib/exp'
import { ActivationKind, Curve, requireActivationKind } from '../../lib/instructions'
import { SIMD } from '../../lib/isa'
import { pmin, storeFirst } from '../../lib/vector'
import { eachRun } from './runs'

export function activation_f32(i: Curve, thread: i32, threads: i32): void {
  if (CHECKED) checkPixelwise(i, 4, 4)
  requireActivationKind(i.kind)
  eachRun<Curved>(i, 4, 4, thread, threads)
}

@unmanaged
class Curved extends Curve {
  // @ts-ignore: decorator
  @inline
  run(from: usize, to: usize, count: usize): void {
    const kind = this.kind
    const bytes = count * 4
    // Without exp() a curve has a loop of its own: choosing one would take as long as computing it.
    if (kind == ActivationKind.hardSwish) hardSwishRow(from, to, bytes)
    else if (SIMD) {
      for (let b = kind == ActivationKind.gelu ? geluVectors(from, to, bytes) : 0; b < bytes; b += 16) {
        storeFirst(to + b, curveV(v128.load(from + b), kind), bytes - b)
      }
    } else {
      for (let b: usize = 0; b < bytes; b += 4) store<f32>(to + b, curve(load<f32>(from + b), kind))
    }
  }
}

function hardSwishRow(input: usize, output: usize, bytes: usize): void {
  if (SIMD) {
    const six = f32x4.splat(6)
    for (let b: usize = 0; b < bytes; b += 16) {
      const x = v128.load(input + b)
      const shifted = f32x4.max(f32x4.add(x, f32x4.splat(3)), f32x4.splat(0))
      storeFirst(output + b, f32x4.mul(x, f32x4.div(f32x4.min(shifted, six), six)), bytes - b)
    }
  } else {
    for (let b: usize = 0; b < bytes; b += 4) {
      const x = load<f32>(input + b)
      store<f32>(output + b, x * (min<f32>(max<f32>(x + 3, 0), 6) / 6))
    }
  }
}

// @ts-ignore: decorator
@inline
function curve(x: f32, kind: i32): f32 {
  if (kind == ActivationKind.gelu) return x * (<f32>0.5 + halfErf(x))
  if (kind == ActivationKind.tanh) return tanh(x)
  return kind == ActivationKind.mish ? mish(x) : sigmoid(x, kind == ActivationKind.logistic)
}

// @ts-ignore: decorator
@inline
function curveV(x: v128, kind: i32): v128 {
  if (kind == ActivationKind.gelu) return f32x4.mul(x, f32x4.add(f32x4.splat(0.5), halfErfV(x)))
  if (kind == ActivationKind.tanh) return tanhV(x)
  return kind == ActivationKind.mish ? mishV(x) : sigmoidV(x, kind == ActivationKind.logistic)
}

// @ts-ignore: decorator
@inline
function sigmoid(x: f32, logistic: bool): f32 {
  const e = exp(-abs(x))
  const y = (x < 0 ? e : <f32>1) / (1 + e)
  return logistic ? y : x * y
}

// @ts-ignore: decorator
@inline
function mish(x: f32): f32 {
  const e = exp(pmin(x, 20))
  const n = e * (e + 2)
  return x * (n / (n + 2))
}

// @ts-ignore: decorator
@inline
function tanh(x: f32): f32 {
  const magnitude = abs(x)
  const z = x * x
  let p: f32 = -5.70498872745e-3
  p = p * z + <f32>2.06390887954e-2
  p = p * z + <f32>-5.37397155531e-2
  p = p * z + <f32>1.33314422036e-1
  p = p * z + <f32>-3.33332819422e-1
  p = p * z * x + x
  const y: f32 = 1 - <f32>2 / (exp(pmin(magnitude + magnitude, 20)) + 1)
  return magnitude < 0.625 ? p : x < 0 ? -y : x == x ? y : x
}

// @ts-ignore: decorator
@inline
function sigmoidV(x: v128, logistic: bool): v128 {
  const one = f32x4.splat(1)
  const e = expV(f32x4.neg(f32x4.abs(x)))
  const y = f32x4.div(v128.bitselect(e, one, f32x4.lt(x, f32x4.splat(0))), f32x4.add(one, e))
  return logistic ? y : f32x4.mul(x, y)
}

// @ts-ignore: decorator
@inline
function mishV(x: v128): v128 {
  const two = f32x4.splat(2)
  const e = expV(f32x4.pmin(x, f32x4.splat(20)))
  const n = f32x4.mul(e, f32x4.add(e, two))
  return f32x4.mul(x, f32x4.div(n, f32x4.add(n, two)))
}

// @ts-ignore: decorator
@inline
function tanhV(x: v128): v128 {
  const magnitude = f32x4.abs(x)
  const z = f32x4.mul(x, x)
  let p = f32x4.splat(-5.70498872745e-3)
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(2.06390887954e-2))
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(-5.37397155531e-2))
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(1.33314422036e-1))
  p = f32x4.add(f32x4.mul(p, z), f32x4.splat(-3.33332819422e-1))
  p = f32x4.add(f32x4.mul(f32x4.mul(p, z), x), x)
  const one = f32x4.splat(1)
  const e = expV(f32x4.pmin(f32x4.add(magnitude, magnitude), f32x4.splat(20)))
  const y = f32x4.sub(one, f32x4.div(f32x4.splat(2), f32x4.add(e, one)))
  const signed = v128.or(y, v128.and(x, f32x4.splat(-0.0)))
  const large = v128.bitselect(x, signed, f32x4.ne(x, x))
  return v128.bitselect(p, large, f32x4.lt(magnitude, f32x4.splat(0.625)))
}
