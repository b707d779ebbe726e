import { OcellusError } from '../../../src/host/errors.js'

export interface QuantizedWeights {
  /** int8 in [-limit, limit], laid out as the float weights. */
  readonly weight: Int8Array
  /** Scale s_in * s_w, zero point 0. */
  readonly bias: Int32Array
  /** s_w, one for each output channel. */
  readonly weightScale: Float32Array
}

/** Above this a bias would leave too little of the accumulator to the products. */
const biasLimit = 2 ** 30

/**
 * Symmetric int8 per output channel: w = q * s_w, q in [-127, 127], or [-63, 63] when `reduceRange` asks for
 * the 7 bits that the relaxed dot product takes.
 */
export function quantizeWeights(
  name: string,
  weight: Float32Array,
  bias: Float32Array,
  inputScale: number,
  reduceRange: boolean,
): QuantizedWeights {
  const channels = bias.length
  const depth = weight.length / channels
  const limit = reduceRange ? 63 : 127
  const quantized = {
    weight: new Int8Array(weight.length),
    bias: new Int32Array(channels),
    weightScale: new Float32Array(channels),
  }
  for (let o = 0; o < channels; o++) {
    const filter = weight.subarray(o * depth, (o + 1) * depth)
    let largest = 0
    for (const w of filter) largest = Math.max(largest, Math.abs(w))
    if (!Number.isFinite(largest) || !Number.isFinite(bias[o])) {
      throw new OcellusError(
        'E_WEIGHTS_NOT_FINITE',
        `${name}: output channel ${o} has a weight or bias that is not finite`,
      )
    }
    // The scale must also keep the bias within int32: a channel of tiny weights can have a large one.
    const scale = Math.fround(Math.max(largest / limit, Math.abs(bias[o]) / inputScale / biasLimit, 2 ** -60))
    quantized.weightScale[o] = scale
    quantized.bias[o] = Math.round(bias[o] / (inputScale * scale))
    for (let k = 0; k < depth; k++) {
      quantized.weight[o * depth + k] = Math.max(-limit, Math.min(limit, Math.round(filter[k] / scale)))
    }
  }
  return quantized
}
