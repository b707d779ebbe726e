import { count, stridesOf } from '../value.js'

/**
 * A value of the network as a strided view of one of our tensors, whose elements are numbered in
 * the order NHWC without gaps. Transposing, slicing and most reshaping move no data: they only
 * change the view, and so the layout of every tensor is derived, never guessed.
 */
export interface View {
  /** Name of a tensor of our graph. */
  readonly tensor: string
  /** The shape that ONNX gives the value. */
  readonly dims: readonly number[]
  /** Elements from one index to the next along each dimension; 0 where a value repeats. */
  readonly strides: readonly number[]
  /** Element at which the view begins. */
  readonly offset: number
}

/** The view of a whole tensor in its own order. */
export const plain = (tensor: string, dims: readonly number[]): View => ({
  tensor,
  dims,
  strides: stridesOf(dims),
  offset: 0,
})

/** The view [1, C, H, W] of a tensor [1, H, W, C]. */
export const featureMap = (tensor: string, [n, c, h, w]: readonly number[]): View => ({
  tensor,
  dims: [n, c, h, w],
  strides: [h * w * c, 1, w * c, c],
  offset: 0,
})

export const transpose = (view: View, perm: readonly number[]): View => ({
  ...view,
  dims: perm.map((axis) => view.dims[axis]),
  strides: perm.map((axis) => view.strides[axis]),
})

/**
 * The view in another shape of as many elements, or undefined where its data would have to move.
 * Runs of dimensions that lie behind one another are joined and cut anew, as numpy does it.
 */
export function reshape(view: View, dims: readonly number[]): View | undefined {
  const source = view.dims
    .map((side, d) => ({ side, stride: view.strides[d] }))
    .filter(({ side }) => side !== 1)
  const strides = new Array<number>(dims.length).fill(0)
  let from = 0
  let to = 0
  while (from < source.length && to < dims.length) {
    let fromEnd = from + 1
    let toEnd = to + 1
    let held = source[from].side
    let asked = dims[to]
    while (held !== asked) {
      if (held < asked) {
        if (fromEnd >= source.length) return undefined
        held *= source[fromEnd++].side
      } else {
        if (toEnd >= dims.length) return undefined
        asked *= dims[toEnd++]
      }
    }
    for (let d = from; d + 1 < fromEnd; d++)
      if (source[d].stride !== source[d + 1].stride * source[d + 1].side) return undefined
    let stride = source[fromEnd - 1].stride
    for (let d = toEnd - 1; d >= to; d--) {
      strides[d] = stride
      stride *= dims[d]
    }
    from = fromEnd
    to = toEnd
  }
  return { ...view, dims, strides }
}

/**
 * Dimensions of more than one element, those that lie behind one another joined: the fewest loops
 * that read the view.
 */
export function loops({ dims, strides }: View): { dims: number[]; strides: number[] } {
  const joined: { dims: number[]; strides: number[] } = { dims: [], strides: [] }
  for (const [d, side] of dims.entries()) {
    if (side === 1) continue
    const last = joined.dims.length - 1
    if (last >= 0 && joined.strides[last] === strides[d] * side) {
      joined.dims[last] *= side
      joined.strides[last] = strides[d]
    } else {
      joined.dims.push(side)
      joined.strides.push(strides[d])
    }
  }
  return joined
}

/** Whether the view reads `elements` elements from the first on, in order, each once. */
export function isDense(view: View, elements: number): boolean {
  const { dims, strides } = loops(view)
  if (view.offset !== 0 || count(view.dims) !== elements) return false
  return dims.length === 0 || (dims.length === 1 && strides[0] === 1)
}

/**
 * An order of the dimensions in which the view is dense, or undefined: a repeating or partial view
 * has none. Sides of 1 come first, as their strides say nothing.
 */
export function denseOrder(view: View, elements: number): number[] | undefined {
  const all = view.dims.map((_, d) => d)
  const ones = all.filter((d) => view.dims[d] === 1)
  const wide = all
    .filter((d) => view.dims[d] !== 1)
    .sort((a, b) => view.strides[b] - view.strides[a] || a - b)
  const order = [...ones, ...wide]
  return isDense(transpose(view, order), elements) ? order : undefined
}

/** Broadcasts a view to a shape: repeated dimensions get stride 0. */
export function expand(view: View, dims: readonly number[]): View {
  const missing = dims.length - view.dims.length
  return {
    ...view,
    dims,
    strides: dims.map((side, d) => {
      if (d < missing) return 0
      return view.dims[d - missing] === 1 && side !== 1 ? 0 : view.strides[d - missing]
    }),
  }
}

/**
 * Cuts both shapes of the same elements into the same finer one: the finer shape, and which of its
 * dimensions make up each dimension of `to`. Undefined where the cuts cross, as those of [2, 3] and
 * [3, 2].
 */
export function refine(
  from: readonly number[],
  to: readonly number[],
): { dims: number[]; groups: number[][] } | undefined {
  const dims: number[] = []
  const groups: number[][] = to.map(() => [])
  let source = 0
  let left = 1
  for (const [d, side] of to.entries()) {
    let asked = side
    while (asked > 1) {
      while (left === 1) {
        if (source >= from.length) return undefined
        left = from[source++]
      }
      const step = Math.min(left, asked)
      if (left % step !== 0 || asked % step !== 0) return undefined
      groups[d].push(dims.length)
      dims.push(step)
      left /= step
      asked /= step
    }
  }
  return { dims, groups }
}
