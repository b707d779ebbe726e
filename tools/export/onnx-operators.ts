import { OcellusError } from '../../src/host/errors.js'
import { choice, integer, type NodeView } from '../../src/host/graph/descriptor.js'
import type { OnnxAttribute } from '../onnx/format.js'
import { activated } from './onnx-activated.js'
import { conv, convTranspose, windowAttributes } from './onnx-convolutions.js'
import { curveWriters } from './onnx-curves.js'
import { type OnnxGraph, stored, type Writer } from './onnx-graph.js'
import { tokenWriters } from './onnx-tokens.js'

const add: Writer = (view, graph) =>
  activated(view, graph, (output) =>
    graph.node({
      name: view.node.name,
      op: 'Add',
      inputs: view.inputs.map((input) => graph.real(input)),
      outputs: [output],
    }),
  )

const activation: Writer = (view, graph) => {
  const { node, inputs, output } = view
  const writer = curveWriters.get(choice(view, 'kind', ''))
  if (writer === undefined)
    throw new OcellusError(
      'E_MODEL_OPERATOR',
      `${node.name}: the export to ONNX knows no curve ${JSON.stringify(node.attributes.kind)}`,
    )
  const y = output.quantization ? `${output.name}:activated` : output.name
  writer(view, graph, graph.real(inputs[0]), y)
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
