// exp and log of float64 by plain additions and multiplications, so that no platform's library
// decides a digit.
//
// exp(x) = 2^k * exp(r) with k = round(x * log2 e) and |r| <= 0.347. exp(r) is its Taylor
// polynomial of degree 13, whose remainder is below 2^-57. ln 2 has two parts (Cody and Waite), of
// which the first is exact times k. 2^k has two factors, so that results down to the smallest are
// rounded and not lost. The result is within 2 ulp.
//
// log(x) = e * ln 2 + 2 * atanh(s) with x = 2^e * m, m in [sqrt(1/2), sqrt(2)), s = (m - 1) / (m +
// 1) and |s| <= 0.172. atanh is its series to s^21, whose remainder is below 2^-56. The result is
// within 1e-15, absolute or relative.

const LOG2E: f64 = 1.4426950408889634
const LN2_HIGH: f64 = 0.6931471803691238 // its last 21 bits are 0
const LN2_LOW: f64 = 1.9082149292705877e-10
const SQRT2: f64 = 1.4142135623730951
const MAGIC: f64 = 6755399441055744.0 // 1.5 * 2^52: adding it leaves no bits for a fraction

/** NaN gives NaN, x beyond 709.79 infinity, and x below -745.14 zero. */
export function exp(x: f64): f64 {
  x = x > 710 ? 710 : x
  x = x < -746 ? -746 : x
  const shifted = x * LOG2E + MAGIC
  const n = <i32>reinterpret<i64>(shifted)
  const k = shifted - MAGIC
  const r = x - k * LN2_HIGH - k * LN2_LOW
  let p: f64 = 1.0 / 6227020800
  p = p * r + 1.0 / 479001600
  p = p * r + 1.0 / 39916800
  p = p * r + 1.0 / 3628800
  p = p * r + 1.0 / 362880
  p = p * r + 1.0 / 40320
  p = p * r + 1.0 / 5040
  p = p * r + 1.0 / 720
  p = p * r + 1.0 / 120
  p = p * r + 1.0 / 24
  p = p * r + 1.0 / 6
  p = p * r + 0.5
  p = p * r + 1
  p = p * r + 1
  const half = n >> 1
  return p * power(half) * power(n - half)
}

/** 2^n, for -1022 <= n <= 1023. */
// @ts-ignore: decorator
@inline
function power(n: i32): f64 {
  return reinterpret<f64>((<i64>n + 1023) << 52)
}

/** x is finite and at least 2^-1022. */
export function log(x: f64): f64 {
  const bits = reinterpret<i64>(x)
  let e = <i32>(bits >> 52) - 1023
  let m = reinterpret<f64>((bits & 0xfffffffffffff) | 0x3ff0000000000000)
  if (m >= SQRT2) {
    m *= 0.5
    e++
  }
  const s = (m - 1) / (m + 1)
  const z = s * s
  let p: f64 = 1.0 / 21
  for (let n = 19; n > 0; n -= 2) p = p * z + 1.0 / <f64>n
  const k = <f64>e
  return k * LN2_HIGH + (2 * s * p + k * LN2_LOW)
}

/** 1 / (1 + exp(-x)) */
// @ts-ignore: decorator
@inline
export function sigmoid(x: f64): f64 {
  return 1 / (1 + exp(-x))
}
