import { type Constant, count, type ElementType, stridesOf } from '../value.js'
import { type At, type Infer, Misfit } from './at.js'
import { walk } from './elementwise.js'

/**
 * The axes of a reduction: an attribute, or an input from opset 13 (ReduceSum) or 18 on; all where
 * none are named.
 */
export function axesOf(at: At): number[] {
  const { dims } = at.value(0)
  const given = at.list(1, 'axes', 'axes')
  if (given === undefined || given.length === 0)
    return at.int('noop_with_empty_axes', 0) === 1 ? [] : dims.map((_, d) => d)
  return given.map((axis) => at.axis(axis, dims.length))
}

const reduced = (at: At, axes: readonly number[]): number[] => {
  const keep = at.int('keepdims', 1) === 1
  return at.value(0).dims.flatMap((side, d) => (axes.includes(d) ? (keep ? [1] : []) : [side]))
}

type Fold = (list: readonly number[]) => number

const reduce =
  (fold: Fold): Infer =>
  (at) => {
    const input = at.value(0)
    const axes = axesOf(at)
    return at.result(input.type, reduced(at, axes), (into) =>
      eachRun(input as Constant, axes, (list, n) => {
        into[n] = fold(list)
      }),
    )
  }

/** Calls `visit` with the values that are reduced to each element of the result. */
function eachRun(
  { dims, values }: Constant,
  axes: readonly number[],
  visit: (list: number[], n: number) => void,
) {
  const strides = stridesOf(dims)
  const kept = dims.map((_, d) => d).filter((d) => !axes.includes(d))
  const pick = (list: readonly number[], order: readonly number[]) => order.map((d) => list[d])
  let n = 0
  walk(pick(dims, kept), pick(strides, kept), 0, (start) => {
    const list: number[] = []
    walk(pick(dims, axes), pick(strides, axes), start, (at) => list.push(values[at]))
    visit(list, n++)
  })
}

/** The place of the largest or smallest value along an axis, the first of equal ones. */
const arg =
  (better: (a: number, b: number) => boolean): Infer =>
  (at) => {
    const input = at.value(0)
    const axis = at.axis(at.int('axis', 0), input.dims.length)
    if (at.int('select_last_index', 0) !== 0) throw new Misfit('it selects the last of equal values')
    const type: ElementType = 'int64'
    return at.result(type, reduced(at, [axis]), (into) =>
      eachRun(input as Constant, [axis], (list, n) => {
        into[n] = list.reduce((best, value, k) => (better(value, list[best]) ? k : best), 0)
      }),
    )
  }

const sum: Fold = (list) => list.reduce((a, b) => a + b, 0)
const squares: Fold = (list) => list.reduce((a, b) => a + b * b, 0)

export const reductions: Readonly<Record<string, Infer>> = {
  ReduceMean: reduce((list) => sum(list) / list.length),
  ReduceSum: reduce(sum),
  ReduceProd: reduce((list) => count(list)),
  ReduceMax: reduce((list) => Math.max(...list)),
  ReduceMin: reduce((list) => Math.min(...list)),
  ReduceL1: reduce((list) => sum(list.map(Math.abs))),
  ReduceL2: reduce((list) => Math.sqrt(squares(list))),
  ReduceSumSquare: reduce(squares),
  ArgMax: arg((a, b) => a > b),
  ArgMin: arg((a, b) => a < b),
}
