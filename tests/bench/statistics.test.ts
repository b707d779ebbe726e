import { describe, expect, it } from 'vitest'
import { histogram, median, quantile, sparkline, summarize } from '../../bench/statistics.js'

const oneToHundred = Array.from({ length: 101 }, (_, i) => 100 - i)

describe('summarize', () => {
  it('gives order statistics of values in any order', () => {
    expect(summarize(oneToHundred)).toEqual({
      ...{ runs: 101, minMs: 0, medianMs: 50, meanMs: 50, p90Ms: 90, p95Ms: 95, p99Ms: 99, maxMs: 100 },
    })
  })

  it('leaves its argument as it was', () => {
    const times = [3, 1, 2]
    summarize(times)
    expect(times).toEqual([3, 1, 2])
  })

  it('serves a single run', () => {
    expect(summarize([7])).toMatchObject({ runs: 1, minMs: 7, medianMs: 7, p99Ms: 7, maxMs: 7 })
  })
})

it.each([
  [[1, 2, 3, 4], 0.5, 2.5],
  [[1, 2, 3, 4], 0, 1],
  [[1, 2, 3, 4], 1, 4],
  [[10, 20], 0.9, 19],
])('quantile of %j at %d is %d', (values, fraction, expected) => {
  expect(quantile(values, fraction)).toBeCloseTo(expected, 12)
})

it('median sorts numbers as numbers', () => {
  expect(median([10, 9, 100])).toBe(10)
})

describe('histogram', () => {
  it('counts every value once', () => {
    const { counts, above, fromMs, binMs } = histogram(oneToHundred, 10)
    expect({ fromMs, binMs, above }).toEqual({ fromMs: 0, binMs: 10, above: 0 })
    expect(counts).toEqual([10, 10, 10, 10, 10, 10, 10, 10, 10, 11])
  })

  it('does not let one outlier widen the bins', () => {
    const times = [...Array.from({ length: 99 }, (_, i) => 10 + (i % 10) / 10), 500]
    const { above, binMs, counts } = histogram(times)
    expect(above).toBe(1)
    expect(binMs).toBeLessThan(0.1)
    expect(counts.reduce((a, b) => a + b, 0)).toBe(99)
  })

  it('puts equal values into one bin', () => {
    expect(histogram([5, 5, 5], 4)).toEqual({ fromMs: 5, binMs: 1, counts: [3, 0, 0, 0], above: 0 })
  })

  it('shows every bin that is not empty', () => {
    expect(sparkline({ counts: [0, 1, 1000] })).toBe(' ▁█')
    expect(sparkline({ counts: [0, 0] })).toBe('  ')
  })
})
