import type { Fields } from '../../program/instruction.js'
import { elements, integer, integers, type NodeView, type Placement, roundUp } from '../descriptor.js'
import { fail, multiplier, outputFields, quantizationOf } from '../ops/shared.js'
import type { Constant } from '../types.js'

/**
 * Bytes of packed receptive fields that a kernel works on at a time: they should stay in the
 * second-level cache.
 */
export const blockBytes = 192 * 1024
export const maxBlock = 64

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

/** Bytes of one packed receptive field: int16 pairs or float32. */
export const fieldBytes = (view: NodeView): number =>
  isInt8(view) ? Math.ceil(depthOf(view) / 2) * 4 : depthOf(view) * 4

/** Of one group; `block` output pixels are gathered at a time. */
export function geometry(view: NodeView) {
  const groups = integer(view, 'groups', 1)
  const pixels = view.output.shape[1] * view.output.shape[2]
  const fits = Math.floor(blockBytes / fieldBytes(view) / 4) * 4
  return {
    groups,
    kernel: integers(view, 'kernel'),
    strides: integers(view, 'strides'),
    pads: integers(view, 'pads'),
    inputChannels: view.inputs[0].shape[3] / groups,
    outputChannels: view.output.shape[3] / groups,
    block: Math.max(4, Math.min(fits, maxBlock, roundUp(pixels, 4))),
  }
}

/** Fields that all convolutions over gathered pixels share. */
export function convolutionFields(view: NodeView, place: Placement): Fields<'convS8'> {
  const g = geometry(view)
  const int8 = isInt8(view)
  const input = place.input(0)
  return {
    input: input.address,
    output: place.output.address,
    weights: place.block('weight'),
    bias: place.block('bias'),
    multipliers: int8 ? place.block('multiplier') : 0,
    inputHeight: view.inputs[0].shape[1],
    inputWidth: view.inputs[0].shape[2],
    inputChannels: g.inputChannels,
    inputStride: input.stride,
    outputHeight: view.output.shape[1],
    outputWidth: view.output.shape[2],
    outputChannels: g.outputChannels,
    outputStride: place.output.stride,
    kernelHeight: g.kernel[0],
    kernelWidth: g.kernel[1],
    strideY: g.strides[0],
    strideX: g.strides[1],
    padTop: g.pads[0],
    padLeft: g.pads[1],
    groups: g.groups,
    ...outputFields(view),
    scratch: place.scratch,
    block: g.block,
  }
}

/** What is proven of weights by their sums. */
export interface ChannelSums {
  /** sum w of each output channel. */
  readonly signed: Float64Array
  /** sum |w| */
  readonly magnitude: Float64Array
  readonly narrow: boolean
}

const sums = new WeakMap<object, ChannelSums>()
const known = new WeakMap<Constant, ChannelSums>()

/**
 * Sums that were made elsewhere, faster than here, for the next view of these weights: they may
 * change after it.
 */
export function knowSums(weight: Constant, found: ChannelSums): void {
  known.set(weight, found)
}

/** One pass over the weights, for all that is proven of their sums. */
function channelSums(view: NodeView): ChannelSums {
  const { weight } = view.constants
  const given = sums.get(view) ?? known.get(weight)
  if (given !== undefined) {
    known.delete(weight)
    sums.set(view, given)
    return given
  }
  const weights = weight.data
  const channels = weight.shape[0]
  const depth = weights.length / channels
  const signedSums = new Float64Array(channels)
  const magnitudes = new Float64Array(channels)
  let narrow = true
  for (let o = 0; o < channels; o++) {
    let signed = 0
    let magnitude = 0
    for (let k = o * depth, end = k + depth; k < end; k++) {
      const w = weights[k]
      signed += w
      magnitude += w < 0 ? -w : w
      if (w < -64 || w > 63) narrow = false
    }
    signedSums[o] = signed
    magnitudes[o] = magnitude
  }
  const result = { signed: signedSums, magnitude: magnitudes, narrow }
  sums.set(view, result)
  return result
}

/** The sums that are known of a view's weights, for a view of some of its output channels. */
export function shareSums(view: NodeView, part: NodeView, first: number, channels: number): void {
  const whole = sums.get(view)
  if (whole === undefined) return
  const { signed, magnitude, narrow } = whole
  const end = first + channels
  sums.set(part, { signed: signed.subarray(first, end), magnitude: magnitude.subarray(first, end), narrow })
}

/** |acc| <= sum|w| * 255 + |bias| must stay below 2^31: then no partial sum wraps, in any order. */
export function proveAccumulator(view: NodeView): void {
  const channel = channelBeyond(view, 2 ** 31)
  if (channel !== undefined) {
    fail(view, 'E_MODEL_QUANTIZATION', `output channel ${channel} can overflow an int32 accumulator`)
  }
}

/** The first output channel for which sum|w| * 255 + |bias| is not below `bound`. */
export function channelBeyond(view: NodeView, bound: number): number | undefined {
  const bias = view.constants.bias.data
  const { magnitude } = channelSums(view)
  // A transposed convolution may have a bias for each phase, one list of channels after the other.
  for (let b = 0; b < bias.length; b++) {
    const o = b % magnitude.length
    if (magnitude[o] * 255 + Math.abs(bias[b]) >= bound) return o
  }
  return undefined
}

/**
 * Biases with the input's zero point taken out, foldedBias[o] = bias[o] - zeroPoint *
 * sum(weight[o]), and their proof.
 */
export interface FoldedBias {
  readonly values: Int32Array
  /**
   * No output's exact sum, for any input, is larger: max over o of 128 * sum|weight[o]| +
   * |foldedBias[o]|.
   */
  readonly largest: number
  /**
   * Whether all weights are within -64..63, as `--reduce-range` leaves them: with 64 added they
   * have 7 bits.
   */
  readonly narrow: boolean
}

const folded = new WeakMap<object, FoldedBias>()

export function foldedBias(view: NodeView): FoldedBias {
  const known = folded.get(view)
  if (known !== undefined) return known
  const { zeroPoint } = quantizationOf(view, view.inputs[0])
  const { signed, magnitude, narrow } = channelSums(view)
  const { data } = view.constants.bias
  const values = new Int32Array(data.length)
  let largest = 0
  for (let o = 0; o < values.length; o++) {
    const value = data[o] - zeroPoint * signed[o]
    largest = Math.max(largest, 128 * magnitude[o] + Math.abs(value))
    values[o] = value
  }
  const result = { values, largest, narrow }
  folded.set(view, result)
  return result
}

interface Multipliers {
  readonly values: Float32Array
  readonly least: number
}

const scaled = new WeakMap<object, Multipliers>()

function multipliersOf(view: NodeView): Multipliers {
  const known = scaled.get(view)
  if (known !== undefined) return known
  const scaleIn = quantizationOf(view, view.inputs[0]).scale
  const scaleOut = view.output.dtype === 'float32' ? 1 : quantizationOf(view, view.output).scale
  const { data } = view.constants.weightScale
  const values = new Float32Array(data.length)
  let least = Number.POSITIVE_INFINITY
  for (let o = 0; o < values.length; o++) {
    const value = multiplier(view, (scaleIn * data[o]) / scaleOut, o)
    least = Math.min(least, value)
    values[o] = value
  }
  const result = { values, least }
  scaled.set(view, result)
  return result
}

/** What turns each output channel's sums into outputs; not to be changed. */
export const multipliers = (view: NodeView): Float32Array => multipliersOf(view).values

export const leastMultiplier = (view: NodeView): number => multipliersOf(view).least

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
