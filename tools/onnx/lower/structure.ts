import { Misfit } from '../infer/at.js'
import { cutsOf, partsOf } from '../infer/structure.js'
import { count, isConstant } from '../value.js'
import { shapeOf } from './builder.js'
import type { Lower, Lowering } from './lowering.js'
import { expand, plain, refine, reshape, transpose, type View } from './view.js'

/**
 * The result is the input in another shape: its data move only where a view can't have that shape.
 */
export const reshaped: Lower = (lowering) => {
  const dims = lowering.outputDims()
  const view = lowering.view(0)
  const moved = reshape(view, dims)
  if (moved !== undefined) {
    lowering.give(moved)
    return
  }
  // The elements move: into an order near the one that they lie in, so that a map stays a map.
  const finer = refine(view.dims, dims)
  const cut = finer === undefined ? undefined : reshape(view, finer.dims)
  if (finer === undefined || cut === undefined) {
    lowering.give(plain(lowering.ordered(0, shapeOf(dims)), dims))
    return
  }
  const reach = (d: number) =>
    Math.min(Number.POSITIVE_INFINITY, ...finer.groups[d].map((part) => Math.abs(cut.strides[part])))
  const order = dims
    .map((_, d) => d)
    .sort((x, y) => (reach(x) === reach(y) ? x - y : reach(y) > reach(x) ? 1 : -1))
  const sides = order.map((d) => dims[d])
  const parts = order.flatMap((d) => finer.groups[d])
  const tensor = lowering.builder.realise(cut, lowering.name, shapeOf(sides), parts)
  const back = order.map((_, d) => order.indexOf(d))
  lowering.give(transpose(plain(tensor, sides), back))
}

export const transposed: Lower = (lowering) => {
  const view = lowering.view(0)
  const rank = view.dims.length
  const perm = lowering.at.ints('perm') ?? Array.from({ length: rank }, (_, d) => rank - 1 - d)
  lowering.give(transpose(view, perm))
}

export const sliced: Lower = (lowering) => {
  const view = lowering.view(0)
  const cuts = cutsOf(lowering.at)
  lowering.give({
    ...view,
    dims: cuts.map(({ length }) => length),
    strides: cuts.map(({ step }, d) => step * view.strides[d]),
    offset: cuts.reduce((sum, { start }, d) => sum + start * view.strides[d], view.offset),
  })
}

export const split: Lower = (lowering) => {
  const view = lowering.view(0)
  const { axis, sizes } = partsOf(lowering.at)
  let start = 0
  for (const [n, length] of sizes.entries()) {
    lowering.give(
      {
        ...view,
        dims: view.dims.map((side, d) => (d === axis ? length : side)),
        offset: view.offset + start * view.strides[axis],
      },
      n,
    )
    start += length
  }
}

export const expanded: Lower = (lowering) => lowering.give(expand(lowering.view(0), lowering.outputDims()))

/** A dimension of one element repeats by itself; others would need a copy of what they repeat. */
export const tiled: Lower = (lowering) => {
  const view = lowering.view(0)
  const repeats = [...lowering.constant(1, 'repeats').values]
  const twice: View = {
    ...view,
    dims: view.dims.flatMap((side, d) => [repeats[d], side]),
    strides: view.strides.flatMap((stride) => [0, stride]),
  }
  const dims = lowering.outputDims()
  const moved = reshape(twice, dims)
  if (moved !== undefined) {
    lowering.give(moved)
    return
  }
  lowering.give(plain(lowering.builder.realise(twice, lowering.name, shapeOf(dims)), dims))
}

/**
 * Parts are joined in the order that the longest of them lies in, so maps stay maps. Along the
 * channels the planner lets each producer write into the result; along others a row of all of a
 * part's elements is its channels.
 */
export const concat: Lower = (lowering) => {
  const { at, builder } = lowering
  const views = at.inputs.map((_, n) => lowering.view(n))
  const axis = at.axis(at.int('axis', 1), views[0].dims.length)
  const first = views.reduce((most, view) => (view.dims[axis] > most.dims[axis] ? view : most))
  const all = first.dims.map((_, d) => d)
  // Strides of sides of 1 say nothing: they come first, and the axis itself last of them.
  const reach = (d: number) => (first.dims[d] > 1 ? Math.abs(first.strides[d]) : Number.POSITIVE_INFINITY)
  const order = [...all].sort((a, b) => {
    if (reach(a) !== reach(b)) return reach(a) > reach(b) ? -1 : 1
    return Number(a === axis) - Number(b === axis) || a - b
  })
  const place = order.indexOf(axis)
  const outer = order.slice(0, place)
  const inner = order.slice(place + 1)
  const rest = count(inner.map((d) => first.dims[d]))
  const dims = lowering.outputDims()
  const outside = outer.map((d) => first.dims[d])
  const [height, width] = [count(outside.slice(0, -1)), outside.at(-1) ?? 1]
  const parts = views.map((view, n) =>
    builder.realise(view, `${at.node.inputs[n]}:part`, [1, height, width, view.dims[axis] * rest], order),
  )
  const joined = builder.node('concat', lowering.name, parts, [1, height, width, dims[axis] * rest])
  const back = all.map((d) => order.indexOf(d))
  lowering.give(
    transpose(
      plain(
        joined,
        order.map((d) => dims[d]),
      ),
      back,
    ),
  )
}

/** The step between indices that stand at equal distances, or undefined. */
function regular(indices: ArrayLike<number>): number | undefined {
  const step = indices.length > 1 ? indices[1] - indices[0] : 1
  for (let n = 1; n < indices.length; n++) if (indices[n] - indices[n - 1] !== step) return undefined
  return step
}

export const gather: Lower = (lowering) => {
  const { at } = lowering
  const [data, indices] = [at.value(0), at.value(1)]
  const axis = at.axis(at.int('axis', 0), data.dims.length)
  const side = data.dims[axis]
  if (isConstant(indices)) {
    const list = [...indices.values].map((index) => (index < 0 ? index + side : index))
    const step = regular(list)
    if (step !== undefined && list.length > 0) {
      const view = lowering.view(0)
      const moved: View = {
        ...view,
        dims: [...data.dims.slice(0, axis), list.length, ...data.dims.slice(axis + 1)],
        strides: view.strides.map((stride, d) => (d === axis ? stride * step : stride)),
        offset: view.offset + list[0] * view.strides[axis],
      }
      const shaped = reshape(moved, lowering.outputDims())
      if (shaped !== undefined) {
        lowering.give(shaped)
        return
      }
    }
  }
  if (indices.type === 'float32') throw new Misfit('indices that are no integers')
  gatherRows(lowering, axis, lowering.ordered(1, [1, 1, count(indices.dims), 1]), indices.dims)
}

/** Rows of the data, its axis first, in the order of the indices. */
function gatherRows(lowering: Lowering, axis: number, indices: string, dims: readonly number[]): void {
  const { builder } = lowering
  const view = lowering.view(0)
  const rest = view.dims.map((_, d) => d).filter((d) => d !== axis)
  const channels = count(rest.map((d) => view.dims[d]))
  const table = builder.realise(
    view,
    `${lowering.name}:rows`,
    [1, 1, view.dims[axis], channels],
    [axis, ...rest],
  )
  const rows = builder.node('gather', lowering.name, [table, indices], [1, 1, count(dims), channels])
  // [indices..., rest...]: the indices belong where the axis was.
  const found = plain(rows, [...dims, ...rest.map((d) => view.dims[d])])
  const order = [
    ...rest.filter((d) => d < axis).map((d) => dims.length + rest.indexOf(d)),
    ...dims.map((_, d) => d),
    ...rest.filter((d) => d > axis).map((d) => dims.length + rest.indexOf(d)),
  ]
  lowering.give(transpose(found, order))
}

/**
 * Indices that are the same for all elements of a row choose whole rows, as masking does in MAE.
 */
export const gatherElements: Lower = (lowering) => {
  const { at, builder } = lowering
  const [data, view] = [lowering.view(0), lowering.view(1)]
  const axis = at.axis(at.int('axis', 0), data.dims.length)
  const whole = view.dims.every((side, d) => d === axis || side === data.dims[d])
  const repeats = view.dims.every((side, d) => d === axis || side === 1 || view.strides[d] === 0)
  if (!whole || !repeats) throw new Misfit('indices that differ within a row')
  const row: View = { ...view, dims: view.dims.map((side, d) => (d === axis ? side : 1)) }
  const indices = builder.realise(row, `${at.node.inputs[1]}:row`, [1, 1, view.dims[axis], 1])
  gatherRows(lowering, axis, indices, [view.dims[axis]])
}
