import { integer, integers, type NodeView } from '../../src/host/graph/descriptor.js'
import type { Constant, Quantization } from '../../src/host/graph/types.js'
import { dataTypes } from '../onnx/format.js'
import { activated } from './onnx-activated.js'
import { bytes, type OnnxGraph, stored, type Writer } from './onnx-graph.js'
import { subPixel } from './onnx-transposed.js'

export const conv: Writer = (view, graph) => {
  const { node, inputs, constants } = view
  if (constants.weightScale && !inputs[0].quantization) return dynamicConv(view, graph)
  const { weightScale } = constants
  activated(view, graph, (output) =>
    graph.node({
      name: node.name,
      op: 'Conv',
      inputs: [
        graph.real(inputs[0]),
        weights(graph, constants.weight, weightScale),
        bias(graph, constants.bias, inputs[0].quantization, weightScale),
      ],
      outputs: [output],
      attributes: { ...windowAttributes(view), group: integer(view, 'groups', 1) },
    }),
  )
}

/**
 * `native`: ConvTranspose, float32 inside a quantised model; `phases`: convolutions, where they are
 * the same.
 */
export type TransposedForm = 'native' | 'phases'

/** ConvTranspose of ONNX, or its sub-pixel form, which runtimes compute faster and in int8. */
export const convTranspose =
  (form: TransposedForm): Writer =>
  (view, graph) => {
    const phases = form === 'phases' ? subPixel(view) : undefined
    if (phases !== undefined) {
      for (const convolution of phases.convolutions) conv(convolution, graph)
      const [first] = phases.convolutions
      const outputs = phases.convolutions.map(({ output }) => stored(output))
      const joined = outputs.length === 1 ? outputs[0] : `${first.output.name}:joined`
      if (outputs.length > 1)
        graph.node({
          name: `${view.node.name}:join`,
          op: 'Concat',
          inputs: outputs,
          outputs: [joined],
          attributes: { axis: 1 },
        })
      graph.node({
        name: view.node.name,
        op: 'DepthToSpace',
        inputs: [joined],
        outputs: [stored(view.output)],
        attributes: { blocksize: phases.block, mode: 'DCR' },
      })
      return
    }
    const { node, inputs, constants } = view
    const weightScale = inputs[0].quantization && constants.weightScale
    const positional = constants.bias.shape.length > 1
    activated(view, graph, (sums) => {
      const made = positional ? `${sums}:unbiased` : sums
      graph.node({
        name: node.name,
        op: 'ConvTranspose',
        inputs: [
          graph.real(inputs[0]),
          transposedWeights(graph, constants.weight, constants.weightScale),
          ...(positional ? [] : [bias(graph, constants.bias, inputs[0].quantization, weightScale)]),
        ],
        outputs: [made],
        attributes: { ...windowAttributes(view), group: 1 },
      })
      if (positional)
        graph.node({
          name: `${node.name}:bias`,
          op: 'Add',
          inputs: [made, positionalBias(graph, view, weightScale)],
          outputs: [sums],
        })
    })
  }

/**
 * What ONNX Runtime's dynamic quantisation makes of a convolution whose input is float32: its least
 * and greatest values give the scale of this one run. Weights are unsigned, ours plus 128: with
 * signed ones its Wasm takes nine times as long.
 */
const dynamicConv: Writer = (view, graph) => {
  const { node, inputs, constants } = view
  const { weight } = constants
  const [outputs] = weight.shape
  const [q, scale, zero] = graph.dynamic(inputs[0].name)
  const name = (part: string): string => `${node.name}:${part}`
  const channels = (role: string, data: ArrayBufferView): string =>
    graph.constant(name(role), 'float32', [1, outputs, 1, 1], data)
  const step = (op: string, from: readonly string[], to: string, attributes = {}): void =>
    graph.node({ name: `${to}:${op}`, op, inputs: from, outputs: [to], attributes })
  const attributes = { ...windowAttributes(view), group: integer(view, 'groups', 1) }
  const signed = channelsFirst(weight, new Int8Array(weight.data.length))
  const own = [
    graph.constant(
      bytes(weight.name),
      'uint8',
      dimsOf(weight),
      Uint8Array.from(signed, (q) => q + 128),
    ),
    graph.constant('weights:zero_point', 'uint8', [], Uint8Array.of(128)),
  ]
  step('ConvInteger', [q, own[0], zero, own[1]], name('integers'), attributes)
  step('Cast', [name('integers')], name('floats'), { to: dataTypes.float32 })
  step('Mul', [scale, channels('scales', constants.weightScale.data)], name('factor'))
  step('Mul', [name('floats'), name('factor')], name('scaled'))
  activated(view, graph, (output) =>
    step('Add', [name('scaled'), channels('bias', constants.bias.data)], output),
  )
}

/** OHWI to the IOHW of ConvTranspose; int8 becomes float32, as ONNX Runtime has no other. */
function transposedWeights(
  graph: OnnxGraph,
  { name, shape, data }: Constant,
  scale: Constant | undefined,
): string {
  const [outputs, height, width, inputs] = shape
  const taps = height * width
  const values = new Float32Array(data.length)
  for (let i = 0, to = 0; i < inputs; i++) {
    for (let o = 0; o < outputs; o++) {
      for (let k = 0; k < taps; k++, to++) {
        values[to] = data[(o * taps + k) * inputs + i] * (scale === undefined ? 1 : scale.data[o])
      }
    }
  }
  return graph.constant(name, 'float32', [inputs, outputs, height, width], values)
}

/** A bias for each phase, spread over the whole map: [1, channels, height, width]. */
function positionalBias(graph: OnnxGraph, view: NodeView, scale: Constant | undefined): string {
  const { name, shape, data } = view.constants.bias
  const [, height, width, channels] = view.output.shape
  const inputScale = view.inputs[0].quantization?.scale ?? 1
  const values = Float32Array.from({ length: height * width * channels }, (_, i) => {
    const [o, y, x] = [Math.floor(i / (height * width)), Math.floor(i / width) % height, i % width]
    const value = data[((y % shape[0]) * shape[1] + (x % shape[1])) * channels + o]
    return scale === undefined ? value : value * inputScale * scale.data[o]
  })
  return graph.constant(name, 'float32', [1, channels, height, width], values)
}

/** OHWI to ONNX's OIHW. */
function channelsFirst<T extends Int8Array | Float32Array>({ shape, data }: Constant, to: T): T {
  const [outputs, height, width, inputs] = shape
  const taps = height * width
  for (let o = 0, at = 0; o < outputs; o++) {
    for (let i = 0; i < inputs; i++) {
      for (let k = 0; k < taps; k++, at++) to[at] = data[(o * taps + k) * inputs + i]
    }
  }
  return to
}

function weights(graph: OnnxGraph, weight: Constant, scale: Constant | undefined): string {
  if (scale === undefined) {
    const data = channelsFirst(weight, new Float32Array(weight.data.length))
    return graph.constant(weight.name, 'float32', dimsOf(weight), data)
  }
  const data = channelsFirst(weight, new Int8Array(weight.data.length))
  graph.constant(bytes(weight.name), 'int8', dimsOf(weight), data)
  return dequantizeChannels(graph, weight.name, 'int8', scale.data as Float32Array)
}

const dimsOf = ({ shape: [outputs, height, width, inputs] }: Constant): number[] => [
  outputs,
  inputs,
  height,
  width,
]

function bias(
  graph: OnnxGraph,
  { name, data }: Constant,
  input: Quantization | undefined,
  weightScale: Constant | undefined,
): string {
  if (!input || !weightScale) return graph.constant(name, 'float32', [data.length], data)
  graph.constant(bytes(name), 'int32', [data.length], data)
  const scales = Float32Array.from(weightScale.data, (scale) => scale * input.scale)
  return dequantizeChannels(graph, name, 'int32', scales)
}

/**
 * DequantizeLinear of a constant with a scale per output channel and zero point 0; returns its
 * result.
 */
function dequantizeChannels(
  graph: OnnxGraph,
  name: string,
  type: 'int8' | 'int32',
  scales: Float32Array,
): string {
  const dims = [scales.length]
  const zeros = type === 'int8' ? new Int8Array(scales.length) : new Int32Array(scales.length)
  graph.node({
    name: `${name}:dequantize`,
    op: 'DequantizeLinear',
    inputs: [
      bytes(name),
      graph.constant(`${name}:scale`, 'float32', dims, scales),
      graph.constant(`${name}:zero_point`, type, dims, zeros),
    ],
    outputs: [name],
    attributes: { axis: 0 },
  })
  return name
}

export const windowAttributes = (view: NodeView) => ({
  kernel_shape: integers(view, 'kernel'),
  strides: integers(view, 'strides'),
  pads: integers(view, 'pads'),
})
