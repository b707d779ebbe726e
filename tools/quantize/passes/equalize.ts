import type { NodeView } from '../../../src/host/graph/descriptor.js'
import { operators } from '../../../src/host/graph/ops/index.js'
import type { Constant, Model, Node } from '../../../src/host/graph/types.js'
import { viewsOf } from '../../../src/host/graph/views.js'

/** Channels that hardly move must not be blown up to noise. */
const leastFactor = 2 ** -8

/**
 * Gives all channels before a depthwise convolution the same range, so that one scale serves them
 * (after Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction,
 * 2019, section 4.1). Linear, ReLU and leaky ReLU let a positive factor through, so dividing
 * channel i of the convolution before by s_i and multiplying it in the depthwise one leaves the
 * float network as it was. It costs nothing: a depthwise filter has a weight scale of its own.
 * Before dense convolutions, which share one among their inputs, it was measured to gain nothing.
 *
 * `ranges` holds the largest magnitude of each channel of an activation.
 */
export function equalize(model: Model, ranges: ReadonlyMap<string, Float64Array>): Model {
  const constants = new Map(model.constants)
  for (const [first, second] of pairs(model)) {
    const range = ranges.get(first.outputs[0])
    if (range === undefined) continue
    const weight = constants.get(second.constants.weight)!
    const factors = fullRange(range)
    const lead = constants.get(first.constants.weight)!
    const bias = constants.get(first.constants.bias)!
    const depth = lead.data.length / range.length
    constants.set(
      lead.name,
      scaled(lead, (k) => 1 / factors[Math.floor(k / depth)]),
    )
    constants.set(
      bias.name,
      scaled(bias, (k) => 1 / factors[k]),
    )
    const taps = weight.data.length / range.length
    constants.set(
      weight.name,
      scaled(weight, (k) => factors[Math.floor(k / taps)]),
    )
  }
  return { ...model, constants }
}

/**
 * Nodes that let factors through and whose output only a depthwise one reads, and that second one.
 */
export function pairs(model: Model): [Node, Node][] {
  const views = viewsOf(model)
  const readers = new Map<string, NodeView[]>()
  for (const view of views)
    for (const { name } of view.inputs) readers.set(name, [...(readers.get(name) ?? []), view])
  return views.flatMap(({ node: first, output: { name } }): [Node, Node][] => {
    const [second, other] = readers.get(name) ?? []
    if (second === undefined || other !== undefined || model.graph.outputs.includes(name)) return []
    const passes = operators.get(first.op)!.passesFactors?.(first) ?? false
    const depthwise = operators.get(second.node.op)!.depthwise?.(second) ?? false
    return passes && depthwise ? [[first, second.node]] : []
  })
}

function fullRange(range: Float64Array): Float64Array {
  const largest = Math.max(...range)
  return range.map((r) => (r > 0 && largest > 0 ? Math.max(r / largest, leastFactor) : 1))
}

function scaled(constant: Constant, factor: (index: number) => number): Constant {
  return { ...constant, data: Float32Array.from(constant.data, (value, k) => value * factor(k)) }
}
