import { OcellusError } from '../../../src/host/errors.js'

export interface QuantizedWeights {
  /** int8 in [-limit, limit], laid out as the float weights. */
  readonly weight: Int8Array
  /** Scale s_in * s_w, zero point 0. */
  readonly bias: Int32Array
  /** s_w, one for each output channel. */
  readonly weightScale: Float32Array
}

export interface WeightOptions {
  /**
   * Output channels, where the bias has more: a transposed convolution may have one for each phase.
   */
  readonly outputs?: number
  readonly groups?: number
  /** Mean of each input channel. */
  readonly means?: Float64Array
  /** Scales of the output channels. Default: the least that hold their weights. */
  readonly scales?: Float32Array
  /** Share of the taps that an output takes. */
  readonly share?: number
}

/** Above this a bias would leave too little of the accumulator to the products. */
const biasLimit = 2 ** 30

/**
 * Symmetric int8 per output channel: w = q * s_w, q in [-127, 127], or [-63, 63] when `reduceRange`
 * asks for the 7 bits that the relaxed dot product takes.
 *
 * With `means`, the mean of each input channel, the bias takes up what rounding the weights changes
 * in the mean of the output (Nagel et al., Data-Free Quantization Through Weight Equalization and
 * Bias Correction, 2019, section 4.2); weight is [out][tap][in / groups], and `groups` of channels
 * follow one another.
 */
export function quantizeWeights(
  name: string,
  weight: Float32Array,
  bias: Float32Array,
  inputScale: number,
  reduceRange: boolean,
  { outputs: channels = bias.length, groups = 1, means: inputMeans, share = 1, scales }: WeightOptions = {},
): QuantizedWeights {
  const depth = weight.length / channels
  const limit = reduceRange ? 63 : 127
  const inputs = (inputMeans?.length ?? 0) / groups
  const quantized = {
    weight: new Int8Array(weight.length),
    bias: new Int32Array(bias.length),
    weightScale: new Float32Array(channels),
  }
  for (let o = 0; o < channels; o++) {
    const filter = weight.subarray(o * depth, (o + 1) * depth)
    let largest = 0
    for (const w of filter) largest = Math.max(largest, Math.abs(w))
    let largestBias = 0
    for (let b = o; b < bias.length; b += channels) largestBias = Math.max(largestBias, Math.abs(bias[b]))
    if (!Number.isFinite(largest) || !Number.isFinite(largestBias)) {
      throw new OcellusError(
        'E_WEIGHTS_NOT_FINITE',
        `${name}: output channel ${o} has a weight or bias that is not finite`,
      )
    }
    // The scale must also keep the bias within int32: a channel of tiny weights can have a large
    // one.
    const scale =
      scales?.[o] ?? Math.fround(Math.max(largest / limit, largestBias / inputScale / biasLimit, 2 ** -60))
    quantized.weightScale[o] = scale
    const first = inputMeans === undefined ? 0 : Math.floor(o / (channels / groups)) * inputs
    let shift = 0
    for (let k = 0; k < depth; k++) {
      const q = Math.max(-limit, Math.min(limit, Math.round(filter[k] / scale)))
      quantized.weight[o * depth + k] = q
      if (inputMeans !== undefined) shift += (q * scale - filter[k]) * inputMeans[first + (k % inputs)]
    }
    for (let b = o; b < bias.length; b += channels)
      quantized.bias[b] = Math.round((bias[b] - shift * share) / (inputScale * scale))
  }
  return quantized
}
