/** Order statistics of timings, in milliseconds. */
export interface Summary {
  readonly runs: number
  readonly minMs: number
  readonly medianMs: number
  readonly meanMs: number
  readonly p90Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

export function summarize(times: readonly number[]): Summary {
  const sorted = [...times].sort((a, b) => a - b)
  return {
    runs: sorted.length,
    minMs: sorted[0],
    medianMs: quantile(sorted, 0.5),
    meanMs: sorted.reduce((sum, ms) => sum + ms, 0) / sorted.length,
    p90Ms: quantile(sorted, 0.9),
    p95Ms: quantile(sorted, 0.95),
    p99Ms: quantile(sorted, 0.99),
    maxMs: sorted[sorted.length - 1],
  }
}

/** Linear between the two nearest of sorted values. */
export function quantile(sorted: readonly number[], fraction: number): number {
  const at = fraction * (sorted.length - 1)
  const low = Math.floor(at)
  const high = Math.min(low + 1, sorted.length - 1)
  return sorted[low] + (sorted[high] - sorted[low]) * (at - low)
}

export const median = (values: readonly number[]): number =>
  quantile(
    [...values].sort((a, b) => a - b),
    0.5,
  )

export interface Histogram {
  /** Where the first bin starts. */
  readonly fromMs: number
  readonly binMs: number
  readonly counts: readonly number[]
  /** How many values lie beyond the last bin. */
  readonly above: number
}

/**
 * Bins from the least value to twice the 90th percentile's distance from it, so that an outlier
 * widens none of them.
 */
export function histogram(times: readonly number[], bins = 20): Histogram {
  const sorted = [...times].sort((a, b) => a - b)
  const from = sorted[0]
  const reach = Math.min(2 * (quantile(sorted, 0.9) - from), sorted[sorted.length - 1] - from)
  const width = reach > 0 ? reach / bins : 1
  const counts = new Array<number>(bins).fill(0)
  let above = 0
  for (const ms of sorted) {
    const bin = Math.floor((ms - from) / width)
    // The last bin includes its end, or the greatest value would have none.
    if (ms <= from + width * bins) counts[Math.min(bin, bins - 1)]++
    else above++
  }
  return { fromMs: from, binMs: width, counts, above }
}

const levels = ' ▁▂▃▄▅▆▇█'

/** A histogram as one line of blocks; anything that is not empty shows. */
export function sparkline({ counts }: Pick<Histogram, 'counts'>): string {
  const most = Math.max(1, ...counts)
  return counts.map((count) => levels[Math.ceil((count / most) * (levels.length - 1))]).join('')
}
