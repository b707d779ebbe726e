import { type Constant, count, isConstant, stridesOf, type Value } from '../value.js'
import { type At, checkedCount, type Infer, Misfit } from './at.js'
import { broadcast, spreadStrides, walk } from './elementwise.js'

/** Fills a result from its input, read at these strides. */
const strided = (
  at: At,
  input: Value,
  dims: readonly number[],
  strides: readonly number[],
  start = 0,
): Value =>
  at.result(input.type, dims, (into) => {
    let n = 0
    walk(dims, strides, start, (from) => {
      into[n++] = (input as Constant).values[from]
    })
  })

/** The same values in another shape: constants share their memory. */
const reshaped = (input: Value, dims: readonly number[]): Value => {
  if (checkedCount(dims) !== count(input.dims))
    throw new Misfit(`[${input.dims}] can't take the shape [${dims}]`)
  return { ...input, dims }
}

const shape: Infer = (at) => {
  const { dims } = at.value(0)
  const rank = dims.length
  const bound = (value: number) => Math.min(Math.max(value < 0 ? value + rank : value, 0), rank)
  const part = dims.slice(bound(at.int('start', 0)), bound(at.int('end', rank)))
  return { type: 'int64', dims: [part.length], values: Float64Array.from(part) }
}

const size: Infer = (at) => ({ type: 'int64', dims: [], values: Float64Array.of(count(at.value(0).dims)) })

const reshape: Infer = (at) => {
  const input = at.value(0)
  const wanted = [...(at.list(1, 'shape', 'shape') ?? [])]
  const allowZero = at.int('allowzero', 0) === 1
  const dims = wanted.map((side, d) => {
    if (side !== 0 || allowZero) return side
    if (d >= input.dims.length) throw new Misfit(`shape [${wanted}] copies a dimension that the input lacks`)
    return input.dims[d]
  })
  const open = dims.indexOf(-1)
  if (open >= 0) {
    const rest = count(dims.filter((_, d) => d !== open))
    dims[open] = rest === 0 ? 0 : count(input.dims) / rest
  }
  return reshaped(input, dims)
}

const flatten: Infer = (at) => {
  const { dims } = at.value(0)
  const axis = at.int('axis', 1)
  const cut = axis < 0 ? axis + dims.length : axis
  if (cut < 0 || cut > dims.length) throw new Misfit(`axis ${axis} of ${dims.length} dimensions`)
  return reshaped(at.value(0), [count(dims.slice(0, cut)), count(dims.slice(cut))])
}

const squeeze: Infer = (at) => {
  const input = at.value(0)
  const given = at.list(1, 'axes', 'axes')
  const axes = given?.map((axis) => at.axis(axis, input.dims.length))
  if (axes?.some((axis) => input.dims[axis] !== 1))
    throw new Misfit(`[${input.dims}] has more than 1 at axes ${given}`)
  return reshaped(
    input,
    input.dims.filter((side, d) => (axes === undefined ? side !== 1 : !axes.includes(d))),
  )
}

const unsqueeze: Infer = (at) => {
  const input = at.value(0)
  const given = at.list(1, 'axes', 'axes') ?? []
  const rank = input.dims.length + given.length
  if (rank > 16) throw new Misfit(`the result would have ${rank} dimensions`)
  const axes = new Set(given.map((axis) => at.axis(axis, rank)))
  if (axes.size !== given.length) throw new Misfit(`axes ${given} name one twice`)
  const sides = [...input.dims]
  return reshaped(
    input,
    Array.from({ length: rank }, (_, d) => (axes.has(d) ? 1 : (sides.shift() ?? 1))),
  )
}

const transpose: Infer = (at) => {
  const input = at.value(0)
  const rank = input.dims.length
  const perm = at.ints('perm') ?? Array.from({ length: rank }, (_, d) => rank - 1 - d)
  if ([...perm].sort((a, b) => a - b).some((axis, d) => axis !== d) || perm.length !== rank)
    throw new Misfit(`perm [${perm}] is no order of ${rank} dimensions`)
  const strides = stridesOf(input.dims)
  return strided(
    at,
    input,
    perm.map((axis) => input.dims[axis]),
    perm.map((axis) => strides[axis]),
  )
}

const expand: Infer = (at) => {
  const input = at.value(0)
  const dims = broadcast(input.dims, [...at.constant(1, 'shape').values])
  return strided(at, input, dims, spreadStrides(input.dims, dims))
}

const tile: Infer = (at) => {
  const input = at.value(0)
  const repeats = [...at.constant(1, 'repeats').values]
  if (repeats.length !== input.dims.length)
    throw new Misfit(`${repeats.length} repeats of ${input.dims.length} dimensions`)
  const strides = stridesOf(input.dims)
  // Each dimension becomes two: its repeats, which do not move, and itself.
  const twice = input.dims.flatMap((side, d) => [repeats[d], side])
  const moves = strides.flatMap((stride) => [0, stride])
  checkedCount(twice)
  const flat = strided(at, input, twice, moves)
  return { ...flat, dims: input.dims.map((side, d) => side * repeats[d]) }
}

const concat: Infer = (at) => {
  const inputs = at.inputs.map((_, n) => at.value(n))
  if (inputs.length === 0) throw new Misfit('it has no input')
  const [first] = inputs
  const axis = at.axis(at.int('axis', 1), first.dims.length)
  const fits = (dims: readonly number[]) =>
    dims.length === first.dims.length && dims.every((side, d) => d === axis || side === first.dims[d])
  if (!inputs.every(({ dims }) => fits(dims)))
    throw new Misfit(`shapes ${inputs.map(({ dims }) => `[${dims}]`).join(', ')} differ beyond axis ${axis}`)
  const dims = first.dims.map((side, d) =>
    d === axis ? inputs.reduce((sum, v) => sum + v.dims[axis], 0) : side,
  )
  return at.result(first.type, dims, (into) => {
    const outer = count(dims.slice(0, axis))
    let n = 0
    for (let row = 0; row < outer; row++) {
      for (const input of inputs as Constant[]) {
        const run = count(input.dims.slice(axis))
        for (let k = 0; k < run; k++) into[n++] = input.values[row * run + k]
      }
    }
  })
}

/** One dimension of a slice: where it starts, its step, and how many elements it takes. */
export interface Cut {
  readonly start: number
  readonly step: number
  readonly length: number
}

/** How a Slice cuts each dimension; ends near 2^63 mean "to the end". */
export function cutsOf(at: At): Cut[] {
  const { dims } = at.value(0)
  const starts = at.list(1, 'starts', 'starts') ?? []
  const ends = at.list(2, 'ends', 'ends') ?? []
  const axes = at.list(3, 'axes', 'axes') ?? starts.map((_, d) => d)
  const steps = at.has(4) ? [...at.constant(4, 'steps').values] : starts.map(() => 1)
  if (ends.length !== starts.length || axes.length !== starts.length || steps.length !== starts.length)
    throw new Misfit('its starts, ends, axes and steps differ in number')
  const cuts = dims.map((length): Cut => ({ start: 0, step: 1, length }))
  for (const [n, given] of axes.entries()) {
    const axis = at.axis(given, dims.length)
    const side = dims[axis]
    const step = steps[n]
    if (!Number.isSafeInteger(step) || step === 0) throw new Misfit(`a step of ${step}`)
    const counted = (value: number) => (value < 0 ? value + side : value)
    const clamp = (value: number, low: number, high: number) => Math.min(Math.max(value, low), high)
    const start = step > 0 ? clamp(counted(starts[n]), 0, side) : clamp(counted(starts[n]), -1, side - 1)
    const end = step > 0 ? clamp(counted(ends[n]), 0, side) : clamp(counted(ends[n]), -1, side)
    cuts[axis] = { start, step, length: Math.max(0, Math.ceil((end - start) / step)) }
  }
  return cuts
}

const slice: Infer = (at) => {
  const input = at.value(0)
  const cuts = cutsOf(at)
  const strides = stridesOf(input.dims)
  const start = cuts.reduce((sum, cut, d) => sum + (cut.length > 0 ? cut.start : 0) * strides[d], 0)
  return strided(
    at,
    input,
    cuts.map((cut) => cut.length),
    cuts.map((cut, d) => cut.step * strides[d]),
    start,
  )
}

/** Sizes of the parts of a Split along its axis. */
export function partsOf(at: At): { axis: number; sizes: number[] } {
  const { dims } = at.value(0)
  const axis = at.axis(at.int('axis', 0), dims.length)
  const given = at.list(1, 'split', 'sizes')
  if (given !== undefined && given.length > 0) {
    if (given.reduce((a, b) => a + b, 0) !== dims[axis] || given.some((part) => part < 0))
      throw new Misfit(`parts [${given}] of ${dims[axis]}`)
    return { axis, sizes: [...given] }
  }
  const parts = at.int('num_outputs', at.node.outputs.length)
  const each = Math.ceil(dims[axis] / parts)
  const sizes = Array.from({ length: parts }, (_, n) => Math.min(each, dims[axis] - n * each))
  if (sizes.some((part) => part < 0)) throw new Misfit(`${parts} parts of ${dims[axis]}`)
  return { axis, sizes }
}

const split: Infer = (at) => {
  const input = at.value(0)
  const { axis, sizes } = partsOf(at)
  const strides = stridesOf(input.dims)
  let start = 0
  return sizes.map((part) => {
    const dims = input.dims.map((side, d) => (d === axis ? part : side))
    const result = strided(at, input, dims, strides, start * strides[axis])
    start += part
    return result
  })
}

const wrapped = (index: number, side: number): number => {
  const counted = index < 0 ? index + side : index
  if (!Number.isSafeInteger(index) || counted < 0 || counted >= side)
    throw new Misfit(`index ${index} of ${side}`)
  return counted
}

const gather: Infer = (at) => {
  const [data, indices] = [at.value(0), at.value(1)]
  const axis = at.axis(at.int('axis', 0), data.dims.length)
  const dims = [...data.dims.slice(0, axis), ...indices.dims, ...data.dims.slice(axis + 1)]
  if (isConstant(indices)) for (const index of indices.values) wrapped(index, data.dims[axis])
  return at.result(data.type, dims, (into) => {
    const inner = count(data.dims.slice(axis + 1))
    const outer = count(data.dims.slice(0, axis))
    let n = 0
    for (let row = 0; row < outer; row++) {
      for (const index of (indices as Constant).values) {
        const from = (row * data.dims[axis] + wrapped(index, data.dims[axis])) * inner
        for (let k = 0; k < inner; k++) into[n++] = (data as Constant).values[from + k]
      }
    }
  })
}

const gatherElements: Infer = (at) => {
  const [data, indices] = [at.value(0), at.value(1)]
  const axis = at.axis(at.int('axis', 0), data.dims.length)
  const strides = stridesOf(data.dims)
  return at.result(data.type, indices.dims, (into) => {
    const still = strides.map((stride, d) => (d === axis ? 0 : stride))
    let n = 0
    walk(indices.dims, still, 0, (from) => {
      const index = wrapped((indices as Constant).values[n], data.dims[axis])
      into[n++] = (data as Constant).values[from + index * strides[axis]]
    })
  })
}

const constant: Infer = (at) => {
  const tensor = at.tensor('value')
  if (tensor !== undefined) return tensor
  const { attributes } = at.node
  const number = attributes.get('value_float')?.number
  if (number !== undefined) return { type: 'float32', dims: [], values: Float32Array.of(number) }
  const integer = attributes.get('value_int')?.integer
  if (integer !== undefined) return { type: 'int64', dims: [], values: Float64Array.of(integer) }
  const numbers = attributes.get('value_floats')?.numbers
  if (numbers !== undefined)
    return { type: 'float32', dims: [numbers.length], values: Float32Array.from(numbers) }
  const integers = attributes.get('value_ints')?.integers
  if (integers !== undefined)
    return { type: 'int64', dims: [integers.length], values: Float64Array.from(integers) }
  throw new Misfit('it holds neither numbers nor a tensor')
}

const constantOfShape: Infer = (at) => {
  const dims = [...at.constant(0, 'shape').values]
  const fill = at.tensor('value')
  return at.result(fill?.type ?? 'float32', dims, (into) => into.fill(fill?.values[0] ?? 0))
}

const range: Infer = (at) => {
  const [start, limit, delta] = [0, 1, 2].map((n) => at.constant(n, 'range').values[0])
  const length = Math.max(0, Math.ceil((limit - start) / delta))
  return at.result(at.value(0).type, [length], (into) => {
    for (let n = 0; n < length; n++) into[n] = start + n * delta
  })
}

const scatterND: Infer = (at) => {
  const [data, indices, updates] = [at.value(0), at.value(1), at.value(2)]
  const depth = indices.dims[indices.dims.length - 1] ?? 0
  if (depth > data.dims.length) throw new Misfit(`indices of ${depth} dimensions in ${data.dims.length}`)
  const strides = stridesOf(data.dims)
  return at.result(data.type, data.dims, (into) => {
    into.set((data as Constant).values)
    const run = count(data.dims.slice(depth))
    const list = (indices as Constant).values
    for (let n = 0; n * depth < list.length && depth > 0; n++) {
      let to = 0
      for (let d = 0; d < depth; d++) to += wrapped(list[n * depth + d], data.dims[d]) * strides[d]
      for (let k = 0; k < run; k++) into[to + k] = (updates as Constant).values[n * run + k]
    }
  })
}

const trilu: Infer = (at) => {
  const input = at.value(0)
  const [rows, columns] = input.dims.slice(-2)
  const k = at.has(1) ? at.constant(1, 'diagonal').values[0] : 0
  const upper = at.int('upper', 1) === 1
  return at.result(input.type, input.dims, (into) => {
    const { values } = input as Constant
    for (let n = 0; n < into.length; n++) {
      const [row, column] = [Math.floor(n / columns) % rows, n % columns]
      into[n] = (upper ? column - row >= k : column - row <= k) ? values[n] : 0
    }
  })
}

export const structure: Readonly<Record<string, Infer>> = {
  Shape: shape,
  Size: size,
  Reshape: reshape,
  Flatten: flatten,
  Squeeze: squeeze,
  Unsqueeze: unsqueeze,
  Transpose: transpose,
  Expand: expand,
  Tile: tile,
  Concat: concat,
  Slice: slice,
  Split: split,
  Gather: gather,
  GatherElements: gatherElements,
  Constant: constant,
  ConstantOfShape: constantOfShape,
  Range: range,
  ScatterND: scatterND,
  Trilu: trilu,
}
