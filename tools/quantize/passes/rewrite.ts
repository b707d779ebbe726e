import type { NodeView, OperatorDescriptor } from '../../../src/host/graph/descriptor.js'
import { operators } from '../../../src/host/graph/ops/index.js'
import type { Model, Node, Quantization } from '../../../src/host/graph/types.js'
import { viewsOf } from '../../../src/host/graph/views.js'
import { Constants } from './constants.js'
import { Conversions } from './conversions.js'
import { quantizeDynamic, withConstants } from './linear.js'
import { hasInt8Tensors, type Precision, precisionOf } from './precision.js'
import { quantizeWeights } from './weights.js'

export interface RewriteOptions {
  /** 7-bit weights. */
  readonly reduceRange: boolean
  /** Mean of each channel of a tensor, by its name: corrects biases for the rounding of weights. */
  readonly means?: ReadonlyMap<string, Float64Array>
  /** In what precision each node computes. Default: int8, as far as `precisionOf` allows. */
  readonly precision?: ReadonlyMap<string, Precision>
  /**
   * Tensors that are int8 wherever a node can make them so: what reads them expects their rounding
   * and their ends.
   */
  readonly rounded?: ReadonlySet<string>
  /** Scales of weights that are given, by the constant's name. Default: each spans its channel. */
  readonly weightScales?: ReadonlyMap<string, Float32Array>
}

/**
 * The int8 form of a float network, given the scale of every tensor, with each node in the
 * precision that is asked for; conversions stand between those of different ones. The network's
 * outputs stay float32: a node that can write float32 from int8 writes its exact sums times scale
 * where only float32 is read, so that the boxes, objectness and classes of a detection head each
 * keep their full range.
 */
export function rewriteInt8(
  model: Model,
  scales: ReadonlyMap<string, Quantization>,
  options: RewriteOptions,
): Model {
  const { graph } = model
  const views = viewsOf(model)
  const precision = options.precision ?? precisionOf(model)
  const conversions = new Conversions(graph, scales, int8Tensors(model, views, precision, options.rounded))
  const constants = new Constants()
  for (const view of views) {
    const { node } = view
    const operator = operators.get(node.op)!
    const int8 = hasInt8Tensors(view, precision)
    const inputs = view.inputs.map((tensor) => conversions.read(tensor, int8))
    const moved = { ...node, inputs, outputs: [conversions.nameOf(view.output.name)] }
    const dynamic = precision.get(node.name) === 'int8' && operator.dynamic !== undefined
    if (int8) conversions.nodes.push(quantizeNode(view, operator, moved, scales, constants, options))
    else if (dynamic)
      conversions.nodes.push(quantizeDynamic(view, moved, constants, options.reduceRange ? 7 : 8))
    else conversions.nodes.push(withConstants(view, moved, constants))
  }
  return { graph: { ...graph, ...conversions.finish() }, constants: constants.all }
}

/**
 * Tensors that become int8: those of inputs and nodes which something reads in int8, or which can't
 * be float32.
 */
function int8Tensors(
  { graph }: Model,
  views: readonly NodeView[],
  precision: ReadonlyMap<string, Precision>,
  rounded: ReadonlySet<string> = new Set(),
): Set<string> {
  const [asInt8, asFloat] = [new Set<string>(), new Set(graph.outputs)]
  for (const view of views) {
    const wanted = hasInt8Tensors(view, precision) ? asInt8 : asFloat
    for (const { name } of view.inputs) wanted.add(name)
  }
  const isFloat = new Set(graph.tensors.filter((t) => t.dtype === 'float32').map((t) => t.name))
  const made = views.filter((view) => {
    const { node, output } = view
    const writesFloat = operators.get(node.op)!.writesFloat?.(node) ?? false
    return (
      hasInt8Tensors(view, precision) && (asInt8.has(output.name) || rounded.has(output.name) || !writesFloat)
    )
  })
  return new Set([
    // What something reads in float32 is given in float32: int8 would be less.
    ...graph.inputs.filter((name) => isFloat.has(name) && !asFloat.has(name)),
    ...made.map(({ output }) => output.name),
  ])
}

/** A node with int8 inputs, whose constants are quantised as its descriptor says. */
function quantizeNode(
  view: NodeView,
  operator: OperatorDescriptor,
  moved: Node,
  scales: ReadonlyMap<string, Quantization>,
  constants: Constants,
  options: RewriteOptions,
): Node {
  const [input] = view.inputs.map(({ name }) => scales.get(name)!)
  switch (operator.scales) {
    case 'keeps':
    case 'fresh':
      return withConstants(view, moved, constants)
    case 'weights':
      return { ...moved, constants: quantizeFilter(view, operator, input, constants, options) }
    case 'table':
      return tabulate(moved, operator.curve!(view.node), input, scales.get(view.output.name)!, constants)
  }
}

/** Adds the constants of a node with weights in int8; returns their names by their roles. */
function quantizeFilter(
  view: NodeView,
  operator: OperatorDescriptor,
  input: Quantization,
  constants: Constants,
  { reduceRange, means, weightScales }: RewriteOptions,
): Node['constants'] {
  const { node } = view
  const { weight, bias } = view.constants
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
      share: operator.tapShare?.(view) ?? 1,
      scales: weightScales?.get(weight.name),
    },
  )
  return {
    weight: constants.add({ ...weight, dtype: 'int8', data: quantized.weight }),
    bias: constants.add({ ...bias, dtype: 'int32', data: quantized.bias }),
    weightScale: constants.add({
      name: `${weight.name}_scale`,
      shape: [quantized.weightScale.length],
      dtype: 'float32',
      data: quantized.weightScale,
    }),
  }
}

/** Results of a curve for each of the 256 values that its input can have. */
function tabulate(
  node: Node,
  curve: (x: number) => number,
  input: Quantization,
  output: Quantization,
  constants: Constants,
): Node {
  const data = Int8Array.from({ length: 256 }, (_, i) => {
    const y = curve((i - 128 - input.zeroPoint) * input.scale)
    return Math.max(-128, Math.min(127, Math.round(y / output.scale) + output.zeroPoint))
  })
  const table = constants.add({ name: `${node.name}.table`, shape: [256], dtype: 'int8', data })
  return { ...node, constants: { table } }
}
