import { Misfit } from '../infer/at.js'
import { isSame } from '../infer/elementwise.js'
import { type Constant, count, isConstant } from '../value.js'
import { shapeOf } from './builder.js'
import type { Lower, Lowering } from './lowering.js'
import { expand, type View } from './view.js'

/** Kinds of our `activation` with their parameters. */
interface Curve {
  readonly kind: string
  readonly alpha?: number
  readonly beta?: number
}

function apply(lowering: Lowering, index: number, curve: Curve): void {
  const { tensor, wrap } = lowering.loose(index)
  const { builder } = lowering
  const { kind, alpha, beta } = curve
  const attributes = {
    kind,
    ...(alpha === undefined ? {} : { alpha }),
    ...(beta === undefined ? {} : { beta }),
  }
  lowering.give(wrap(builder.node('activation', lowering.name, [tensor], builder.shape(tensor), attributes)))
}

export const curve =
  (of: Curve | ((lowering: Lowering) => Curve)): Lower =>
  (lowering) =>
    apply(lowering, 0, typeof of === 'function' ? of(lowering) : of)

/** Activations that a convolution or an addition computes itself. */
export const fused =
  (
    of: (lowering: Lowering) => Curve,
    attributes: (curve: Curve) => Record<string, string | number> | undefined,
  ): Lower =>
  (lowering) => {
    const found = of(lowering)
    const wanted = attributes(found)
    if (wanted !== undefined && lowering.fuse(0, wanted)) return
    apply(lowering, 0, found)
  }

export const relu: Lower = fused(
  () => ({ kind: 'relu' }),
  () => ({ activation: 'relu' }),
)

/**
 * ONNX's default slope is 0.01. Slopes beyond 0..1 are no fused leaky ReLU: that takes the larger
 * of both branches.
 */
export const leaky: Lower = fused(
  ({ at }) => ({ kind: 'leakyRelu', alpha: at.float('alpha', 0.01) }),
  ({ alpha = 0 }) => (alpha >= 0 && alpha <= 1 ? { activation: 'leaky', slope: alpha } : undefined),
)

export const clip: Lower = fused(
  (lowering) => {
    const { at } = lowering
    const bound = (index: number, name: string, otherwise: number) =>
      at.has(index) ? at.constant(index, name).values[0] : at.float(name, otherwise)
    const largest = 3.4028234663852886e38
    const [low, high] = [bound(1, 'min', -largest), bound(2, 'max', largest)]
    const real = lowering.realOf(0)
    return { kind: 'clip', alpha: real(low), beta: real(high) }
  },
  ({ alpha, beta }) => (alpha === 0 && beta === 6 ? { activation: 'relu6' } : undefined),
)

/** The slope of each channel, or one for all. */
export const prelu: Lower = (lowering) => {
  const slope = lowering.constant(1, 'slope')
  const dims = lowering.dims(0)
  const channels = dims[1] ?? 1
  if (slope.values.length !== 1 && slope.values.length !== channels)
    throw new Misfit(`slopes [${slope.dims}] of an input [${dims}]`)
  if (slope.values.length === 1) {
    apply(lowering, 0, { kind: 'leakyRelu', alpha: slope.values[0] })
    return
  }
  const { builder } = lowering
  const slopes = builder.node(
    'constant',
    `${lowering.name}:slope`,
    [],
    [1, 1, 1, channels],
    { shape: [1, 1, 1, channels] },
    {
      value: { shape: [channels], data: Float32Array.from(slope.values) },
    },
  )
  const map = lowering.map(0)
  lowering.giveMap(
    builder.node('arithmetic', lowering.name, [map, slopes], builder.shape(map), { kind: 'slope' }),
  )
}

export type Kind = 'add' | 'sub' | 'mul' | 'div' | 'min' | 'max' | 'pow'

const single = (value: Constant): number | undefined =>
  value.values.length > 0 && value.values.every((x) => x === value.values[0]) ? value.values[0] : undefined

/** `x kind number` (or `number kind x`, reversed) as a curve. */
function withNumber(kind: Kind, number: number, reversed: boolean): Curve | undefined {
  switch (kind) {
    case 'add':
      return { kind: 'affine', alpha: 1, beta: number }
    case 'sub':
      return reversed
        ? { kind: 'affine', alpha: -1, beta: number }
        : { kind: 'affine', alpha: 1, beta: -number }
    case 'mul':
      return { kind: 'affine', alpha: number, beta: 0 }
    case 'div':
      if (!reversed && number !== 0 && Number.isFinite(1 / number))
        return { kind: 'affine', alpha: 1 / number, beta: 0 }
      return undefined
    case 'min':
      return { kind: 'clip', alpha: -3.4028234663852886e38, beta: number }
    case 'max':
      return { kind: 'clip', alpha: number, beta: 3.4028234663852886e38 }
    case 'pow':
      if (reversed) return undefined
      return number === 2
        ? { kind: 'square' }
        : number === 0.5
          ? { kind: 'sqrt' }
          : { kind: 'power', alpha: number }
  }
}

/** Two operands of one shape, or one that repeats over the other. */
export const binary =
  (kind: Kind): Lower =>
  (lowering) => {
    const { at } = lowering
    if (at.inputs.length === 1) {
      lowering.give(lowering.view(0))
      return
    }
    if (at.inputs.length > 2) throw new Misfit(`${at.inputs.length} inputs; two are supported`)
    const dims = lowering.outputDims()
    const [a, b] = [at.value(0), at.value(1)]
    const fixed = isConstant(a) ? 0 : isConstant(b) ? 1 : undefined
    if (fixed !== undefined) {
      const number = single(at.value(fixed) as Constant)
      const other = 1 - fixed
      if (number !== undefined && isSame(at.value(other), { type: 'float32', dims })) {
        const found = withNumber(kind, number, fixed === 0)
        if (found !== undefined) {
          apply(lowering, other, found)
          return
        }
      }
      if (kind === 'add' && fixed === 1 && lowering.fuseBias(0, b as Constant)) return
    } else if (kind === 'mul' && (lowering.gate(0, 1) || lowering.gate(1, 0))) return
    combine(lowering, kind, dims)
  }

function combine(lowering: Lowering, kind: Kind, dims: readonly number[]): void {
  const { builder } = lowering
  const views = [0, 1].map((n) => expand(lowering.view(n), dims))
  // The operand that does not repeat says how the result lies; a map before what only stands in
  // rows.
  const full = (n: number) => isSame(lowering.at.value(n), { type: 'float32', dims })
  const base = full(0) && !(full(1) && lowering.isConstant(0)) ? 0 : full(1) ? 1 : 0
  const order = lying(views[base])
  const sides = order.map((d) => dims[d])
  const shape = shapeOf(sides)
  const whole = (n: number) => builder.realise(views[n], `${lowering.at.node.inputs[n]}:whole`, shape, order)
  const main = full(base) ? whole(base) : undefined
  const second = main === undefined ? undefined : repeated(lowering, views[1 - base], order, shape)
  const name = lowering.name
  let made: string
  if (main === undefined || second === undefined) {
    const [x, y] = [whole(0), whole(1)]
    made =
      kind === 'add' ? sum(lowering, x, y, shape) : builder.node('arithmetic', name, [x, y], shape, { kind })
  } else if (kind === 'add' && same(builder.shape(second), shape)) {
    made = sum(lowering, main, second, shape)
  } else {
    const reversed = base === 1 && (kind === 'sub' || kind === 'div' || kind === 'pow')
    made = builder.node('arithmetic', name, [main, second], shape, {
      kind,
      ...(reversed ? { reversed: 1 } : {}),
    })
  }
  const back = order.map((_, d) => order.indexOf(d))
  const strides = sides.map((_, d) => count(sides.slice(d + 1)))
  lowering.give({ tensor: made, dims, strides: back.map((d) => strides[d]), offset: 0 })
}

const sum = (lowering: Lowering, a: string, b: string, shape: readonly number[]): string =>
  lowering.builder.node('add', lowering.name, [a, b], shape, { activation: 'linear' })

/** Dimensions by how far apart their neighbours lie, sides of 1 first. */
const lying = (view: View): number[] =>
  view.dims
    .map((_, d) => d)
    .sort((a, b) => {
      const wide = (d: number) => (view.dims[d] === 1 ? 0 : 1)
      return wide(a) - wide(b) || Math.abs(view.strides[b]) - Math.abs(view.strides[a]) || a - b
    })

const same = (a: readonly number[], b: readonly number[]): boolean => a.every((side, d) => side === b[d])

/**
 * The second operand as a tensor that `arithmetic` repeats: of the shape itself, one value a
 * channel, one a pixel, or one at all; undefined where it repeats otherwise.
 */
function repeated(
  lowering: Lowering,
  view: View,
  order: readonly number[],
  shape: readonly number[],
): string | undefined {
  const sides = order.map((d) => view.dims[d])
  const strides = order.map((d) => (view.dims[d] === 1 ? 0 : view.strides[d]))
  const channels = sides.length - 1
  const moves = strides.map((stride) => stride !== 0)
  const pick = (name: string, keep: (d: number) => boolean, target: readonly number[]) => {
    const kept: View = {
      ...view,
      dims: order.map((d, n) => (keep(n) ? view.dims[d] : 1)),
      strides: order.map((d) => view.strides[d]),
    }
    return lowering.builder.realise(kept, `${lowering.name}:${name}`, target)
  }
  if (moves.every((moving, d) => moving || sides[d] === 1)) return pick('operand', () => true, shape)
  if (moves.every((moving) => !moving)) return pick('number', () => false, [1, 1, 1, 1])
  if (moves.every((moving, d) => d === channels || !moving))
    return pick('channels', (d) => d === channels, [1, 1, 1, shape[3]])
  if (!moves[channels] && moves.every((moving, d) => moving || sides[d] === 1 || d === channels))
    return pick('pixels', (d) => d !== channels, [1, shape[1], shape[2], 1])
  return undefined
}
