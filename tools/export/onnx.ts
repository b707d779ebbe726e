import { OcellusError } from '../../src/host/errors.js'
import type { Model, Tensor } from '../../src/host/graph/types.js'
import { verifyModel } from '../../src/host/graph/verify.js'
import { encodeOnnx, type OnnxType } from '../onnx/format.js'
import { convTranspose, type TransposedForm } from './onnx-convolutions.js'
import { floatActivations, floatTensor } from './onnx-dynamic.js'
import { bytes, OnnxGraph } from './onnx-graph.js'
import { writers } from './onnx-operators.js'
import { tokenWriters } from './onnx-tokens.js'

export interface ExportOptions {
  /**
   * What a quantised model's inputs take: `float32` values, normalised as the model's preprocessing
   * says, which the graph quantises first; or the bytes themselves: of the engine's int8 input,
   * plus 128.
   */
  readonly input?: 'float32' | 'uint8'
  /**
   * How transposed convolutions are written: as such, or where that is exact as the convolutions of
   * their phases.
   */
  readonly transposed?: TransposedForm
  /**
   * Of an int8 model: activations quantised by the scales that it has, or as ONNX Runtime's dynamic
   * quantisation does it: float32 between convolutions, each of which quantises its input by the
   * range of that run. Its inputs take float32 then.
   */
  readonly activations?: 'static' | 'dynamic'
}

/**
 * The model as an .onnx file: feature maps NCHW, and int8 in the QDQ form of ONNX Runtime
 * (onnxruntime.ai, Quantize ONNX Models), which its optimiser turns into QLinear kernels; detection
 * heads stay float32. Convolutions, sums, pools and moves agree with ours to the byte. A
 * convolution with LeakyRelu does not, since ONNX Runtime has no kernel for both: it rounds a
 * second time between the two, which costs it some 2 dB. Sigmoid, swish and mish are computed,
 * where ours are tables. Networks of tokens are written with the first patches visible, and int8
 * always as ONNX Runtime's dynamic quantisation makes it: one scale for all tokens, where ours have
 * one each.
 */
export function exportOnnx(
  model: Model,
  { input = 'float32', transposed = 'native', activations = 'static' }: ExportOptions = {},
): Uint8Array {
  const verified = verifyModel(model, Number.POSITIVE_INFINITY)
  const { graph } = model
  const onnx = new OnnxGraph()
  const dynamic = activations === 'dynamic'
  const tensorOf = (name: string): Tensor => {
    const tensor = verified.tensorsByName.get(name)!
    return dynamic ? floatTensor(tensor) : tensor
  }
  const inputs = graph.inputs.map(tensorOf).map((tensor) => {
    const { name, quantization } = tensor
    if (quantization && input === 'uint8') return value(tensor, bytes(name), 'uint8')
    if (quantization) onnx.quantize(name, name, quantization)
    return value(tensor, name, 'float32')
  })
  const tokens = new Set<string>()
  for (const { view: stored } of verified.views) {
    const view = dynamic ? floatActivations(stored) : stored
    if (tokenWriters.has(view.node.op) || tokens.has(view.inputs[0].name)) tokens.add(view.output.name)
    const write = view.node.op === 'convTranspose' ? convTranspose(transposed) : writers.get(view.node.op)
    if (!write) throw new OcellusError('E_MODEL_OPERATOR', `${view.node.name}: ONNX has no ${view.node.op}`)
    write(view, onnx)
  }
  const outputs = graph.outputs.map(tensorOf).map((tensor) => {
    const { name, quantization } = tensor
    if (quantization) onnx.dequantize(name, name, quantization)
    return value(tensor, name, 'float32', tokens.has(name))
  })
  return encodeOnnx({
    name: graph.name,
    nodes: onnx.nodes,
    initializers: [...onnx.initializers.values()],
    inputs,
    outputs,
    metadata: metadataOf(model),
    opset: tokens.size > 0 ? 17 : 13,
  })
}

function value({ shape }: Tensor, name: string, type: OnnxType, tokens = false) {
  if (tokens) return { name, type, dims: [1, shape[2], shape[3]] }
  const dims = shape.length === 4 ? [shape[0], shape[3], shape[1], shape[2]] : shape
  return { name, type, dims }
}

/** What decoding needs beside the graph, under names of our own: ONNX has no place for them. */
function metadataOf({ graph: { task, preprocessing, provenance } }: Model): Record<string, string> {
  const entries = { task, ...(preprocessing === undefined ? {} : { preprocessing }), provenance }
  return Object.fromEntries(Object.entries(entries).map(([key, entry]) => [key, JSON.stringify(entry)]))
}
