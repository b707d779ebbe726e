import { count, type Value } from '../value.js'
import { type At, type Infer, Misfit } from './at.js'
import { broadcast } from './elementwise.js'

/** How a convolution or pool moves over two dimensions; pads are top, left, bottom, right. */
export interface Window {
  readonly kernel: readonly [number, number]
  readonly strides: readonly [number, number]
  readonly dilations: readonly [number, number]
  readonly pads: readonly [number, number, number, number]
  readonly output: readonly [number, number]
}

const two = (list: readonly number[] | undefined, otherwise: number, what: string): [number, number] => {
  if (list === undefined || list.length === 0) return [otherwise, otherwise]
  if (list.length === 1) return [list[0], 1]
  if (list.length !== 2) throw new Misfit(`${what} [${list}] of ${list.length} dimensions; two are supported`)
  return [list[0], list[1]]
}

const positive = (pair: readonly number[], what: string): void => {
  if (pair.some((value) => !Number.isSafeInteger(value) || value < 1)) throw new Misfit(`${what} [${pair}]`)
}

/**
 * The window of a node over an input of [1, channels, height, width]; `kernel` is that of the
 * weights where there are some.
 */
export function windowOf(at: At, kernelOf?: readonly number[]): Window {
  const { dims } = at.value(0)
  if (dims.length !== 4) throw new Misfit(`an input [${dims}]; four dimensions are supported`)
  const kernel = two(at.ints('kernel_shape') ?? kernelOf, 1, 'kernel_shape')
  const strides = two(at.ints('strides'), 1, 'strides')
  const dilations = two(at.ints('dilations'), 1, 'dilations')
  positive(kernel, 'kernel_shape')
  positive(strides, 'strides')
  positive(dilations, 'dilations')
  const sides = dims.slice(2)
  const reach = kernel.map((k, d) => (k - 1) * dilations[d] + 1)
  const pads = padsOf(at, sides, reach, strides)
  const ceil = at.int('ceil_mode', 0) === 1
  const output = sides.map((side, d) => {
    const room = side + pads[d] + pads[d + 2] - reach[d]
    if (room < 0) throw new Misfit(`a kernel of [${kernel}] over [${dims}] with pads [${pads}]`)
    if (!ceil) return Math.floor(room / strides[d]) + 1
    // A last window must begin inside the input or its left padding.
    const windows = Math.ceil(room / strides[d]) + 1
    return (windows - 1) * strides[d] >= side + pads[d] ? windows - 1 : windows
  })
  return { kernel, strides, dilations, pads, output: [output[0], output[1]] }
}

function padsOf(
  at: At,
  sides: readonly number[],
  reach: readonly number[],
  strides: readonly number[],
): [number, number, number, number] {
  const mode = at.text('auto_pad', 'NOTSET')
  if (mode === 'VALID') return [0, 0, 0, 0]
  if (mode === 'SAME_UPPER' || mode === 'SAME_LOWER') {
    const total = sides.map((side, d) =>
      Math.max(0, (Math.ceil(side / strides[d]) - 1) * strides[d] + reach[d] - side),
    )
    const small = total.map((pad) => Math.floor(pad / 2))
    const large = total.map((pad, d) => pad - small[d])
    const [begin, end] = mode === 'SAME_UPPER' ? [small, large] : [large, small]
    return [begin[0], begin[1], end[0], end[1]]
  }
  if (mode !== 'NOTSET') throw new Misfit(`auto_pad ${mode}`)
  const pads = at.ints('pads') ?? [0, 0, 0, 0]
  if (pads.length !== 4 || pads.some((pad) => !Number.isSafeInteger(pad) || pad < 0))
    throw new Misfit(`pads [${pads}]; four that are not negative are supported`)
  return [pads[0], pads[1], pads[2], pads[3]]
}

const conv: Infer = (at) => {
  const [x, w] = [at.value(0), at.value(1)]
  if (w.dims.length !== 4) throw new Misfit(`weights [${w.dims}]; four dimensions are supported`)
  const groups = at.int('group', 1)
  if (groups < 1 || x.dims[1] !== w.dims[1] * groups || w.dims[0] % groups !== 0)
    throw new Misfit(`weights [${w.dims}] in ${groups} groups do not fit an input [${x.dims}]`)
  const { output } = windowOf(at, w.dims.slice(2))
  return at.result(x.type, [x.dims[0], w.dims[0], ...output])
}

/**
 * How a transposed convolution's output is cut: `pads` may be negative where it is longer than what
 * is written.
 */
export function transposedOf(at: At): Omit<Window, 'dilations'> & { dilations: readonly [number, number] } {
  const [x, w] = [at.value(0), at.value(1)]
  if (x.dims.length !== 4 || w.dims.length !== 4) throw new Misfit('only two dimensions are supported')
  const kernel = two(w.dims.slice(2), 1, 'kernel')
  const strides = two(at.ints('strides'), 1, 'strides')
  const dilations = two(at.ints('dilations'), 1, 'dilations')
  const extra = two(at.ints('output_padding'), 0, 'output_padding')
  positive(kernel, 'kernel')
  positive(strides, 'strides')
  positive(dilations, 'dilations')
  const full = [0, 1].map((d) => (x.dims[2 + d] - 1) * strides[d] + (kernel[d] - 1) * dilations[d] + 1)
  const wanted = at.ints('output_shape')
  const mode = at.text('auto_pad', 'NOTSET')
  if (wanted !== undefined && wanted.length > 0) {
    const sides = wanted.slice(-2)
    const total = [0, 1].map((d) => full[d] + extra[d] - sides[d])
    const upper = mode === 'SAME_UPPER'
    const begin = total.map((pad) => (upper ? Math.floor(pad / 2) : pad - Math.floor(pad / 2)))
    return {
      kernel,
      strides,
      dilations,
      pads: [begin[0], begin[1], full[0] - begin[0] - sides[0], full[1] - begin[1] - sides[1]],
      output: [sides[0], sides[1]],
    }
  }
  if (mode !== 'NOTSET' && mode !== 'VALID') throw new Misfit(`auto_pad ${mode} without output_shape`)
  const pads = at.ints('pads') ?? [0, 0, 0, 0]
  if (pads.length !== 4 || pads.some((pad) => !Number.isSafeInteger(pad) || pad < 0))
    throw new Misfit(`pads [${pads}]`)
  const end = [0, 1].map((d) => pads[d + 2] - extra[d])
  const output = [0, 1].map((d) => full[d] - pads[d] - end[d])
  return {
    kernel,
    strides,
    dilations,
    pads: [pads[0], pads[1], end[0], end[1]],
    output: [output[0], output[1]],
  }
}

const convTranspose: Infer = (at) => {
  const [x, w] = [at.value(0), at.value(1)]
  const groups = at.int('group', 1)
  if (groups < 1 || x.dims[1] !== w.dims[0] || w.dims[0] % groups !== 0)
    throw new Misfit(`weights [${w.dims}] in ${groups} groups do not fit an input [${x.dims}]`)
  return at.result(x.type, [x.dims[0], w.dims[1] * groups, ...transposedOf(at).output])
}

const pool: Infer = (at) => {
  const { dims, type } = at.value(0)
  if (at.node.outputs.length > 1) throw new Misfit('its indices are asked for')
  return at.result(type, [dims[0], dims[1], ...windowOf(at).output])
}

const globalPool: Infer = (at) => {
  const { dims, type } = at.value(0)
  return at.result(
    type,
    dims.map((side, d) => (d < 2 ? side : 1)),
  )
}

const batchNorm: Infer = (at) => {
  const outputs = at.node.outputs.filter((name) => name !== '')
  const x = at.value(0)
  const result = at.result(x.type, x.dims)
  // AdaIN is exported as a batch norm in training mode, whose new statistics nothing reads.
  return outputs.length > 1
    ? [result, ...outputs.slice(1).map(() => ({ ...at.value(1), values: undefined }))]
    : result
}

/** The result has the input's shape. */
const like: Infer = (at) => at.result(at.value(0).type, at.value(0).dims)

const layerNorm: Infer = (at) => {
  if (at.node.outputs.filter((name) => name !== '').length > 1)
    throw new Misfit('its mean or deviation is asked for')
  return like(at)
}

const gemm: Infer = (at) => {
  const [a, b] = [at.value(0), at.value(1)]
  if (a.dims.length !== 2 || b.dims.length !== 2) throw new Misfit(`[${a.dims}] times [${b.dims}]`)
  const [m, k] = at.int('transA', 0) ? [a.dims[1], a.dims[0]] : a.dims
  const [inner, n] = at.int('transB', 0) ? [b.dims[1], b.dims[0]] : b.dims
  if (k !== inner) throw new Misfit(`[${a.dims}] times [${b.dims}]`)
  return at.result(a.type, [m, n])
}

const matmul: Infer = (at) => {
  const [a, b] = [at.value(0), at.value(1)]
  const left = a.dims.length === 1 ? [1, ...a.dims] : a.dims
  const right = b.dims.length === 1 ? [...b.dims, 1] : b.dims
  if (left.length === 0 || right.length === 0 || left.at(-1) !== right.at(-2))
    throw new Misfit(`[${a.dims}] times [${b.dims}]`)
  const outer = broadcast(left.slice(0, -2), right.slice(0, -2))
  const rows = a.dims.length === 1 ? [] : [left.at(-2) ?? 1]
  const columns = b.dims.length === 1 ? [] : [right.at(-1) ?? 1]
  return at.result(a.type, [...outer, ...rows, ...columns])
}

const einsum: Infer = (at) => {
  const equation = at.text('equation', '').replaceAll(' ', '')
  const [left, right] = equation.split('->')
  const terms = left.split(',')
  if (right === undefined || terms.length !== at.inputs.length || !/^[a-zA-Z,>-]+$/.test(equation))
    throw new Misfit(`the equation '${equation.slice(0, 80)}'`)
  const sides = new Map<string, number>()
  terms.forEach((term, n) => {
    const { dims } = at.value(n)
    if (dims.length !== term.length) throw new Misfit(`'${term}' of [${dims}]`)
    ;[...term].forEach((letter, d) => {
      if ((sides.get(letter) ?? dims[d]) !== dims[d]) throw new Misfit(`'${letter}' has two lengths`)
      sides.set(letter, dims[d])
    })
  })
  return at.result(
    at.value(0).type,
    [...right].map((letter) => sides.get(letter) ?? 1),
  )
}

/** Pads of each dimension, begins then ends; an attribute up to opset 10, an input from 11 on. */
export function paddingOf(at: At): number[] {
  const { dims } = at.value(0)
  const given = at.list(1, 'pads', 'pads') ?? at.ints('paddings') ?? []
  const axes = at.has(3)
    ? [...at.constant(3, 'axes').values].map((axis) => at.axis(axis, dims.length))
    : dims.map((_, d) => d)
  if (given.length !== axes.length * 2) throw new Misfit(`${given.length} pads of ${axes.length} dimensions`)
  const pads = new Array<number>(dims.length * 2).fill(0)
  axes.forEach((axis, n) => {
    pads[axis] = given[n]
    pads[axis + dims.length] = given[n + axes.length]
  })
  return pads
}

const pad: Infer = (at) => {
  const { dims, type } = at.value(0)
  const pads = paddingOf(at)
  return at.result(
    type,
    dims.map((side, d) => side + pads[d] + pads[d + dims.length]),
  )
}

/**
 * Scales of a Resize or Upsample for each dimension, and its output: whichever the file gives
 * decides the other.
 */
export function resizeOf(at: At): { scales: number[]; output: number[] } {
  const { dims } = at.value(0)
  const { op } = at.node
  // Upsample: attribute up to 8, input 1 at 9. Resize: input 1 at 10, inputs 2 (scales) and 3
  // (sizes) from 11 on.
  const attribute = at.node.attributes.get('scales')?.numbers
  const place = op === 'Upsample' || at.opset < 11 ? 1 : 2
  const scaleInput = attribute === undefined && at.has(place) ? at.constant(place, 'scales') : undefined
  const scales = attribute ?? (scaleInput === undefined ? [] : [...scaleInput.values])
  if (scales.length === dims.length) {
    if (scales.some((scale) => !(scale > 0))) throw new Misfit(`scales [${scales}]`)
    return { scales: [...scales], output: dims.map((side, d) => Math.floor(side * scales[d])) }
  }
  if (scales.length !== 0 || !at.has(3))
    throw new Misfit(`${scales.length} scales of ${dims.length} dimensions`)
  const output = [...at.constant(3, 'sizes').values]
  if (output.length !== dims.length) throw new Misfit(`${output.length} sizes of ${dims.length} dimensions`)
  return { scales: output.map((side, d) => side / dims[d]), output }
}

const resize: Infer = (at) => at.result(at.value(0).type, resizeOf(at).output)

const depthToSpace: Infer = (at) => {
  const { dims, type } = at.value(0)
  const block = at.int('blocksize', 1)
  if (dims.length !== 4 || block < 1 || dims[1] % (block * block) !== 0)
    throw new Misfit(`blocks of ${block} in [${dims}]`)
  return at.result(type, [dims[0], dims[1] / (block * block), dims[2] * block, dims[3] * block])
}

const spaceToDepth: Infer = (at) => {
  const { dims, type } = at.value(0)
  const block = at.int('blocksize', 1)
  if (dims.length !== 4 || block < 1 || dims[2] % block !== 0 || dims[3] % block !== 0)
    throw new Misfit(`blocks of ${block} in [${dims}]`)
  return at.result(type, [dims[0], dims[1] * block * block, dims[2] / block, dims[3] / block])
}

const quantize: Infer = (at) => {
  const x = at.value(0)
  const type = at.has(2) ? at.value(2).type : 'uint8'
  if (type !== 'int8' && type !== 'uint8')
    throw new Misfit(`it quantises to ${type}; int8 and uint8 are supported`)
  return at.result(type, x.dims)
}

/**
 * The result stays a node's, though its inputs be constant: the reader wants the scales and not the
 * product.
 */
const dequantize: Infer = (at): Value => {
  if ((at.node.attributes.get('block_size')?.integer ?? 0) !== 0)
    throw new Misfit('weights quantised by blocks')
  return { type: 'float32', dims: at.value(0).dims }
}

const qlinearConv: Infer = (at) => {
  const [x, w] = [at.value(0), at.value(3)]
  const groups = at.int('group', 1)
  if (w.dims.length !== 4 || x.dims[1] !== w.dims[1] * groups)
    throw new Misfit(`weights [${w.dims}] on [${x.dims}]`)
  return at.result(at.value(7).type, [x.dims[0], w.dims[0], ...windowOf(at, w.dims.slice(2)).output])
}

const qlinearMatMul: Infer = (at) => {
  const [a, b] = [at.value(0), at.value(3)]
  if (a.dims.at(-1) !== b.dims.at(-2)) throw new Misfit(`[${a.dims}] times [${b.dims}]`)
  return at.result(at.value(7).type, [...a.dims.slice(0, -1), b.dims.at(-1) ?? 1])
}

export const isEmpty = (dims: readonly number[]): boolean => count(dims) === 0

export const network: Readonly<Record<string, Infer>> = {
  Conv: conv,
  ConvTranspose: convTranspose,
  MaxPool: pool,
  AveragePool: pool,
  GlobalAveragePool: globalPool,
  GlobalMaxPool: globalPool,
  BatchNormalization: batchNorm,
  InstanceNormalization: like,
  GroupNormalization: like,
  LayerNormalization: layerNorm,
  LpNormalization: like,
  Softmax: like,
  LogSoftmax: like,
  Gemm: gemm,
  MatMul: matmul,
  Einsum: einsum,
  Pad: pad,
  Resize: resize,
  Upsample: resize,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
  QuantizeLinear: quantize,
  DequantizeLinear: dequantize,
  QLinearConv: qlinearConv,
  QLinearMatMul: qlinearMatMul,
}
