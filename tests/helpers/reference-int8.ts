import type { Constant, Model, Node, Quantization, Tensor } from '../../src/host/graph/types.js'
import { curveOf } from './curves.js'
import * as moves from './reference-moves.js'
import * as tokens from './reference-tokens.js'

export type Values = Int8Array | Float32Array

interface Feature {
  readonly height: number
  readonly width: number
  readonly channels: number
  readonly data: Values
  readonly quantization: Quantization
}

type Run = (
  node: Node,
  inputs: readonly Feature[],
  output: Feature,
  constant: (role: string) => Constant,
) => void

/**
 * Runs a graph as docs/engine.md, Arithmetic, says, to the bit: plain loops, exact integers, one
 * rounding to float32 a step. It shares no code with the engine or its planner. Only the curves of
 * float32 activations are JavaScript's own: the engine's may differ from them by a few units in the
 * last place.
 */
export function runInt8Reference(model: Model, input: Values): Map<string, Values> {
  const tensors = new Map(model.graph.tensors.map((tensor) => [tensor.name, tensor]))
  const features = new Map<string, Feature>()
  const make = (name: string): Feature => {
    const feature = emptyFeature(found(tensors.get(name), name))
    features.set(name, feature)
    return feature
  }
  make(model.graph.inputs[0]).data.set(input)
  for (const node of model.graph.nodes) {
    const inputs = node.inputs.map((name) => found(features.get(name), name))
    const constant = (role: string): Constant => found(model.constants.get(node.constants[role]), role)
    found(operators[node.op], node.op)(node, inputs, make(node.outputs[0]), constant)
  }
  return new Map([...features].map(([name, { data }]) => [name, data]))
}

function emptyFeature({ shape, dtype, quantization }: Tensor): Feature {
  const [, height, width, channels] = shape
  const length = height * width * channels
  const data = dtype === 'int8' ? new Int8Array(length) : new Float32Array(length)
  return { height, width, channels, data, quantization: quantization ?? { scale: Number.NaN, zeroPoint: 0 } }
}

function found<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new Error(`no ${name}`)
  return value
}

const f32 = Math.fround
const numbers = (node: Node, name: string): readonly number[] => node.attributes[name] as readonly number[]
const number = (node: Node, name: string): number => node.attributes[name] as number
const larger = (a: number, b: number): number => (a < b ? b : a)
const smaller = (a: number, b: number): number => (b < a ? b : a)

function roundHalfEven(y: number): number {
  const low = Math.floor(y)
  if (y - low === 0.5) return low % 2 === 0 ? low : low + 1
  return Math.round(y)
}

/**
 * What follows a sum of an int8 node: activation, clamp, rounding; or of a float32 node: the first
 * two.
 */
function finisher(node: Node, { data, quantization: { scale, zeroPoint } }: Feature): (y: number) => number {
  const kind = node.attributes.activation ?? 'linear'
  const slope = kind === 'linear' ? 1 : kind === 'leaky' ? f32((node.attributes.slope as number) ?? 0.1) : 0
  if (data instanceof Float32Array) {
    const high = kind === 'relu6' ? 6 : Number.POSITIVE_INFINITY
    return (y) => smaller(larger(y, f32(y * slope)), high)
  }
  const top = kind === 'relu6' ? Math.min(127, Math.round(6 / scale) + zeroPoint) : 127
  return (y) => {
    const clamped = smaller(larger(larger(y, f32(y * slope)), -128 - zeroPoint), top - zeroPoint)
    return roundHalfEven(clamped) + zeroPoint
  }
}

const conv: Run = (node, [input], output, constant) => {
  const weight = constant('weight').data
  const bias = constant('bias').data
  const int8 = input.data instanceof Int8Array
  const head = int8 && output.data instanceof Float32Array
  const finish = finisher(node, output)
  const depth = input.channels / number(node, 'groups')
  const perGroup = output.channels / number(node, 'groups')
  const scales = int8 ? constant('weightScale').data : undefined
  const { scale, zeroPoint } = input.quantization
  eachPixel(output, (oy, ox, at) => {
    for (let o = 0; o < output.channels; o++) {
      const first = Math.floor(o / perGroup) * depth
      let acc = bias[o]
      eachTap(node, input, oy, ox, (pixel, tap) => {
        for (let c = 0; c < depth; c++) {
          const x = input.data[pixel * input.channels + first + c] - zeroPoint
          const product =
            x * weight[(o * numbers(node, 'kernel')[0] * numbers(node, 'kernel')[1] + tap) * depth + c]
          acc = int8 ? acc + product : f32(acc + f32(product))
        }
      })
      if (scales === undefined) output.data[at + o] = finish(acc)
      else {
        const multiplier = f32((scale * scales[o]) / (head ? 1 : output.quantization.scale))
        const y = f32(f32(acc) * multiplier)
        output.data[at + o] = head ? y : finish(y)
      }
    }
  })
}

/**
 * Output by output: the taps that meet an input pixel, by the input's rows, columns and channels.
 */
const convTranspose: Run = (node, [input], output, constant) => {
  const [kh, kw] = numbers(node, 'kernel')
  const [sy, sx] = numbers(node, 'strides')
  const [top, left] = numbers(node, 'pads')
  const weight = constant('weight').data
  const bias = constant('bias')
  const [down, across] = bias.shape.length === 1 ? [1, 1] : bias.shape
  const int8 = input.data instanceof Int8Array
  const head = int8 && output.data instanceof Float32Array
  const finish = finisher(node, output)
  const scales = int8 ? constant('weightScale').data : undefined
  const { scale, zeroPoint } = input.quantization
  eachPixel(output, (oy, ox, at) => {
    for (let o = 0; o < output.channels; o++) {
      let acc = bias.data[((oy % down) * across + (ox % across)) * output.channels + o]
      for (let pixel = 0; pixel < input.height * input.width; pixel++) {
        const ky = oy + top - Math.floor(pixel / input.width) * sy
        const kx = ox + left - (pixel % input.width) * sx
        if (ky < 0 || ky >= kh || kx < 0 || kx >= kw) continue
        for (let c = 0; c < input.channels; c++) {
          const x = input.data[pixel * input.channels + c] - zeroPoint
          const product = x * weight[((o * kh + ky) * kw + kx) * input.channels + c]
          acc = int8 ? acc + product : f32(acc + f32(product))
        }
      }
      if (scales === undefined) output.data[at + o] = finish(acc)
      else {
        const multiplier = f32((scale * scales[o]) / (head ? 1 : output.quantization.scale))
        const y = f32(f32(acc) * multiplier)
        output.data[at + o] = head ? y : finish(y)
      }
    }
  })
}

function eachPixel({ height, width, channels }: Feature, visit: (y: number, x: number, at: number) => void) {
  for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) visit(y, x, (y * width + x) * channels)
}

/** The positions of a window that lie inside the input: their pixel, and the number of the tap. */
function eachTap(
  node: Node,
  input: Feature,
  oy: number,
  ox: number,
  visit: (pixel: number, tap: number) => void,
) {
  const [kh, kw] = numbers(node, 'kernel')
  const [sy, sx] = numbers(node, 'strides')
  const [top, left] = numbers(node, 'pads')
  for (let tap = 0; tap < kh * kw; tap++) {
    const y = oy * sy - top + Math.floor(tap / kw)
    const x = ox * sx - left + (tap % kw)
    if (y >= 0 && y < input.height && x >= 0 && x < input.width) visit(y * input.width + x, tap)
  }
}

const pool =
  (finish: (values: readonly number[], int8: boolean) => number): Run =>
  (node, [input], output) => {
    eachPixel(output, (oy, ox, at) => {
      for (let c = 0; c < output.channels; c++) {
        const values: number[] = []
        eachTap(node, input, oy, ox, (pixel) => values.push(input.data[pixel * input.channels + c]))
        output.data[at + c] = finish(values, input.data instanceof Int8Array)
      }
    })
  }

const average = (values: readonly number[], int8: boolean): number => {
  const reciprocal = f32(1 / values.length)
  const y = f32(values.reduce((sum, v) => f32(sum + v), 0) * reciprocal)
  return int8 ? Math.max(-128, Math.min(127, roundHalfEven(y))) : y
}

const upsample: Run = (node, [input], output) => {
  const scale = number(node, 'scale')
  eachPixel(output, (y, x, at) => {
    const from = (Math.floor(y / scale) * input.width + Math.floor(x / scale)) * input.channels
    for (let c = 0; c < output.channels; c++) output.data[at + c] = input.data[from + c]
  })
}

const add: Run = (node, inputs, output) => {
  const finish = finisher(node, output)
  const int8 = output.data instanceof Int8Array
  const terms = inputs.map(({ data, quantization: { scale, zeroPoint } }) => {
    const multiplier = f32(scale / output.quantization.scale)
    return (i: number): number => (int8 ? f32((data[i] - zeroPoint) * multiplier) : data[i])
  })
  for (let i = 0; i < output.data.length; i++) output.data[i] = finish(f32(terms[0](i) + terms[1](i)))
}

/** Channels from `start` of one feature map to `to` of another. */
function move(from: Feature, start: number, output: Feature, to: number, count: number): void {
  eachPixel(output, (y, x, at) => {
    const pixel = (y * from.width + x) * from.channels
    for (let c = 0; c < count; c++) output.data[at + to + c] = from.data[pixel + start + c]
  })
}

const concat: Run = (_node, inputs, output) => {
  let to = 0
  for (const input of inputs) {
    move(input, 0, output, to, input.channels)
    to += input.channels
  }
}

const slice: Run = (node, [input], output) => move(input, number(node, 'start'), output, 0, output.channels)

const activation: Run = (node, [input], output, constant) => {
  const curve =
    input.data instanceof Int8Array ? (q: number) => constant('table').data[q + 128] : curveOf(node)
  output.data.set(Array.from(input.data, curve))
}

const quantize: Run = (_node, [input], output) => {
  const { scale, zeroPoint } = output.quantization
  const multiplier = f32(1 / scale)
  for (let i = 0; i < output.data.length; i++) {
    const y = f32(input.data[i] * multiplier)
    const clamped = Math.max(-128 - zeroPoint, Math.min(127 - zeroPoint, Number.isNaN(y) ? 0 : y))
    output.data[i] = roundHalfEven(clamped) + zeroPoint
  }
}

const dequantize: Run = (_node, [input], output) => {
  const { scale, zeroPoint } = input.quantization
  output.data.set(Array.from(input.data, (q) => f32((q - zeroPoint) * f32(scale))))
}

const linear: Run = (node, [{ data, channels }], output, constant) => {
  const out = output.data as Float32Array
  const [weight, bias] = [constant('weight').data, constant('bias').data]
  if (node.constants.weightScale === undefined) tokens.linear(f32, data, channels, weight, bias, out)
  else {
    const limit = node.attributes.bits === 7 ? 63 : 127
    tokens.linearInt8(f32, data, channels, weight, bias, constant('weightScale').data, limit, out)
  }
}

const layerNorm: Run = (node, [{ data, channels }], output, constant) => {
  const [gamma, beta] = [constant('gamma').data, constant('beta').data]
  tokens.layerNorm(f32, data, channels, gamma, beta, number(node, 'epsilon'), output.data as Float32Array)
}

const embedTokens: Run = (_node, [{ data }], output, constant) =>
  tokens.embedTokens(
    f32,
    data,
    constant('first').data,
    constant('positions').data,
    output.data as Float32Array,
  )

const scatterTokens: Run = (_node, [{ data }], output, constant) =>
  tokens.scatterTokens(
    f32,
    data,
    constant('mask').data,
    constant('positions').data,
    output.data as Float32Array,
  )

/** A border of int8 holds the value as the tensor's scale has it. */
const padded: Run = (node, [input], output) => {
  const { scale, zeroPoint } = output.quantization
  const { mode, value = 0 } = node.attributes
  const border =
    output.data instanceof Int8Array
      ? larger(-128, smaller(127, Math.round(Number(value) / scale) + zeroPoint))
      : Number(value)
  moves.pad({ ...node, attributes: { ...node.attributes, mode, value: border } }, input, output)
}

const operators: Readonly<Record<string, Run>> = {
  activation,
  add,
  averagePool: pool(average),
  concat,
  conv,
  convTranspose,
  dequantize,
  maxPool: pool((values) => values.reduce(larger)),
  quantize,
  slice,
  upsample,
  linear,
  layerNorm,
  softmax: (_node, [{ data, channels }], output) =>
    tokens.softmax(f32, data, channels, output.data as Float32Array),
  attention: (node, [{ data }], output) => {
    const run = node.attributes.bits === undefined ? tokens.attention : tokens.attentionInt16
    run(f32, data, output.channels, number(node, 'heads'), output.data as Float32Array)
  },
  patches: (node, [{ data, width, channels }], output) =>
    tokens.patches(data, width, channels, number(node, 'patch'), output.data as Float32Array),
  embedTokens,
  scatterTokens,
  rearrange: (node, [input], output) => moves.rearrange(node, input, output),
  gather: (_node, [data, indices], output) => moves.gather(data, indices, output),
  constant: (_node, _inputs, output, constant) => output.data.set(constant('value').data),
  pad: padded,
  resize: (node, [input], output) => moves.resize(node, input, output),
  arithmetic: (node, [a, b], output) => moves.arithmetic(node, a, b, output),
  reduce: (node, [input], output) => moves.reduce(node, input, output),
  groupNorm: (node, [input], output, constant) =>
    moves.groupNorm(node, input, constant('gamma').data, constant('beta').data, output),
  matmul: (_node, [a, b], output) => moves.matmul(a, b, output),
}
