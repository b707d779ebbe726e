import { elements, integer, integers, type NodeView, roundUp } from '../descriptor.js'
import { fail, multiplier, quantizationOf } from '../ops/shared.js'

export const isInt8 = (view: NodeView): boolean => view.inputs[0].dtype === 'int8'

/** One input and one output channel a group. */
export function isDepthwise(view: NodeView): boolean {
  const groups = integer(view, 'groups', 1)
  return groups > 1 && groups === view.inputs[0].shape[3] && groups === view.output.shape[3]
}

/** Products of one output value. */
export function depthOf(view: NodeView): number {
  return (elements(integers(view, 'kernel')) * view.inputs[0].shape[3]) / integer(view, 'groups', 1)
}

interface ChannelSums {
  /** sum w of each output channel. */
  readonly signed: Float64Array
  /** sum |w| */
  readonly magnitude: Float64Array
}

const sums = new WeakMap<object, ChannelSums>()

/** One pass over the weights, for all that is proven of their sums. */
function channelSums(view: NodeView): ChannelSums {
  const known = sums.get(view)
  if (known !== undefined) return known
  const weights = view.constants.weight.data
  const channels = view.constants.weight.shape[0]
  const depth = weights.length / channels
  const result = { signed: new Float64Array(channels), magnitude: new Float64Array(channels) }
  for (let o = 0; o < channels; o++) {
    let signed = 0
    let magnitude = 0
    for (let k = o * depth, end = k + depth; k < end; k++) {
      const w = weights[k]
      signed += w
      magnitude += w < 0 ? -w : w
    }
    result.signed[o] = signed
    result.magnitude[o] = magnitude
  }
  sums.set(view, result)
  return result
}

/** |acc| <= sum|w| * 255 + |bias| must stay below 2^31: then no partial sum wraps, in any order. */
export function proveAccumulator(view: NodeView): void {
  const bias = view.constants.bias.data
  const { magnitude } = channelSums(view)
  const outputs = magnitude.length
  // A transposed convolution may have a bias for each phase, one list of channels after the other.
  for (let b = 0; b < bias.length; b++) {
    const o = b % outputs
    if (magnitude[o] * 255 + Math.abs(bias[b]) >= 2 ** 31) {
      fail(view, 'E_MODEL_QUANTIZATION', `output channel ${o} can overflow an int32 accumulator`)
    }
  }
}

/** Biases with the input's zero point taken out, foldedBias[o] = bias[o] - zeroPoint * sum(weight[o]), and their proof. */
export interface FoldedBias {
  readonly values: Int32Array
  /** No output's exact sum, for any input, is larger: max over o of 128 * sum|weight[o]| + |foldedBias[o]|. */
  readonly largest: number
}

const folded = new WeakMap<object, FoldedBias>()

export function foldedBias(view: NodeView): FoldedBias {
  const known = folded.get(view)
  if (known !== undefined) return known
  const { zeroPoint } = quantizationOf(view, view.inputs[0])
  const { signed, magnitude } = channelSums(view)
  let largest = 0
  const values = Int32Array.from(view.constants.bias.data, (start, o) => {
    const value = start - zeroPoint * signed[o]
    largest = Math.max(largest, 128 * magnitude[o] + Math.abs(value))
    return value
  })
  const result = { values, largest }
  folded.set(view, result)
  return result
}

export function multipliers(view: NodeView): Float32Array {
  const scaleIn = quantizationOf(view, view.inputs[0]).scale
  const scaleOut = view.output.dtype === 'float32' ? 1 : quantizationOf(view, view.output).scale
  return Float32Array.from(view.constants.weightScale.data, (scale, o) =>
    multiplier(view, (scaleIn * scale) / scaleOut, `output channel ${o}`),
  )
}

/** Per-channel values, each group padded with zeros to whole panels of 8 channels. */
export function panels<T extends Int32Array | Float32Array>(values: T, groups: number): T {
  const channels = values.length / groups
  const padded =
    values instanceof Int32Array
      ? new Int32Array(groups * roundUp(channels, 8))
      : new Float32Array(groups * roundUp(channels, 8))
  for (let g = 0; g < groups; g++)
    padded.set(values.subarray(g * channels, (g + 1) * channels), g * roundUp(channels, 8))
  return padded as T
}
