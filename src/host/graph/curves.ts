import type { activationKinds, curveKinds } from '../program/kinds.js'

const logistic = (x: number): number => 1 / (1 + Math.exp(-x))

/**
 * x (1 + erf(x / sqrt 2)) / 2 in float64: erf by its Maclaurin series, and from 3 on erfc by its
 * continued fraction (Abramowitz and Stegun, 7.1.5 and 7.1.14).
 */
function gelu(x: number): number {
  const z = Math.abs(x) / Math.SQRT2
  if (z < 3) {
    let term = z
    let sum = z
    for (let n = 1; n < 80; n++) {
      term *= (-z * z) / n
      sum += term / (2 * n + 1)
    }
    return 0.5 * x * (1 + (Math.sign(x) * 2 * sum) / Math.sqrt(Math.PI))
  }
  let fraction = 0
  for (let n = 60; n >= 1; n--) fraction = n / 2 / (z + fraction)
  const tail = (0.5 * x * Math.exp(-z * z)) / (z + fraction) / Math.sqrt(Math.PI)
  return x > 0 ? x - tail : tail
}

/**
 * The formula of each curved activation, in float64: the quantiser makes the tables of int8 models
 * from it.
 */
export const curves: Readonly<Record<keyof typeof activationKinds, (x: number) => number>> = {
  logistic,
  swish: (x) => x * logistic(x),
  mish: (x) => x * Math.tanh(Math.log1p(Math.exp(Math.min(x, 30)))),
  gelu,
  tanh: Math.tanh,
  /** Howard et al., Searching for MobileNetV3, 2019, section 5.2. */
  hardSwish: (x) => (x * Math.min(Math.max(x + 3, 0), 6)) / 6,
}

/** The same of the curves that curve_f32 computes, which may have two parameters. */
export const parametricCurves: Readonly<
  Record<keyof typeof curveKinds, (x: number, alpha: number, beta: number) => number>
> = {
  relu: (x) => Math.max(x, 0),
  leakyRelu: (x, alpha) => (x < 0 ? x * alpha : x),
  clip: (x, alpha, beta) => Math.min(Math.max(x, alpha), beta),
  affine: (x, alpha, beta) => alpha * x + beta,
  square: (x) => x * x,
  sqrt: (x) => Math.sqrt(Math.max(x, 0)),
  reciprocal: (x) => 1 / x,
  abs: Math.abs,
  exp: Math.exp,
  log: Math.log,
  erf: (x) => (x === 0 ? 0 : (2 * gelu(x * Math.SQRT2)) / (x * Math.SQRT2) - 1),
  elu: (x, alpha) => (x < 0 ? alpha * Math.expm1(x) : x),
  celu: (x, alpha) => (x < 0 ? alpha * Math.expm1(x / alpha) : x),
  selu: (x, alpha, beta) => beta * (x < 0 ? alpha * Math.expm1(x) : x),
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  softsign: (x) => x / (1 + Math.abs(x)),
  hardSigmoid: (x, alpha, beta) => Math.min(Math.max(alpha * x + beta, 0), 1),
  power: (x, alpha) => x ** alpha,
  /** darknet's hard_mish: a parabola from -2 to 0. */
  hardMish: (x) => (x > 0 ? x : x > -2 ? (x * x) / 2 + x : 0),
}
