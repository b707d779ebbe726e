import { type Constant, isFloat, stridesOf, type Value, type Values } from '../value.js'
import { type At, type Infer, Misfit } from './at.js'

/** The shape that shapes broadcast to, as numpy has it. */
export function broadcast(...shapes: readonly (readonly number[])[]): number[] {
  const rank = Math.max(...shapes.map((dims) => dims.length))
  const result = new Array<number>(rank).fill(1)
  for (const dims of shapes) {
    for (const [d, side] of dims.entries()) {
      const at = rank - dims.length + d
      if (side === 1) continue
      if (result[at] !== 1 && result[at] !== side)
        throw new Misfit(`shapes ${shapes.map((s) => `[${s}]`).join(' and ')} do not fit each other`)
      result[at] = side
    }
  }
  return result
}

/** Strides of a value within a shape that it broadcasts to: 0 where it repeats. */
export function spreadStrides(from: readonly number[], to: readonly number[]): number[] {
  const strides = stridesOf(from)
  const missing = to.length - from.length
  return to.map((_, d) => (d < missing || from[d - missing] === 1 ? 0 : strides[d - missing]))
}

/** Calls `visit` with the source offset of each element of `dims`, in order. */
export function walk(
  dims: readonly number[],
  strides: readonly number[],
  start: number,
  visit: (at: number) => void,
) {
  const length = dims.reduce((a, b) => a * b, 1)
  const position = dims.map(() => 0)
  let at = start
  for (let n = 0; n < length; n++) {
    visit(at)
    for (let d = dims.length - 1; d >= 0; d--) {
      at += strides[d]
      if (++position[d] < dims[d]) break
      at -= strides[d] * dims[d]
      position[d] = 0
    }
  }
}

/** The values of a constant as they repeat in a shape that it broadcasts to. */
export function spread(constant: Constant, dims: readonly number[]): number[] {
  const list: number[] = []
  walk(dims, spreadStrides(constant.dims, dims), 0, (at) => list.push(constant.values[at]))
  return list
}

type Unary = (x: number) => number
const unary =
  (compute: (at: At) => Unary): Infer =>
  (at) => {
    const input = at.value(0)
    return at.result(input.type, input.dims, (into) => {
      const f = compute(at)
      const { values } = input as Constant
      for (let n = 0; n < into.length; n++) into[n] = f(values[n])
    })
  }

/** Shapes only: folding these never occurs in an export. */
const curve: Infer = (at) => at.result(at.value(0).type, at.value(0).dims)

type Binary = (a: number, b: number) => number
const binary =
  (compute: (at: At) => Binary, type?: 'bool'): Infer =>
  (at) => {
    const inputs = at.inputs.map((_, n) => at.value(n))
    if (inputs.length === 0) throw new Misfit('it has no input')
    const dims = inputs.map((value) => value.dims).reduce((a, b) => broadcast(a, b))
    return at.result(type ?? inputs[0].type, dims, (into) => {
      const f = compute(at)
      fillFrom(into, spread(inputs[0] as Constant, dims))
      for (const input of inputs.slice(1)) {
        const other = spread(input as Constant, dims)
        for (let n = 0; n < into.length; n++) into[n] = f(into[n], other[n])
      }
    })
  }

/** Comparisons go through float64, as bool could not hold the first operand. */
const compare =
  (f: (a: number, b: number) => boolean): Infer =>
  (at) => {
    const [a, b] = [at.value(0), at.value(1)]
    const dims = broadcast(a.dims, b.dims)
    return at.result('bool', dims, (into) => {
      const [left, right] = [spread(a as Constant, dims), spread(b as Constant, dims)]
      for (let n = 0; n < into.length; n++) into[n] = f(left[n], right[n]) ? 1 : 0
    })
  }

const fillFrom = (into: Values, list: readonly number[]): void => {
  for (let n = 0; n < into.length; n++) into[n] = list[n]
}

const divide: Infer = binary((at) =>
  isFloat(at.value(0).type) ? (a, b) => a / b : (a, b) => Math.trunc(a / b),
)

/** `fmod` keeps the dividend's sign, as C does; otherwise the divisor's. */
const modulo: Infer = binary((at) =>
  at.int('fmod', 0) === 1 ? (a, b) => a % b : (a, b) => a - b * Math.floor(a / b),
)

/** A slope for each channel stands along the second dimension, whatever numpy's rule would say. */
const prelu: Infer = (at) => {
  const [x, slope] = [at.value(0), at.value(1)]
  broadcast(x.dims, slope.dims)
  return at.result(x.type, x.dims)
}

const clip: Infer = unary((at) => {
  const bound = (index: number, name: string, otherwise: number) =>
    at.has(index) ? at.constant(index, name).values[0] : at.float(name, otherwise)
  const [low, high] = [bound(1, 'min', Number.NEGATIVE_INFINITY), bound(2, 'max', Number.POSITIVE_INFINITY)]
  return (x) => Math.min(Math.max(x, low), high)
})

const where: Infer = (at) => {
  const [condition, yes, no] = [at.value(0), at.value(1), at.value(2)]
  const dims = broadcast(condition.dims, yes.dims, no.dims)
  return at.result(yes.type, dims, (into) => {
    const [c, y, n] = [condition, yes, no].map((value) => spread(value as Constant, dims))
    for (let i = 0; i < into.length; i++) into[i] = c[i] ? y[i] : n[i]
  })
}

const cast: Infer = (at) => {
  const to = at.int('to', 1)
  const input = at.value(0)
  const type = at.readTensor({ name: '', dims: [0], type: to, floats: [], integers: [], strings: 0 }).type
  return at.result(type, input.dims, (into) => {
    const { values } = input as Constant
    for (let n = 0; n < into.length; n++)
      into[n] = type === 'bool' ? (values[n] ? 1 : 0) : isFloat(type) ? values[n] : Math.trunc(values[n])
  })
}

const same: Infer = (at) => at.value(0)

/** In inference a dropout passes its input on; its mask, which nothing reads, is all true. */
const dropout: Infer = (at) =>
  at.node.outputs.length > 1 ? [at.value(0), { type: 'bool', dims: at.value(0).dims }] : at.value(0)

/** Rounds halves to even, as IEEE 754 does. */
const roundEven = (x: number): number => {
  const down = Math.floor(x)
  if (x - down !== 0.5) return Math.round(x)
  return down % 2 === 0 ? down : down + 1
}

const plain = (f: Unary): Infer => unary(() => f)
const pair = (f: Binary): Infer => binary(() => f)

export const elementwise: Readonly<Record<string, Infer>> = {
  Abs: plain(Math.abs),
  Neg: plain((x) => -x),
  Sqrt: plain(Math.sqrt),
  Exp: plain(Math.exp),
  Log: plain(Math.log),
  Floor: plain(Math.floor),
  Ceil: plain(Math.ceil),
  Round: plain(roundEven),
  Sign: plain(Math.sign),
  Reciprocal: plain((x) => 1 / x),
  Sin: plain(Math.sin),
  Cos: plain(Math.cos),
  Not: plain((x) => (x ? 0 : 1)),
  Relu: plain((x) => Math.max(x, 0)),
  Sigmoid: plain((x) => 1 / (1 + Math.exp(-x))),
  Tanh: plain(Math.tanh),
  Erf: curve,
  Gelu: curve,
  Softplus: curve,
  Softsign: curve,
  Elu: curve,
  Selu: curve,
  Celu: curve,
  LeakyRelu: curve,
  HardSigmoid: curve,
  HardSwish: curve,
  Mish: curve,
  ThresholdedRelu: curve,
  Clip: clip,
  Cast: cast,
  Identity: same,
  Dropout: dropout,
  Add: pair((a, b) => a + b),
  Sub: pair((a, b) => a - b),
  Mul: pair((a, b) => a * b),
  Div: divide,
  Mod: modulo,
  Pow: pair((a, b) => a ** b),
  Min: pair(Math.min),
  Max: pair(Math.max),
  Sum: pair((a, b) => a + b),
  And: pair((a, b) => (a && b ? 1 : 0)),
  Or: pair((a, b) => (a || b ? 1 : 0)),
  Xor: pair((a, b) => (!a !== !b ? 1 : 0)),
  Equal: compare((a, b) => a === b),
  Less: compare((a, b) => a < b),
  LessOrEqual: compare((a, b) => a <= b),
  Greater: compare((a, b) => a > b),
  GreaterOrEqual: compare((a, b) => a >= b),
  PRelu: prelu,
  Where: where,
}

/** Results that are an input as it is: the reader lets whoever reads them read that. */
export const passes = (op: string): boolean => op === 'Identity' || op === 'Dropout'

export const isSame = (a: Value, b: Value): boolean =>
  a.dims.length === b.dims.length && a.dims.every((side, d) => side === b.dims[d])
