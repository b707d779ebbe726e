import { Misfit } from '../infer/at.js'
import { axesOf } from '../infer/reduce.js'
import { count, isConstant } from '../value.js'
import { rowsOf, shapeOf } from './builder.js'
import type { Lower, Lowering } from './lowering.js'
import { plain, transpose } from './view.js'

/**
 * gamma * (x - mean) / sqrt(variance + epsilon) + beta of fixed statistics: one multiplication and
 * addition a channel.
 */
export const batchNorm: Lower = (lowering) => {
  const { at, builder } = lowering
  const training =
    at.int('training_mode', 0) === 1 || at.node.outputs.filter((name) => name !== '').length > 1
  const epsilon = at.float('epsilon', 1e-5)
  if (training) {
    instanceStatistics(lowering, epsilon)
    return
  }
  const [gamma, beta, mean, variance] = ['scale', 'bias', 'mean', 'variance'].map(
    (what, n) => at.constant(n + 1, what).values,
  )
  const channels = lowering.dims(0)[1] ?? 1
  if (gamma.length !== channels) throw new Misfit(`${gamma.length} scales for ${channels} channels`)
  const scale = Float32Array.from({ length: channels }, (_, c) => gamma[c] / Math.sqrt(variance[c] + epsilon))
  const bias = Float32Array.from({ length: channels }, (_, c) => beta[c] - mean[c] * scale[c])
  const { tensor, wrap } = channelsLast(lowering)
  const shape = builder.shape(tensor)
  lowering.give(
    wrap(
      builder.node(
        'conv',
        lowering.name,
        [tensor],
        shape,
        { kernel: [1, 1], strides: [1, 1], pads: [0, 0, 0, 0], groups: channels, activation: 'linear' },
        { weight: { shape: [channels, 1, 1, 1], data: scale }, bias: { shape: [channels], data: bias } },
      ),
    ),
  )
}

/**
 * An input [1, C, ...] as a tensor [1, height, width, C], and the view of a result that lies alike.
 */
function channelsLast(lowering: Lowering) {
  const { builder } = lowering
  const view = lowering.view(0)
  const { dims } = view
  if (dims[0] !== 1 || dims.length < 2)
    throw new Misfit(`an input [${dims}]; [1, channels, ...] is supported`)
  const spatial = dims.map((_, d) => d).slice(2)
  const order = [0, ...spatial, 1]
  const sides = order.map((d) => dims[d])
  const tensor = builder.realise(view, `${lowering.at.node.inputs[0]}:map`, shapeOf(sides), order)
  const back = order.map((_, d) => order.indexOf(d))
  return { tensor, wrap: (made: string) => transpose(plain(made, sides), back) }
}

/**
 * A batch norm in training mode over a batch of one takes the statistics of each channel of the
 * picture itself: this is how AdaIN is exported. Its scale and bias may be computed.
 */
function instanceStatistics(lowering: Lowering, epsilon: number): void {
  const { builder, at } = lowering
  const { tensor, wrap } = channelsLast(lowering)
  const channels = lowering.dims(0)[1]
  const given = [1, 2].map((n) => at.value(n))
  const fixed = given.every(isConstant)
  const affine = (n: number, otherwise: number) => {
    const value = given[n]
    return isConstant(value) ? Float32Array.from(value.values) : new Float32Array(channels).fill(otherwise)
  }
  let made = groupNorm(lowering, tensor, channels, epsilon, affine(0, 1), affine(1, 0))
  if (!fixed) {
    const shape = builder.shape(tensor)
    const [scale, bias] = [1, 2].map((n) => lowering.ordered(n, [1, 1, 1, channels]))
    if (!isConstant(given[0]))
      made = builder.node('arithmetic', lowering.name, [made, scale], shape, { kind: 'mul' })
    if (!isConstant(given[1]))
      made = builder.node('arithmetic', lowering.name, [made, bias], shape, { kind: 'add' })
    if (isConstant(given[0]) !== isConstant(given[1]))
      throw new Misfit('only one of scale and bias is computed')
  }
  lowering.give(wrap(made))
}

function groupNorm(
  lowering: Lowering,
  tensor: string,
  groups: number,
  epsilon: number,
  gamma: Float32Array,
  beta: Float32Array,
): string {
  const { builder } = lowering
  const channels = builder.shape(tensor)[3]
  return builder.node(
    'groupNorm',
    lowering.name,
    [tensor],
    builder.shape(tensor),
    { groups, epsilon },
    { gamma: { shape: [channels], data: gamma }, beta: { shape: [channels], data: beta } },
  )
}

export const instanceNorm: Lower = (lowering) => {
  const { at } = lowering
  const { tensor, wrap } = channelsLast(lowering)
  const [gamma, beta] = [1, 2].map((n) => Float32Array.from(at.constant(n, 'scale or bias').values))
  lowering.give(
    wrap(groupNorm(lowering, tensor, lowering.dims(0)[1], at.float('epsilon', 1e-5), gamma, beta)),
  )
}

/** Scale and bias stand a group up to opset 20, a channel from 21 on. */
export const groupNormalization: Lower = (lowering) => {
  const { at } = lowering
  const { tensor, wrap } = channelsLast(lowering)
  const channels = lowering.dims(0)[1]
  const groups = at.int('num_groups', 1)
  const affine = (n: number) => {
    const { values } = at.constant(n, 'scale or bias')
    if (values.length !== groups && values.length !== channels) throw new Misfit(`${values.length} scales`)
    const each = channels / values.length
    return Float32Array.from({ length: channels }, (_, c) => values[Math.floor(c / each)])
  }
  lowering.give(wrap(groupNorm(lowering, tensor, groups, at.float('epsilon', 1e-5), affine(1), affine(2))))
}

export const layerNorm: Lower = (lowering) => {
  const { at, builder } = lowering
  const dims = lowering.dims(0)
  const axis = at.axis(at.int('axis', -1), dims.length)
  const channels = count(dims.slice(axis))
  const rows = rowsOf([count(dims.slice(0, axis)), channels])
  const affine = (n: number, otherwise: number) =>
    at.has(n)
      ? Float32Array.from(at.constant(n, 'scale or bias').values)
      : new Float32Array(channels).fill(otherwise)
  lowering.givePlain(
    builder.node(
      'layerNorm',
      lowering.name,
      [lowering.ordered(0, rows)],
      rows,
      { epsilon: at.float('epsilon', 1e-5) },
      { gamma: { shape: [channels], data: affine(1, 1) }, beta: { shape: [channels], data: affine(2, 0) } },
    ),
  )
}

/** Before opset 13 the dimensions from the axis on count as one. */
export const softmax =
  (logarithm: boolean): Lower =>
  (lowering) => {
    const { at, builder } = lowering
    const view = lowering.view(0)
    const { dims } = view
    const axis = at.axis(at.int('axis', at.opset < 13 ? 1 : -1), dims.length)
    const all = dims.map((_, d) => d)
    const last = at.opset < 13 ? all.filter((d) => d >= axis) : [axis]
    const order = [...all.filter((d) => !last.includes(d)), ...last]
    const sides = order.map((d) => dims[d])
    const channels = count(last.map((d) => dims[d]))
    const rows = rowsOf([count(dims) / channels, channels])
    const input = builder.realise(view, `${at.node.inputs[0]}:rows`, rows, order)
    let made = builder.node('softmax', lowering.name, [input], rows)
    if (logarithm) made = builder.node('activation', lowering.name, [made], rows, { kind: 'log' })
    const back = order.map((_, d) => order.indexOf(d))
    lowering.give(transpose(plain(made, sides), back))
  }

export type Reduction =
  | 'mean'
  | 'sum'
  | 'max'
  | 'min'
  | 'prod'
  | 'l1'
  | 'l2'
  | 'sumSquare'
  | 'argMax'
  | 'argMin'

/** Reduces the last dimension of rows that are made of the axes that are reduced. */
export const reduce =
  (kind: Reduction): Lower =>
  (lowering) => {
    const { at, builder } = lowering
    const view = lowering.view(0)
    const { dims } = view
    const picks = kind === 'argMax' || kind === 'argMin'
    const axes = picks ? [at.axis(at.int('axis', 0), dims.length)] : axesOf(at)
    const all = dims.map((_, d) => d)
    const map =
      dims.length === 4 && dims[0] === 1 && axes.length === 2 && axes.includes(2) && axes.includes(3)
    if (map && (kind === 'mean' || kind === 'max')) {
      // Over a map's height and width a pool does it without moving the data.
      const [, c, h, w] = dims
      const input = builder.realise(view, `${at.node.inputs[0]}:map`, [1, h, w, c], [0, 2, 3, 1])
      const made = builder.node(
        kind === 'max' ? 'maxPool' : 'averagePool',
        lowering.name,
        [input],
        [1, 1, 1, c],
        {
          kernel: [h, w],
          strides: [1, 1],
          pads: [0, 0, 0, 0],
        },
      )
      lowering.givePlain(made)
      return
    }
    // The dimensions that stay keep the order that they lie in.
    const stay = all
      .filter((d) => !axes.includes(d))
      .sort((a, b) => Math.abs(view.strides[b]) - Math.abs(view.strides[a]) || a - b)
    const order = [...stay, ...axes]
    const channels = count(axes.map((d) => dims[d]))
    const rows = rowsOf([count(dims) / channels, channels])
    const input = builder.realise(view, `${at.node.inputs[0]}:rows`, rows, order)
    const made = builder.node('reduce', lowering.name, [input], [1, 1, rows[2], 1], { kind })
    // The result in the order of the loops, with the sides that are kept as 1 put back.
    const found = plain(
      made,
      stay.map((d) => dims[d]),
    )
    const ascending = [...stay].sort((a, b) => a - b)
    const kept = transpose(
      found,
      ascending.map((d) => stay.indexOf(d)),
    )
    const out = lowering.outputDims()
    let next = 0
    const keeps = out.length === dims.length
    lowering.give({
      ...kept,
      dims: out,
      strides: keeps ? all.map((d) => (axes.includes(d) ? 0 : kept.strides[next++])) : kept.strides,
    })
  }
