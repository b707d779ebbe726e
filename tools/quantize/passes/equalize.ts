import type { NodeView } from '../../../src/host/graph/descriptor.js'
import { operators } from '../../../src/host/graph/ops/index.js'
import type { Constant, Model, Node } from '../../../src/host/graph/types.js'
import { viewsOf } from '../../../src/host/graph/views.js'
import { unfit } from '../calibrate/ranges.js'
import { balanced, type Channels, type ReaderWeights } from './balance.js'

/**
 * A convolution that lets a factor on a channel through, and all those that read its output:
 * directly, or through operators that keep channels apart.
 */
export interface Seam {
  readonly first: Node
  readonly readers: readonly NodeView[]
  /** It reads the output directly and alone, and each of its filters has one input channel. */
  readonly depthwise: boolean
}

/** Channels that hardly move must not be blown up to noise. */
const leastFactor = 2 ** -8

/**
 * Evens out the ranges of the channels between convolutions, so that one scale serves them (after
 * Nagel et al., Data-Free Quantization Through Weight Equalization and Bias Correction, 2019,
 * section 4.1). Linear, ReLU and leaky ReLU let a positive factor through, so dividing channel i of
 * the convolution before by s_i and multiplying it in the one after leaves the float network as it
 * was.
 *
 * Before a depthwise convolution that costs nothing, because each of its filters has a scale of its
 * own: all channels get the same range. The filters of a dense one have inputs of different ranges
 * under one scale, so that what the activation gains the weights lose: `balanced` finds the factors
 * between, and leaves networks alone that gain little. YOLOv4-tiny and two DCGANs keep their bytes;
 * of YOLO-Fastest the gains that it predicts are too small.
 *
 * The factors are told by the tensors between the convolutions, where there are any.
 */
export function factorsOf(model: Model, channels: ReadonlyMap<string, Channels>): Map<string, Float64Array> {
  const factors = new Map<string, Float64Array>()
  for (const { first, readers, depthwise } of seams(model)) {
    const known = channels.get(first.outputs[0])
    if (known === undefined) continue
    const found = depthwise
      ? fullRange(known.ranges)
      : balanced(
          known,
          readers.map((reader) => weightsOf(reader, model.constants)),
        )
    if (found !== undefined) factors.set(first.outputs[0], found)
  }
  return factors
}

/**
 * Divides channels of tensors by factors, which their readers' weights take over. Throws E_OPTION
 * for factors of another network.
 */
export function scaleChannels(model: Model, factorsBy: ReadonlyMap<string, Float64Array>): Model {
  const constants = new Map(model.constants)
  const left = new Set(factorsBy.keys())
  for (const { first, readers } of factorsBy.size === 0 ? [] : seams(model)) {
    const [name] = first.outputs
    const factors = factorsBy.get(name)
    if (factors === undefined) continue
    left.delete(name)
    const lead = constants.get(first.constants.weight)!
    const bias = constants.get(first.constants.bias)!
    if (factors.length !== lead.shape[0])
      throw unfit(`have ${factors.length} channels of ${name}, which has ${lead.shape[0]}`)
    const depth = lead.data.length / factors.length
    constants.set(
      lead.name,
      scaled(lead, (k) => 1 / factors[Math.floor(k / depth)]),
    )
    // A transposed convolution may have a bias for each phase, channels innermost.
    constants.set(
      bias.name,
      scaled(bias, (k) => 1 / factors[k % factors.length]),
    )
    for (const reader of readers) {
      const { constant, channelOf } = weightsOf(reader, constants)
      constants.set(
        constant.name,
        scaled(constant, (k) => factors[channelOf(k)]),
      )
    }
  }
  for (const name of left) throw unfit(`have factors for ${name}`)
  return { ...model, constants }
}

function weightsOf({ node }: NodeView, constants: ReadonlyMap<string, Constant>): ReaderWeights {
  const constant = constants.get(node.constants.weight)!
  const [outputs] = constant.shape
  const own = constant.shape[constant.shape.length - 1]
  const groups = typeof node.attributes.groups === 'number' ? node.attributes.groups : 1
  const depth = constant.data.length / outputs
  const perGroup = outputs / groups
  return {
    constant,
    outputs,
    channelOf: (k) => Math.floor(Math.floor(k / depth) / perGroup) * own + (k % own),
  }
}

/** Every place of a network where factors can move from one convolution to the next. */
export function seams(model: Model): Seam[] {
  const views = viewsOf(model)
  const readers = new Map<string, NodeView[]>()
  const uses = new Map<string, number>()
  for (const view of views) {
    for (const { name } of view.inputs) readers.set(name, [...(readers.get(name) ?? []), view])
    for (const name of Object.values(view.node.constants)) uses.set(name, (uses.get(name) ?? 0) + 1)
  }
  const hasOwn = ({ constants: { weight, bias } }: Node): boolean =>
    uses.get(weight) === 1 && (bias === undefined || uses.get(bias) === 1)
  const endsOf = (name: string): NodeView[] | undefined => {
    const direct = readers.get(name)
    if (direct === undefined || model.graph.outputs.includes(name)) return undefined
    const ends: NodeView[] = []
    for (const view of direct) {
      const operator = operators.get(view.node.op)!
      if (view.inputs.length !== 1) return undefined
      if (operator.scales === 'weights') {
        if (!hasOwn(view.node)) return undefined
        ends.push(view)
      } else {
        const further = operator.passesFactors?.(view.node) ? endsOf(view.output.name) : undefined
        if (further === undefined) return undefined
        ends.push(...further)
      }
    }
    return ends
  }
  return views.flatMap(({ node: first, output }): Seam[] => {
    const operator = operators.get(first.op)!
    if (operator.scales !== 'weights' || !hasOwn(first)) return []
    const ends = operator.passesFactors?.(first) ? endsOf(output.name) : undefined
    if (ends === undefined) return []
    const [reader] = ends
    const alone = ends.length === 1 && reader.inputs[0].name === output.name
    const depthwise = alone && (operators.get(reader.node.op)!.depthwise?.(reader) ?? false)
    return [{ first, readers: ends, depthwise }]
  })
}

function fullRange(range: Float64Array): Float64Array {
  const largest = Math.max(...range)
  return range.map((r) => (r > 0 && largest > 0 ? Math.max(r / largest, leastFactor) : 1))
}

function scaled(constant: Constant, factor: (index: number) => number): Constant {
  return { ...constant, data: Float32Array.from(constant.data, (value, k) => value * factor(k)) }
}
