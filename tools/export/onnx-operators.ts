import { choice, integer, integers, type NodeView } from '../../src/host/graph/descriptor.js'
import { activationBounds, activationSlope } from '../../src/host/graph/ops/shared.js'
import type { Constant, Quantization, Tensor } from '../../src/host/graph/types.js'
import type { OnnxAttribute } from './onnx-format.js'
import { bytes, type OnnxGraph } from './onnx-graph.js'
import { tokenWriters, writeGelu } from './onnx-tokens.js'
import { subPixel } from './onnx-transposed.js'

/** Writes one of our nodes as ONNX nodes. Feature maps are NCHW there. */
type Writer = (view: NodeView, graph: OnnxGraph) => void

/** The name under which operators that only move values read or write a tensor: its bytes, if it has any. */
const stored = ({ name, quantization }: Tensor) => (quantization ? bytes(name) : name)

const conv: Writer = (view, graph) => {
  const { node, inputs, constants } = view
  const weightScale = inputs[0].quantization && constants.weightScale
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

/** `native`: ConvTranspose, float32 inside a quantised model; `phases`: convolutions, where they are the same. */
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
          transposedWeights(graph, constants.weight, weightScale),
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
function weights(graph: OnnxGraph, weight: Constant, scale: Constant | undefined): string {
  const [outputs, height, width, inputs] = weight.shape
  const source = weight.data
  const data = scale ? new Int8Array(source.length) : new Float32Array(source.length)
  const taps = height * width
  for (let o = 0, to = 0; o < outputs; o++) {
    for (let i = 0; i < inputs; i++) {
      for (let k = 0; k < taps; k++, to++) data[to] = source[(o * taps + k) * inputs + i]
    }
  }
  const dims = [outputs, inputs, height, width]
  if (!scale) return graph.constant(weight.name, 'float32', dims, data)
  graph.constant(bytes(weight.name), 'int8', dims, data)
  return dequantizeChannels(graph, weight.name, 'int8', scale.data as Float32Array)
}

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

/** DequantizeLinear of a constant with a scale per output channel and zero point 0; returns its result. */
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

const add: Writer = (view, graph) =>
  activated(view, graph, (output) =>
    graph.node({
      name: view.node.name,
      op: 'Add',
      inputs: view.inputs.map((input) => graph.real(input)),
      outputs: [output],
    }),
  )

/**
 * Writes an operator and its fused activation. `write` makes the operator give its sums the name that it
 * is told.
 */
function activated(view: NodeView, graph: OnnxGraph, write: (output: string) => void): void {
  const { name, quantization } = view.output
  const kind = choice(view, 'activation', 'linear')
  const sums = `${name}:sums`
  if (!quantization) {
    write(kind === 'linear' ? name : sums)
    if (kind !== 'linear') floatActivation(view, graph, sums, name)
    return
  }
  write(sums)
  if (kind === 'leaky' && activationSlope(view) > 0) {
    // ONNX Runtime keeps to int8 only where the sums are quantised too: QLinearConv, then QLinearLeakyRelu.
    // Without that it computes both in float32, at less than half the speed.
    const between = `${name}:before`
    const before = beforeLeaky(quantization, activationSlope(view))
    graph.quantize(between, sums, before)
    floatActivation(view, graph, graph.real({ name: between, quantization: before }), `${name}:activated`)
    graph.quantize(name, `${name}:activated`, quantization)
    return
  }
  const low = kind === 'linear' ? -128 : quantization.zeroPoint
  const high = activationBounds(view).high
  if (low === -128 && high === 127) graph.quantize(name, sums, quantization)
  else {
    graph.quantize(`${name}:unclipped`, sums, quantization)
    graph.node({
      name: `${name}:clip`,
      op: 'Clip',
      inputs: [
        bytes(`${name}:unclipped`),
        graph.constant(`${name}:low`, 'uint8', [], Uint8Array.of(low + 128)),
        graph.constant(`${name}:high`, 'uint8', [], Uint8Array.of(high + 128)),
      ],
      outputs: [bytes(name)],
    })
  }
}

/** Holds every sum that the output's range can tell apart: its negative side, before the slope, is longer. */
function beforeLeaky({ scale, zeroPoint }: Quantization, slope: number): Quantization {
  const low = ((-128 - zeroPoint) * scale) / slope
  const high = (127 - zeroPoint) * scale
  const wide = (high - low) / 255
  return { scale: wide, zeroPoint: Math.max(-128, Math.min(127, Math.round(-128 - low / wide))) }
}

function floatActivation(view: NodeView, graph: OnnxGraph, input: string, output: string): void {
  const kind = choice(view, 'activation', 'linear')
  const name = `${view.node.name}:${kind}`
  if (kind === 'leaky') {
    const floats = { alpha: activationSlope(view) }
    graph.node({ name, op: 'LeakyRelu', inputs: [input], outputs: [output], floats })
  } else if (kind === 'relu6') {
    const low = graph.constant('relu6:low', 'float32', [], Float32Array.of(0))
    const high = graph.constant('relu6:high', 'float32', [], Float32Array.of(6))
    graph.node({ name, op: 'Clip', inputs: [input, low, high], outputs: [output] })
  } else graph.node({ name, op: 'Relu', inputs: [input], outputs: [output] })
}

/** Logistic, swish and mish by their definition: ours are tables, but ONNX has no operator for one. */
const activation: Writer = (view, graph) => {
  const { node, inputs, output } = view
  const kind = choice(view, 'kind', 'logistic')
  const x = graph.real(inputs[0])
  const y = output.quantization ? `${output.name}:activated` : output.name
  const step = (op: string, from: readonly string[], to: string) =>
    graph.node({ name: `${node.name}:${op}`, op, inputs: from, outputs: [to] })
  if (kind === 'logistic') step('Sigmoid', [x], y)
  else if (kind === 'tanh') step('Tanh', [x], y)
  else if (kind === 'gelu') writeGelu(view, graph, x, y)
  else if (kind === 'swish') {
    step('Sigmoid', [x], `${output.name}:sigmoid`)
    step('Mul', [x, `${output.name}:sigmoid`], y)
  } else {
    step('Softplus', [x], `${output.name}:softplus`)
    step('Tanh', [`${output.name}:softplus`], `${output.name}:tanh`)
    step('Mul', [x, `${output.name}:tanh`], y)
  }
  if (output.quantization) graph.quantize(output.name, y, output.quantization)
}

const windowAttributes = (view: NodeView) => ({
  kernel_shape: integers(view, 'kernel'),
  strides: integers(view, 'strides'),
  pads: integers(view, 'pads'),
})

const averagePool: Writer = (view, graph) => {
  const { node, inputs, output } = view
  const average = output.quantization ? `${output.name}:average` : output.name
  graph.node({
    name: node.name,
    op: 'AveragePool',
    inputs: [graph.real(inputs[0])],
    outputs: [average],
    attributes: { ...windowAttributes(view), count_include_pad: 0 },
  })
  if (output.quantization) graph.quantize(output.name, average, output.quantization)
}

/** An operator that moves values without changing them, and so works on the bytes themselves. */
const moving =
  (
    op: string,
    attributes: (view: NodeView) => Readonly<Record<string, OnnxAttribute>>,
    constants: (view: NodeView, graph: OnnxGraph) => readonly string[] = () => [],
  ): Writer =>
  (view, graph) =>
    graph.node({
      name: view.node.name,
      op,
      inputs: [...view.inputs.map(stored), ...constants(view, graph)],
      outputs: [stored(view.output)],
      attributes: attributes(view),
    })

const maxPool = moving('MaxPool', windowAttributes)
const concat = moving('Concat', () => ({ axis: 1 }))

const slice = moving(
  'Slice',
  () => ({}),
  (view, graph) => {
    const start = integer(view, 'start')
    const ends = { starts: start, ends: start + integer(view, 'count'), axes: 1 }
    return Object.entries(ends).map(([role, value]) =>
      graph.constant(`${view.node.name}:${role}`, 'int64', [1], BigInt64Array.of(BigInt(value))),
    )
  },
)

const upsample = moving(
  'Resize',
  () => ({ mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' }),
  (view, graph) => {
    const scale = integer(view, 'scale')
    const scales = Float32Array.of(1, 1, scale, scale)
    return ['', graph.constant(`${view.node.name}:scales`, 'float32', [4], scales)]
  },
)

const quantize: Writer = ({ inputs, output }, graph) => {
  if (output.quantization) graph.quantize(output.name, inputs[0].name, output.quantization)
}

const dequantize: Writer = ({ inputs: [{ name, quantization }], output }, graph) => {
  if (quantization) graph.dequantize(name, output.name, quantization)
}

export const writers: ReadonlyMap<string, Writer> = new Map([
  ...tokenWriters,
  ...Object.entries({
    conv,
    convTranspose: convTranspose('native'),
    add,
    activation,
    maxPool,
    averagePool,
    upsample,
    concat,
    slice,
    quantize,
    dequantize,
  }),
])
