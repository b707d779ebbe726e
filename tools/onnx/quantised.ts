import type { NodeView } from '../../src/host/graph/descriptor.js'
import { operators } from '../../src/host/graph/ops/index.js'
import type { Model, Node, Quantization, Tensor } from '../../src/host/graph/types.js'
import { viewsOf } from '../../src/host/graph/views.js'
import type { Precision } from '../quantize/passes/precision.js'
import { rewriteInt8 } from '../quantize/passes/rewrite.js'
import { sameScale } from './lower/quantised.js'

/** Scales that a file gives: of tensors, and of weights an output channel each, by their names. */
export interface GivenScales {
  readonly tensors: ReadonlyMap<string, Quantization>
  readonly weights: ReadonlyMap<string, Float32Array>
}

/**
 * The int8 form that a quantised file describes: a node is int8 where all that it reads and makes
 * has a scale. The exact sums of a node whose result has none are float32.
 */
export function withGivenScales(original: Model, scales: GivenScales): Model {
  const given = { ...scales, tensors: throughMoves(original, scales.tensors) }
  const model = withRounding(original, given)
  const precision = new Map<string, Precision>(
    viewsOf(model).map((view) => [view.node.name, isInt8(view, given) ? 'int8' : 'float32']),
  )
  return rewriteInt8(model, given.tensors, {
    precision,
    reduceRange: false,
    rounded: new Set(given.tensors.keys()),
    weightScales: given.weights,
  })
}

/** What only moves values passes their scale on. */
function throughMoves(model: Model, tensors: GivenScales['tensors']): GivenScales['tensors'] {
  const all = new Map(tensors)
  for (const { node, inputs, output } of viewsOf(model)) {
    const [first, ...others] = inputs.map(({ name }) => all.get(name))
    const isMove =
      first !== undefined && operators.get(node.op)!.scales === 'keeps' && node.op !== 'averagePool'
    const isOne = others.every((other) => sameScale(other, first))
    if (isMove && isOne && !all.has(output.name)) all.set(output.name, first)
  }
  return all
}

/**
 * The network with every value rounded, and cut at the ends of its range, where the file does so
 * and no int8 node will: a ReLU is often nothing but such an end.
 */
function withRounding(model: Model, given: GivenScales): Model {
  const { graph } = model
  const views = viewsOf(model)
  const tensors = [...graph.tensors]
  const nodes: Node[] = []
  /** Inputs of the network that some node reads in float32, rounded. */
  const rounded = new Map<string, string>()
  /** Adds `to`, which is `from` in the steps of the scale that the file gives the tensor. */
  const round = (tensor: Tensor, from: string, to: string): void => {
    const bytes = `${to}:bytes`
    tensors.push({ ...tensor, name: bytes, dtype: 'int8', quantization: given.tensors.get(tensor.name) })
    const node = (op: string, input: string, output: string): Node => ({
      name: `${output}:${op}`,
      op,
      inputs: [input],
      outputs: [output],
      constants: {},
      attributes: {},
    })
    nodes.push(node('quantize', from, bytes), node('dequantize', bytes, to))
  }
  for (const input of graph.inputs) {
    const readers = views.filter(({ inputs }) => inputs.some(({ name }) => name === input))
    if (!given.tensors.has(input) || readers.every((view) => isInt8(view, given))) continue
    const tensor = graph.tensors.find((one) => one.name === input)!
    const name = `${input}:rounded`
    tensors.push({ ...tensor, name })
    round(tensor, input, name)
    rounded.set(input, name)
  }
  for (const view of views) {
    const { node, output } = view
    const int8 = isInt8(view, given)
    const inputs = node.inputs.map((name) => (int8 ? name : (rounded.get(name) ?? name)))
    if (int8 || !given.tensors.has(output.name)) {
      nodes.push({ ...node, inputs })
      continue
    }
    const exact = `${output.name}:exact`
    tensors.push({ ...output, name: exact })
    nodes.push({ ...node, inputs, outputs: [exact] })
    round(output, exact, output.name)
  }
  return { ...model, graph: { ...graph, tensors, nodes } }
}

function isInt8(view: NodeView, { tensors, weights }: GivenScales): boolean {
  const { node, inputs, output, constants } = view
  const operator = operators.get(node.op)!
  if (inputs.length === 0 || !operator.types.includes('int8')) return false
  if (!inputs.every(({ name, dtype }) => dtype === 'float32' && tensors.has(name))) return false
  const result = tensors.get(output.name)
  if (operator.scales === 'weights') {
    const hasPlace = result !== undefined || operator.writesFloat?.(node) === true
    return hasPlace && weights.has(constants.weight.name)
  }
  if (result === undefined) return false
  if (operator.scales !== 'keeps') return true
  return inputs.every(({ name }) => sameScale(tensors.get(name), result))
}
