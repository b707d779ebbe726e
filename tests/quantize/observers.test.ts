import { describe, expect, it } from 'vitest'
import { Histogram } from '../../tools/quantize/calibrate/histogram.js'
import { fromRange, observe } from '../../tools/quantize/calibrate/observers.js'
import { quantizeWeights } from '../../tools/quantize/passes/weights.js'
import { randomizer } from '../readers/tiny.js'

function gaussian(count: number, seed: number): Float32Array {
  const random = randomizer(seed)
  return Float32Array.from(
    { length: count },
    () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()),
  )
}

function filled(...parts: Float32Array[]): Histogram {
  const histogram = new Histogram()
  for (const part of parts) histogram.add(part)
  return histogram
}

const percentile = (p: number) => ({ method: 'percentile', percentile: p }) as const
const mse = { method: 'mse', percentile: 100 } as const
const minmax = { method: 'minmax', percentile: 100 } as const

describe('the histogram', () => {
  it('keeps every count while its range grows, in any order', () => {
    const parts = [
      gaussian(1000, 1),
      gaussian(1000, 2).map((v) => v * 50),
      gaussian(1000, 3).map((v) => v / 50),
    ]
    const up = filled(parts[2], parts[0], parts[1])
    const down = filled(parts[1], parts[0], parts[2])
    expect(up.counts.reduce((a, b) => a + b)).toBe(3000)
    expect(Array.from(up.counts)).toEqual(Array.from(down.counts))
  })

  it('merges to what it would have been', () => {
    const [a, b] = [gaussian(2000, 4), gaussian(2000, 5).map((v) => v * 7)]
    const merged = filled(a)
    merged.merge(filled(b))
    expect(merged.total).toBe(4000)
    expect(merged.quantile(0.99)).toBeCloseTo(filled(a, b).quantile(0.99), 1)
  })

  it('finds quantiles to the width of a bin', () => {
    const values = gaussian(20_000, 6)
    const sorted = values.slice().sort()
    for (const q of [0.01, 0.5, 0.999]) {
      expect(Math.abs(filled(values).quantile(q) - sorted[Math.floor(q * 20_000)])).toBeLessThan(0.02)
    }
  })
})

describe('observers', () => {
  it('cover the whole range with minmax, and hold zero exactly', () => {
    const { scale, zeroPoint } = observe(filled(Float32Array.of(-1, 0.3, 4)), minmax)
    expect((-128 - zeroPoint) * scale).toBeLessThanOrEqual(-1 + scale)
    expect((127 - zeroPoint) * scale).toBeGreaterThanOrEqual(4 - scale)
    expect(Number.isInteger(zeroPoint)).toBe(true)
  })

  it('clip an outlier with percentile and mse, not with minmax', () => {
    const values = gaussian(100_000, 7)
    values[5] = 1000
    const histogram = filled(values)
    expect(observe(histogram, minmax).scale).toBeGreaterThan(3.9)
    expect(observe(histogram, percentile(99.9)).scale).toBeLessThan(0.05)
    expect(observe(histogram, mse).scale).toBeLessThan(observe(histogram, minmax).scale)
  })

  it('make the least squared error of all with mse', () => {
    const values = gaussian(20_000, 8).map((v) => v * v * v)
    const error = ({ scale, zeroPoint }: { scale: number; zeroPoint: number }): number =>
      values.reduce((sum, v) => {
        const q = Math.max(-128, Math.min(127, Math.round(v / scale) + zeroPoint))
        return sum + (v - (q - zeroPoint) * scale) ** 2
      }, 0)
    const best = error(observe(filled(values), mse))
    for (const other of [minmax, percentile(99.99), percentile(99), percentile(95)]) {
      expect(best).toBeLessThan(error(observe(filled(values), other)) * 1.001)
    }
  })

  it('clip less with lp than with mse, and make the least cubed error', () => {
    const values = gaussian(20_000, 8).map((v) => v * v * v)
    const lp = { method: 'lp', percentile: 100 } as const
    const error = ({ scale, zeroPoint }: { scale: number; zeroPoint: number }): number =>
      values.reduce((sum, v) => {
        const q = Math.max(-128, Math.min(127, Math.round(v / scale) + zeroPoint))
        return sum + Math.abs(v - (q - zeroPoint) * scale) ** 3
      }, 0)
    const histogram = filled(values)
    expect(observe(histogram, lp).scale).toBeGreaterThan(observe(histogram, mse).scale)
    for (const other of [minmax, mse, percentile(99.9)]) {
      expect(error(observe(histogram, lp))).toBeLessThan(error(observe(histogram, other)) * 1.001)
    }
  })

  it('give a constant channel some scale, and refuse what is not finite', () => {
    expect(observe(filled(new Float32Array(10)), mse)).toEqual({ scale: 1, zeroPoint: -128 })
    expect(() => fromRange(Number.NEGATIVE_INFINITY, 1)).toThrow(/not finite/)
    expect(() => fromRange(0, Number.NaN)).toThrow(/not finite/)
  })
})

describe('weights', () => {
  const weight = gaussian(4 * 18, 9)
  const bias = Float32Array.of(0.5, -3, 1e6, 0)

  it.each([
    [false, 127],
    [true, 63],
  ])('use the whole range of each channel, reduced: %s', (reduce, limit) => {
    const q = quantizeWeights('x', weight, Float32Array.of(0, 0, 0, 0), 0.1, reduce)
    for (let o = 0; o < 4; o++) {
      const filter = Array.from(q.weight.subarray(o * 18, o * 18 + 18))
      expect(Math.max(...filter.map(Math.abs))).toBe(limit)
      filter.forEach((w, k) => {
        expect(Math.abs(w * q.weightScale[o] - weight[o * 18 + k])).toBeLessThanOrEqual(
          q.weightScale[o] * 0.5001,
        )
      })
    }
  })

  it('keep a large bias within int32, at the cost of the weights', () => {
    const q = quantizeWeights('x', weight, bias, 1e-5, false)
    for (let o = 0; o < 4; o++) {
      expect(q.bias[o] * 1e-5 * q.weightScale[o]).toBeCloseTo(bias[o], o === 2 ? 0 : 3)
      // the scale is a rounded float32, so the last bits may pass the mark
      expect(Math.abs(q.bias[o])).toBeLessThan(2 ** 30 * (1 + 2 ** -20))
    }
  })

  it('shift the bias by what rounding does to the mean', () => {
    const means = Float64Array.of(2, -1)
    const plain = quantizeWeights('x', weight, bias, 0.1, false)
    const corrected = quantizeWeights('x', weight, bias, 0.1, false, { means })
    for (const o of [0, 1, 3]) {
      let mean = bias[o]
      let rounded = corrected.bias[o] * 0.1 * corrected.weightScale[o]
      for (let k = 0; k < 18; k++) {
        mean += weight[o * 18 + k] * means[k % 2]
        rounded += corrected.weight[o * 18 + k] * corrected.weightScale[o] * means[k % 2]
      }
      expect(Math.abs(rounded - mean)).toBeLessThanOrEqual(0.1 * corrected.weightScale[o])
    }
    expect(Array.from(corrected.weight)).toEqual(Array.from(plain.weight))
  })

  it('refuse NaN, and name the layer', () => {
    const bad = weight.slice()
    bad[20] = Number.NaN
    expect(() => quantizeWeights('7_convolutional', bad, bias, 0.1, false)).toThrow(
      /7_convolutional: output channel 1/,
    )
  })
})
