/** Order statistics of timings, in milliseconds. */
export interface Summary {
  readonly runs: number
  readonly minMs: number
  readonly medianMs: number
  readonly p95Ms: number
}

export function summarize(times: readonly number[]): Summary {
  const sorted = [...times].sort((a, b) => a - b)
  return {
    runs: sorted.length,
    minMs: sorted[0],
    medianMs: quantile(sorted, 0.5),
    p95Ms: quantile(sorted, 0.95),
  }
}

/** Linear between the two nearest of sorted values. */
function quantile(sorted: readonly number[], fraction: number): number {
  const at = fraction * (sorted.length - 1)
  const low = Math.floor(at)
  const high = Math.min(low + 1, sorted.length - 1)
  return sorted[low] + (sorted[high] - sorted[low]) * (at - low)
}

export const median = (values: readonly number[]): number => summarize(values).medianMs
