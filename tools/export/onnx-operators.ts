import { choice, integer, type NodeView } from '../../src/host/graph/descriptor.js'
import type { OnnxAttribute } from '../onnx/format.js'
import { activated } from './onnx-activated.js'
import { conv, convTranspose, windowAttributes } from './onnx-convolutions.js'
import { type OnnxGraph, stored, type Writer } from './onnx-graph.js'
import { tokenWriters, writeGelu } from './onnx-tokens.js'

const add: Writer = (view, graph) =>
  activated(view, graph, (output) =>
    graph.node({
      name: view.node.name,
      op: 'Add',
      inputs: view.inputs.map((input) => graph.real(input)),
      outputs: [output],
    }),
  )

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

const quantize: Writer = ({ node, inputs: [{ name }], output }, graph) => {
  if (output.quantization) graph.quantize(output.name, name, output.quantization)
  else graph.node({ name: node.name, op: 'Identity', inputs: [name], outputs: [output.name] })
}

const dequantize: Writer = ({ node, inputs: [{ name, quantization }], output }, graph) => {
  if (quantization) graph.dequantize(name, output.name, quantization)
  else graph.node({ name: node.name, op: 'Identity', inputs: [name], outputs: [output.name] })
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
