import type { activationKinds } from '../program/kinds.js'

const logistic = (x: number): number => 1 / (1 + Math.exp(-x))

/**
 * x (1 + erf(x / sqrt 2)) / 2 in float64: erf by its Maclaurin series, and from 3 on erfc by its continued fraction
 * (Abramowitz and Stegun, 7.1.5 and 7.1.14).
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

/** The formula of each curved activation, in float64: the quantiser makes the tables of int8 models from it. */
export const curves: Readonly<Record<keyof typeof activationKinds, (x: number) => number>> = {
  logistic,
  swish: (x) => x * logistic(x),
  mish: (x) => x * Math.tanh(Math.log1p(Math.exp(Math.min(x, 30)))),
  gelu,
  tanh: Math.tanh,
}
