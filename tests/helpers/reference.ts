import type { Model, Node, Tensor } from '../../src/host/graph/types.js'
import { curveOf } from './curves.js'
import * as moves from './reference-moves.js'
import * as tokens from './reference-tokens.js'

/** Values of one feature map, row by row, channels innermost. */
interface Map3 {
  readonly height: number
  readonly width: number
  readonly channels: number
  readonly data: Float32Array
}

type Run = (node: Node, inputs: readonly Map3[], output: Map3, model: Model) => void

/**
 * Runs a float graph by the book: a loop for each operator, sums in float64, tensors in float32. It
 * shares no code with the engine or its planner, so that the two can be held to each other.
 * Returns every tensor by its name.
 */
export function runReference(model: Model, input: Float32Array): Map<string, Float32Array> {
  return runNamed(model, new Map([[model.graph.inputs[0], input]]))
}

/**
 * The same with any number of inputs by their names, in the engine's order; whole numbers are held
 * as floats.
 */
export function runNamed(
  model: Model,
  inputs: ReadonlyMap<string, ArrayLike<number>>,
): Map<string, Float32Array> {
  const { graph } = model
  const shapes = new Map(graph.tensors.map((tensor) => [tensor.name, tensor]))
  const maps = new Map<string, Map3>()
  for (const name of graph.inputs) {
    const values = found(inputs.get(name), name)
    const map = toMap(shapes.get(name))
    if (map.data.length !== values.length) throw new Error(`the input has ${values.length} values`)
    map.data.set(values)
    maps.set(name, map)
  }
  for (const node of graph.nodes) {
    const run = operators[node.op]
    if (run === undefined) throw new Error(`the reference has no ${node.op}`)
    const inputs = node.inputs.map((name) => found(maps.get(name), name))
    const output = toMap(shapes.get(node.outputs[0]))
    run(node, inputs, output, model)
    maps.set(node.outputs[0], output)
  }
  return new Map([...maps].map(([name, { data }]) => [name, data]))
}

function toMap(tensor: Tensor | undefined): Map3 {
  const { shape } = found(tensor, 'tensor')
  const [batch, height, width, channels] = shape
  if (shape.length !== 4 || batch !== 1) throw new Error(`shape [${shape}]`)
  return {
    height,
    width,
    channels,
    data: new Float32Array(height * width * channels),
  }
}

function found<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new Error(`no ${name}`)
  return value
}

const numbers = (node: Node, name: string): readonly number[] => node.attributes[name] as readonly number[]
const number = (node: Node, name: string): number => node.attributes[name] as number

/** Applies a node's fused activation to its sums. */
function activator(node: Node): (x: number) => number {
  switch (node.attributes.activation ?? 'linear') {
    case 'linear':
      return (x) => x
    case 'relu':
      return (x) => (x > 0 ? x : 0)
    case 'relu6':
      return (x) => Math.min(6, x > 0 ? x : 0)
    case 'leaky': {
      const slope = number(node, 'slope')
      return (x) => (x > 0 ? x : x * slope)
    }
    default:
      throw new Error(`activation ${node.attributes.activation}`)
  }
}

const conv: Run = (node, [input], output, model) => {
  const [kh, kw] = numbers(node, 'kernel')
  const [sy, sx] = numbers(node, 'strides')
  const [top, left] = numbers(node, 'pads')
  const activate = activator(node)
  const weight = found(model.constants.get(node.constants.weight), 'weight').data
  const bias = found(model.constants.get(node.constants.bias), 'bias').data
  const depth = input.channels / number(node, 'groups')
  const perGroup = output.channels / number(node, 'groups')
  const x = input.data
  for (let oy = 0, at = 0; oy < output.height; oy++) {
    for (let ox = 0; ox < output.width; ox++) {
      for (let o = 0; o < output.channels; o++, at++) {
        const start = Math.floor(o / perGroup) * depth
        let sum = bias[o]
        for (let ky = 0; ky < kh; ky++) {
          const y = oy * sy - top + ky
          if (y < 0 || y >= input.height) continue
          for (let kx = 0; kx < kw; kx++) {
            const column = ox * sx - left + kx
            if (column < 0 || column >= input.width) continue
            const from = (y * input.width + column) * input.channels + start
            const w = ((o * kh + ky) * kw + kx) * depth
            for (let c = 0; c < depth; c++) sum += x[from + c] * weight[w + c]
          }
        }
        output.data[at] = activate(sum)
      }
    }
  }
}

/** By its definition: each input pixel adds its filters to the outputs around it. */
const convTranspose: Run = (node, [input], output, model) => {
  const [kh, kw] = numbers(node, 'kernel')
  const [sy, sx] = numbers(node, 'strides')
  const [top, left] = numbers(node, 'pads')
  const activate = activator(node)
  const weight = found(model.constants.get(node.constants.weight), 'weight').data
  const bias = found(model.constants.get(node.constants.bias), 'bias')
  const sums = Float64Array.from(output.data, (_, i) => {
    const [down, across] = bias.shape.length === 1 ? [1, 1] : bias.shape
    const [pixel, o] = [Math.floor(i / output.channels), i % output.channels]
    const phase = (Math.floor(pixel / output.width) % down) * across + ((pixel % output.width) % across)
    return bias.data[phase * output.channels + o]
  })
  for (let pixel = 0; pixel < input.height * input.width; pixel++) {
    for (let tap = 0; tap < kh * kw; tap++) {
      const y = Math.floor(pixel / input.width) * sy - top + Math.floor(tap / kw)
      const x = (pixel % input.width) * sx - left + (tap % kw)
      if (y < 0 || y >= output.height || x < 0 || x >= output.width) continue
      for (let o = 0; o < output.channels; o++) {
        for (let c = 0; c < input.channels; c++) {
          sums[(y * output.width + x) * output.channels + o] +=
            input.data[pixel * input.channels + c] * weight[(o * kh * kw + tap) * input.channels + c]
        }
      }
    }
  }
  output.data.set(sums.map(activate))
}

/** A pool over the part of each window that lies inside the input. */
const pool =
  (
    start: number,
    step: (sum: number, x: number) => number,
    finish: (sum: number, count: number) => number,
  ): Run =>
  (node, [input], output) => {
    const [kh, kw] = numbers(node, 'kernel')
    const [sy, sx] = numbers(node, 'strides')
    const [top, left] = numbers(node, 'pads')
    for (let oy = 0, at = 0; oy < output.height; oy++) {
      for (let ox = 0; ox < output.width; ox++) {
        for (let c = 0; c < output.channels; c++, at++) {
          let sum = start
          let count = 0
          for (let y = Math.max(0, oy * sy - top); y < Math.min(input.height, oy * sy - top + kh); y++) {
            for (let x = Math.max(0, ox * sx - left); x < Math.min(input.width, ox * sx - left + kw); x++) {
              sum = step(sum, input.data[(y * input.width + x) * input.channels + c])
              count++
            }
          }
          output.data[at] = finish(sum, count)
        }
      }
    }
  }

const upsample: Run = (node, [input], output) => {
  const scale = number(node, 'scale')
  for (let y = 0, at = 0; y < output.height; y++) {
    for (let x = 0; x < output.width; x++) {
      const from = (Math.floor(y / scale) * input.width + Math.floor(x / scale)) * input.channels
      for (let c = 0; c < output.channels; c++) output.data[at++] = input.data[from + c]
    }
  }
}

const add: Run = (node, [a, b], output) => {
  const activate = activator(node)
  for (let i = 0; i < output.data.length; i++) output.data[i] = activate(a.data[i] + b.data[i])
}

const concat: Run = (_node, inputs, output) => {
  for (let pixel = 0, at = 0; pixel < output.height * output.width; pixel++) {
    for (const { data, channels } of inputs) {
      output.data.set(data.subarray(pixel * channels, (pixel + 1) * channels), at)
      at += channels
    }
  }
}

const slice: Run = (node, [input], output) => {
  const start = number(node, 'start')
  for (let pixel = 0; pixel < output.height * output.width; pixel++) {
    const from = pixel * input.channels + start
    output.data.set(input.data.subarray(from, from + output.channels), pixel * output.channels)
  }
}

const activation: Run = (node, [input], output) => {
  const curve = curveOf(node)
  for (let i = 0; i < output.data.length; i++) output.data[i] = curve(input.data[i])
}

const exact = (x: number): number => x
const constantOf = (node: Node, model: Model, role: string): ArrayLike<number> =>
  found(model.constants.get(node.constants[role]), role).data

const linear: Run = (node, [{ data, channels }], output, model) => {
  const [weight, bias] = ['weight', 'bias'].map((role) => constantOf(node, model, role))
  tokens.linear(exact, data, channels, weight, bias, output.data)
}

const layerNorm: Run = (node, [{ data, channels }], output, model) => {
  const [gamma, beta] = ['gamma', 'beta'].map((role) => constantOf(node, model, role))
  tokens.layerNorm(exact, data, channels, gamma, beta, number(node, 'epsilon'), output.data)
}

const embedTokens: Run = (node, [{ data }], output, model) => {
  const [first, positions] = ['first', 'positions'].map((role) => constantOf(node, model, role))
  tokens.embedTokens(exact, data, first, positions, output.data)
}

const scatterTokens: Run = (node, [{ data }], output, model) => {
  const [mask, positions] = ['mask', 'positions'].map((role) => constantOf(node, model, role))
  tokens.scatterTokens(exact, data, mask, positions, output.data)
}

const operators: Readonly<Record<string, Run>> = {
  conv,
  convTranspose,
  maxPool: pool(Number.NEGATIVE_INFINITY, Math.max, (sum) => sum),
  averagePool: pool(
    0,
    (sum, x) => sum + x,
    (sum, count) => sum / count,
  ),
  upsample,
  add,
  concat,
  slice,
  activation,
  linear,
  layerNorm,
  softmax: (_node, [{ data, channels }], output) => tokens.softmax(exact, data, channels, output.data),
  attention: (node, [{ data }], output) =>
    tokens.attention(exact, data, output.channels, number(node, 'heads'), output.data),
  patches: (node, [{ data, width, channels }], output) =>
    tokens.patches(data, width, channels, number(node, 'patch'), output.data),
  embedTokens,
  scatterTokens,
  rearrange: (node, [input], output) => moves.rearrange(node, input, output),
  gather: (_node, [data, indices], output) => moves.gather(data, indices, output),
  constant: (node, _inputs, output, model) => output.data.set(constantOf(node, model, 'value')),
  pad: (node, [input], output) => moves.pad(node, input, output),
  resize: (node, [input], output) => moves.resize(node, input, output),
  arithmetic: (node, [a, b], output) => moves.arithmetic(node, a, b, output),
  reduce: (node, [input], output) => moves.reduce(node, input, output),
  groupNorm: (node, [input], output, model) =>
    moves.groupNorm(node, input, constantOf(node, model, 'gamma'), constantOf(node, model, 'beta'), output),
  matmul: (_node, [a, b], output) => moves.matmul(a, b, output),
}
