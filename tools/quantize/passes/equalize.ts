import type { AttributeValue, Constant, Model, Node } from '../../../src/host/graph/types.js'

/** Channels that hardly move must not be blown up to noise. */
const leastFactor = 2 ** -8

/**
 * Gives the channels between two convolutions ranges that one scale serves well (Nagel et al., Data-Free
 * Quantization Through Weight Equalization and Bias Correction, 2019, section 4.1). Linear, ReLU and leaky ReLU
 * let a positive factor through, so dividing channel i of the first by s_i and multiplying it in the second leaves
 * the float network as it was.
 *
 * `ranges` holds the largest magnitude of each channel of an activation. Weights have a scale for each output
 * channel, so a depthwise second takes any factor for free and all channels get the full range; a dense one
 * mixes its input channels, and the burden is shared as in SmoothQuant (Xiao et al., 2023, section 4, alpha 0.5).
 */
export function equalize(model: Model, ranges: ReadonlyMap<string, Float64Array>): Model {
  const constants = new Map(model.constants)
  for (const [first, second] of pairs(model)) {
    const range = ranges.get(first.outputs[0])
    if (range === undefined) continue
    const weight = constants.get(second.constants.weight)!
    const depthwise = weight.shape[3] === 1
    const factors = depthwise ? fullRange(range) : shared(range, inputRanges(weight))
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
    const channelOf = depthwise ? (k: number) => Math.floor(k / taps) : (k: number) => k % range.length
    constants.set(
      weight.name,
      scaled(weight, (k) => factors[channelOf(k)]),
    )
  }
  return { ...model, constants }
}

const passesFactors = (activation: AttributeValue | undefined): boolean =>
  activation === undefined || activation === 'linear' || activation === 'relu' || activation === 'leaky'

/** Convolutions whose output only one other convolution reads, dense or depthwise, and that second one. */
export function pairs({ graph }: Model): [Node, Node][] {
  const readers = new Map<string, Node[]>()
  for (const node of graph.nodes) {
    for (const name of node.inputs) readers.set(name, [...(readers.get(name) ?? []), node])
  }
  const channels = new Map(graph.tensors.map((t) => [t.name, t.shape[t.shape.length - 1]]))
  return graph.nodes.flatMap((first): [Node, Node][] => {
    const [name] = first.outputs
    const [second, other] = readers.get(name) ?? []
    if (first.op !== 'conv' || second?.op !== 'conv' || other !== undefined || graph.outputs.includes(name))
      return []
    if (!passesFactors(first.attributes.activation)) return []
    const { groups } = second.attributes
    const served =
      groups === 1 || (groups === channels.get(name) && groups === channels.get(second.outputs[0]))
    return served ? [[first, second]] : []
  })
}

function fullRange(range: Float64Array): Float64Array {
  const largest = Math.max(...range)
  return range.map((r) => (r > 0 && largest > 0 ? Math.max(r / largest, leastFactor) : 1))
}

function shared(range: Float64Array, weights: Float64Array): Float64Array {
  const factors = range.map((r, i) => (r > 0 && weights[i] > 0 ? Math.sqrt(r / weights[i]) : 0))
  const largest = Math.max(...factors)
  return factors.map((f) => (f > 0 ? Math.max(f / largest, leastFactor) : 1))
}

/** Largest magnitude of the weights that each input channel meets; weight is OHWI. */
function inputRanges({ data, shape }: Constant): Float64Array {
  const inputs = shape[3]
  const found = new Float64Array(inputs)
  data.forEach((w, k) => {
    found[k % inputs] = Math.max(found[k % inputs], Math.abs(w))
  })
  return found
}

function scaled(constant: Constant, factor: (index: number) => number): Constant {
  return { ...constant, data: Float32Array.from(constant.data, (value, k) => value * factor(k)) }
}
