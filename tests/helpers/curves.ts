import type { Node } from '../../src/host/graph/types.js'
import type { activationKinds, curveKinds } from '../../src/host/program/kinds.js'
import { gelu } from './reference-tokens.js'

/** The curved activations by their definition, written without a look at the product's. */
export const curves: Readonly<Record<keyof typeof activationKinds, (x: number) => number>> = {
  logistic: (x) => 1 / (1 + Math.exp(-x)),
  swish: (x) => x / (1 + Math.exp(-x)),
  mish: (x) => x * Math.tanh(Math.log1p(Math.exp(x))),
  gelu,
  tanh: Math.tanh,
  hardSwish(x) {
    if (x <= -3) return 0
    return x >= 3 ? x : (x * (x + 3)) / 6
  },
}

/** Those that curve_f32 computes, some with parameters. */
export const parametricCurves: Readonly<
  Record<keyof typeof curveKinds, (x: number, a: number, b: number) => number>
> = {
  relu: (x) => Math.max(x, 0),
  square: (x) => x * x,
  sqrt: Math.sqrt,
  reciprocal: (x) => 1 / x,
  abs: Math.abs,
  exp: Math.exp,
  log: Math.log,
  erf: (x) => (x === 0 ? 0 : (2 * gelu(x * Math.SQRT2)) / (x * Math.SQRT2) - 1),
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  softsign: (x) => x / (1 + Math.abs(x)),
  leakyRelu: (x, a) => (x < 0 ? x * a : x),
  clip: (x, a, b) => Math.min(b, Math.max(a, x)),
  affine: (x, a, b) => a * x + b,
  elu: (x, a) => (x < 0 ? a * Math.expm1(x) : x),
  celu: (x, a) => (x < 0 ? a * Math.expm1(x / a) : x),
  selu: (x, a, b) => b * (x < 0 ? a * Math.expm1(x) : x),
  hardSigmoid: (x, a, b) => Math.min(1, Math.max(0, a * x + b)),
  power: (x, a) => x ** a,
  hardMish(x) {
    if (x >= 0) return x
    // The parabola's vertex is at -1, its value there -1/2.
    return x <= -2 ? 0 : ((x + 1) ** 2 - 1) / 2
  },
}

/** The curve of a node, by its attributes. */
export function curveOf({ attributes: { kind, alpha, beta } }: Node): (x: number) => number {
  const all = Object.entries({ ...curves, ...parametricCurves })
  const found = all.find(([name]) => name === kind)
  if (found === undefined) throw new Error(`no curve ${String(kind)}`)
  return (x) => found[1](x, Number(alpha), Number(beta))
}
