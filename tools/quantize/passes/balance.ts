import type { Constant } from '../../../src/host/graph/types.js'

/** What is known of the channels of an activation. */
export interface Channels {
  /** Largest magnitudes. */
  readonly ranges: Float64Array
  /** Mean squares. */
  readonly energies: Float64Array
}

/** Weights of a convolution [out, height, width, in / groups], and which input channel each takes. */
export interface ReaderWeights {
  readonly constant: Constant
  readonly outputs: number
  channelOf(index: number): number
}

/** A share of a filter's range below which an input channel counts as unused. */
const leastWeight = 2 ** -8
/**
 * How many times the noise must fall. Networks that are fine, of which the worst gained 5.4, are
 * left as they are.
 */
const leastGain = 8

/**
 * Factors s of an activation's channels that make the noise of the convolutions after it least:
 * s_i = sqrt(a_i / w_i), where a_i is the channel's range and w_i the largest share that it has of
 * a filter's range. Undefined where the noise that they predict is not much less than before.
 */
export function balanced(channels: Channels, readers: readonly ReaderWeights[]): Float64Array | undefined {
  const { ranges } = channels
  const largest = Math.max(...ranges)
  if (!(largest > 0)) return undefined
  const shares = sharesOf(ranges.length, readers)
  const wanted = ranges.map((range, i) => Math.sqrt(range / Math.max(shares[i], leastWeight)))
  // A channel that never moved takes the least factor of the others: its weights stay small.
  const least = Math.min(...wanted.filter((factor) => factor > 0))
  const factors = wanted.map((factor) => factor || least)
  // The activation keeps its range on the whole.
  const change = Math.max(...ranges.map((range, i) => range / factors[i])) / largest
  for (let i = 0; i < factors.length; i++) factors[i] *= change
  const none = new Float64Array(factors.length).fill(1)
  const gain = noiseOf(channels, readers, none) / noiseOf(channels, readers, factors)
  return gain >= leastGain ? factors : undefined
}

/** The largest share of a filter's range that each input channel has. */
function sharesOf(count: number, readers: readonly ReaderWeights[]): Float64Array {
  const shares = new Float64Array(count)
  for (const { constant, outputs, channelOf } of readers) {
    const depth = constant.data.length / outputs
    for (let o = 0; o < outputs; o++) {
      const filter = constant.data.subarray(o * depth, (o + 1) * depth)
      let largest = 0
      for (const w of filter) largest = Math.max(largest, Math.abs(w))
      if (largest === 0) continue
      for (let k = 0; k < depth; k++) {
        const i = channelOf(o * depth + k)
        shares[i] = Math.max(shares[i], Math.abs(filter[k]) / largest)
      }
    }
  }
  return shares
}

/**
 * Predicted noise of int8, as a share of the signal, summed over the readers. Rounding to steps d
 * adds d^2 / 12 to a value's square: d = A / 255 for an activation of range A, max|w| / 127 for a
 * filter. A product w x has the noise (w dx)^2 + (x dw)^2.
 */
function noiseOf(
  { ranges, energies }: Channels,
  readers: readonly ReaderWeights[],
  factors: Float64Array,
): number {
  const range = Math.max(...ranges.map((r, i) => r / factors[i]))
  const stepX = range / 255
  let total = 0
  for (const { constant, outputs, channelOf } of readers) {
    const depth = constant.data.length / outputs
    let [noise, signal] = [0, 0]
    for (let o = 0; o < outputs; o++) {
      let [largest, squares, energy] = [0, 0, 0]
      for (let k = o * depth; k < (o + 1) * depth; k++) {
        const i = channelOf(k)
        const w = constant.data[k] * factors[i]
        const e = energies[i] / factors[i] ** 2
        largest = Math.max(largest, Math.abs(w))
        squares += w * w
        energy += e
        signal += w * w * e
      }
      noise += (squares * stepX ** 2 + energy * (largest / 127) ** 2) / 12
    }
    if (signal > 0) total += noise / signal
  }
  return total
}
