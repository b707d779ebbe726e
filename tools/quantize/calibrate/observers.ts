import { OcellusError } from '../../../src/host/errors.js'
import type { Quantization } from '../../../src/host/graph/types.js'
import type { Histogram } from './histogram.js'

export const methods = ['minmax', 'percentile', 'mse', 'lp'] as const
export type Method = (typeof methods)[number]

export interface ObserverOptions {
  readonly method: Method
  /** For `percentile`: share of the values, in percent, that must not be clipped at either end. */
  readonly percentile: number
}

/**
 * Scale and zero point of an activation from its distribution.
 *
 * minmax: nothing is clipped. percentile: the ends beyond it are clipped. mse: the clipping that
 * gives the least mean squared error, clipped values included (Banner et al., Post training 4-bit
 * quantization, 2019, section 3, by search instead of a model of the distribution). lp: the same
 * with the third power of the error (Nahshan et al., Loss Aware Post-training Quantization, 2019,
 * section 3.1, p = 3), which clips rare large values less: detections hang on those.
 */
export function observe(histogram: Histogram, options: ObserverOptions): Quantization {
  const { min, max } = histogram
  switch (options.method) {
    case 'minmax':
      return fromRange(min, max)
    case 'percentile': {
      const tail = 1 - options.percentile / 100
      return fromRange(histogram.quantile(tail), histogram.quantile(1 - tail))
    }
    case 'mse':
      return leastError(histogram, 2)
    case 'lp':
      return leastError(histogram, 3)
  }
}

/**
 * The quantisation whose int8 covers [min, max] and holds 0 exactly, as padding and ReLU need it.
 */
export function fromRange(min: number, max: number): Quantization {
  const low = Math.min(0, min)
  const high = Math.max(0, max)
  if (!Number.isFinite(high - low)) {
    throw new OcellusError('E_WEIGHTS_NOT_FINITE', 'an activation is not finite on the calibration photos')
  }
  // A constant zero, as of a dead channel, needs some scale: any will do.
  if (high - low < 2 ** -100) return { scale: 1, zeroPoint: -128 }
  const scale = Math.fround((high - low) / 255)
  // Adding 0 makes 0 of -0, which no file can hold.
  return { scale, zeroPoint: Math.max(-128, Math.min(127, Math.round(-128 - low / scale))) + 0 }
}

const steps = 32

function leastError(histogram: Histogram, power: number): Quantization {
  const { min, max } = histogram
  const used: number[] = []
  histogram.counts.forEach((count, i) => {
    if (count > 0) used.push(i)
  })
  let best = fromRange(min, max)
  let least = errorSum(histogram, used, power, best)
  for (let a = 0; a < steps; a++) {
    for (let b = 0; b < steps; b++) {
      // From the whole range down to a tenth, in equal ratios. A side that is empty needs no
      // search.
      if ((min >= 0 && a > 0) || (max <= 0 && b > 0)) continue
      const tried = fromRange(min * 0.1 ** (a / steps), max * 0.1 ** (b / steps))
      const error = errorSum(histogram, used, power, tried, least)
      if (error < least) {
        least = error
        best = tried
      }
    }
  }
  return best
}

function errorSum(
  histogram: Histogram,
  used: readonly number[],
  power: number,
  { scale, zeroPoint }: Quantization,
  limit = Number.POSITIVE_INFINITY,
): number {
  let sum = 0
  for (const i of used) {
    const value = histogram.center(i)
    const q = Math.max(-128, Math.min(127, Math.round(value / scale) + zeroPoint))
    const error = Math.abs(value - (q - zeroPoint) * scale)
    sum += histogram.counts[i] * (power === 2 ? error * error : error ** power)
    if (sum >= limit) break
  }
  return sum
}
