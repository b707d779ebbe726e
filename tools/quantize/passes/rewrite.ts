import type { Constant, Model, Node, Quantization, Tensor } from '../../../src/host/graph/types.js'
import { curves } from './curves.js'
import { quantizeWeights } from './weights.js'

export interface RewriteOptions {
  /** 7-bit weights. */
  readonly reduceRange: boolean
  /** Mean of each channel of a tensor, by its name: corrects biases for the rounding of weights. */
  readonly means?: ReadonlyMap<string, Float64Array>
}

/**
 * The int8 form of a float network, given the scale of every tensor. The network's outputs, the detection
 * heads, stay float32: a head's convolution multiplies int8 and writes its exact sums times scale, so that
 * boxes, objectness and classes each keep their full range.
 */
export function rewriteInt8(
  model: Model,
  scales: ReadonlyMap<string, Quantization>,
  options: RewriteOptions,
): Model {
  const { graph } = model
  const producer = new Map(graph.nodes.map((n) => [n.outputs[0], n]))
  const uses = new Map<string, number>()
  for (const node of graph.nodes) for (const name of node.inputs) uses.set(name, (uses.get(name) ?? 0) + 1)
  const outputs = new Set(graph.outputs)
  const float = floatTensors(graph.outputs, producer, uses, outputs)

  const tensors: Tensor[] = []
  const renamed = new Map<string, string>()
  for (const tensor of graph.tensors) {
    if (float.has(tensor.name)) tensors.push(tensor)
    else {
      const name = outputs.has(tensor.name) ? `${tensor.name}_int8` : tensor.name
      renamed.set(tensor.name, name)
      tensors.push({ ...tensor, name, dtype: 'int8', quantization: scales.get(tensor.name)! })
    }
  }
  const constants = new Map<string, Constant>()
  const nodes: Node[] = []
  for (const node of graph.nodes) {
    const rename = (name: string): string => renamed.get(name) ?? name
    const moved = { ...node, inputs: node.inputs.map(rename), outputs: node.outputs.map(rename) }
    if (float.has(node.inputs[0])) nodes.push(moved)
    else if (isConvolution(node))
      nodes.push({
        ...moved,
        constants: quantizeConv(node, model, scales.get(node.inputs[0])!, constants, options),
      })
    else if (node.op === 'activation') {
      nodes.push(tabulate(moved, scales.get(node.inputs[0])!, scales.get(node.outputs[0])!, constants))
    } else nodes.push(moved)
  }
  for (const name of graph.outputs) {
    const int8 = renamed.get(name)
    if (int8 === undefined) continue
    tensors.push(graph.tensors.find((t) => t.name === name)!)
    nodes.push({
      name: `${name}_dequantize`,
      op: 'dequantize',
      inputs: [int8],
      outputs: [name],
      constants: {},
      attributes: {},
    })
  }
  return { graph: { ...graph, tensors, nodes }, constants }
}

/** Nodes whose weights and biases are quantised. */
export const isConvolution = (node: Node): boolean => node.op === 'conv' || node.op === 'convTranspose'

/** Outputs that a linear convolution makes, directly or through an activation of their own. */
function floatTensors(
  names: readonly string[],
  producer: ReadonlyMap<string, Node>,
  uses: ReadonlyMap<string, number>,
  outputs: ReadonlySet<string>,
): Set<string> {
  const float = new Set<string>()
  const isHead = (node: Node | undefined): boolean =>
    node !== undefined && isConvolution(node) && (node.attributes.activation ?? 'linear') === 'linear'
  for (const name of names) {
    if (uses.has(name)) continue
    const node = producer.get(name)
    if (isHead(node)) float.add(name)
    else if (
      node?.op === 'activation' &&
      uses.get(node.inputs[0]) === 1 &&
      !outputs.has(node.inputs[0]) &&
      isHead(producer.get(node.inputs[0]))
    ) {
      float.add(name).add(node.inputs[0])
    }
  }
  return float
}

/** Adds the constants of a convolution in int8; returns their names by their roles. */
function quantizeConv(
  node: Node,
  model: Model,
  input: Quantization,
  constants: Map<string, Constant>,
  { reduceRange, means }: RewriteOptions,
): Node['constants'] {
  const weight = model.constants.get(node.constants.weight)!
  const bias = model.constants.get(node.constants.bias)!
  const quantized = quantizeWeights(
    node.name,
    weight.data as Float32Array,
    bias.data as Float32Array,
    input.scale,
    reduceRange,
    {
      outputs: weight.shape[0],
      groups: (node.attributes.groups ?? 1) as number,
      means: means?.get(node.inputs[0]),
      share: tapShare(node, model),
    },
  )
  const scaleName = `${weight.name}_scale`
  constants.set(weight.name, { ...weight, dtype: 'int8', data: quantized.weight })
  constants.set(bias.name, { ...bias, dtype: 'int32', data: quantized.bias })
  constants.set(scaleName, {
    name: scaleName,
    shape: [quantized.weightScale.length],
    dtype: 'float32',
    data: quantized.weightScale,
  })
  return { ...node.constants, weightScale: scaleName }
}

/**
 * Share of its taps that an output takes, on average: all of a convolution's, but of a transposed one's those that meet
 * an input pixel.
 */
function tapShare(node: Node, { graph }: Model): number {
  if (node.op !== 'convTranspose') return 1
  const pixels = (name: string): number => {
    const [, height, width] = graph.tensors.find((tensor) => tensor.name === name)!.shape
    return height * width
  }
  return Math.min(1, pixels(node.inputs[0]) / pixels(node.outputs[0]))
}

/** Results of a curved activation for each of the 256 values that its input can have. */
function tabulate(
  node: Node,
  input: Quantization,
  output: Quantization,
  constants: Map<string, Constant>,
): Node {
  const curve = curves[node.attributes.kind as keyof typeof curves]
  const data = Int8Array.from({ length: 256 }, (_, i) => {
    const y = curve((i - 128 - input.zeroPoint) * input.scale)
    return Math.max(-128, Math.min(127, Math.round(y / output.scale) + output.zeroPoint))
  })
  const name = `${node.name}.table`
  constants.set(name, { name, shape: [256], dtype: 'int8', data })
  return { ...node, constants: { table: name } }
}
