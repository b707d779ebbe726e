// output[p][c] = f(input[p][c]), kind 1: logistic 1 / (1 + exp(-x)), 2: mish x * tanh(log(1 + exp(x))),
// 3: swish x * logistic(x). float32 views of `pixels` pixels of `channels` channels; may work in place.
//
// exp() is never asked for more than exp(20), so nothing overflows:
//   logistic(x) = (x < 0 ? e : 1) / (1 + e) with e = exp(-|x|);
//   tanh(log(1 + e)) = n / (n + 2) with n = e * (e + 2), e = exp(min(x, 20)): 1 in float32 from there on.
// exp(x) = 2^k * exp(r), k = round(x * log2 e), |r| <= 0.35, and exp(r) by its Taylor polynomial of degree 7, whose
// error is below a quarter ulp; ln 2 is in two parts (Cody and Waite), the first exact times k; 2^k is in two
// factors, so that results down to float32's smallest are rounded, not lost. Correct to a few ulp, or to 1e-43.
// Plain float32 operations in one order, so every build gives the same bytes. NaN gives NaN.

import { SIMD } from '../isa'
import { start } from '../split'
import { pmax, pmin, roundEven, roundEvenV, storeFirst } from '../vector'
import { address, word } from '../word'

const LOGISTIC = 1
const MISH = 2

const LOWEST: f32 = -104.0 // exp() of less is 0 in float32
const LOG2E: f32 = 1.44269504
const LN2_HIGH: f32 = 0.693359375
const LN2_LOW: f32 = -2.12194440e-4

export function activation_f32(i: usize, thread: i32, threads: i32): void {
  const first = start(word(i, 3), thread, threads)
  let pixels = start(word(i, 3), thread + 1, threads) - first
  let bytes = <usize>word(i, 4) * 4
  const inputStride = <usize>word(i, 5)
  const outputStride = <usize>word(i, 6)
  let input = address(i, 1) + <usize>first * inputStride
  let output = address(i, 2) + <usize>first * outputStride
  const kind = word(i, 7)
  if (inputStride == bytes && outputStride == bytes) {
    bytes *= pixels
    pixels = 1
  }
  for (; pixels > 0; pixels--) {
    if (SIMD) {
      for (let b: usize = 0; b < bytes; b += 16) {
        const x = v128.load(input + b)
        storeFirst(output + b, kind == MISH ? mishV(x) : sigmoidV(x, kind == LOGISTIC), bytes - b)
      }
    } else {
      for (let b: usize = 0; b < bytes; b += 4) {
        const x = load<f32>(input + b)
        store<f32>(output + b, kind == MISH ? mish(x) : sigmoid(x, kind == LOGISTIC))
      }
    }
    input += inputStride
    output += outputStride
  }
}

// @ts-ignore: decorator
@inline
function exp(x: f32): f32 {
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
function step(p: v128, r: v128, term: f32): v128 {
  return f32x4.add(f32x4.mul(p, r), f32x4.splat(term))
}

// @ts-ignore: decorator
@inline
function expV(x: v128): v128 {
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
