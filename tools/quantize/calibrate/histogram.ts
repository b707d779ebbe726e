const bins = 4096

/**
 * Distribution of one tensor's values over all calibration photos, in one pass: equal bins over
 * [-range, range]. When a value lies outside, the range doubles and neighbouring bins merge, so
 * that counts stay exact and nothing has to be known beforehand.
 */
export class Histogram {
  readonly counts = new Float64Array(bins)
  range = 0
  min = Number.POSITIVE_INFINITY
  max = Number.NEGATIVE_INFINITY
  total = 0

  add(values: Float32Array): void {
    let min = this.min
    let max = this.max
    for (const v of values) {
      if (v < min) min = v
      if (v > max) max = v
    }
    this.min = min
    this.max = max
    this.#grow(Math.max(Math.abs(min), Math.abs(max)))
    const { counts, range } = this
    if (range === 0) counts[bins / 2] += values.length
    else {
      const scale = bins / (2 * range)
      for (const v of values) counts[Math.min(bins - 1, Math.floor((v + range) * scale))]++
    }
    this.total += values.length
  }

  /** Adds another tensor's distribution, for tensors that must share one scale. */
  merge(other: Histogram): void {
    if (other.total === 0) return
    this.#grow(other.range)
    const scale = this.range === 0 ? 0 : bins / (2 * this.range)
    other.counts.forEach((count, i) => {
      if (count > 0)
        this.counts[
          Math.min(
            bins - 1,
            Math.floor((other.center(i) + this.range) * scale + (scale === 0 ? bins / 2 : 0)),
          )
        ] += count
    })
    this.min = Math.min(this.min, other.min)
    this.max = Math.max(this.max, other.max)
    this.total += other.total
  }

  /** Value in the middle of a bin. */
  center(bin: number): number {
    return ((bin + 0.5) / bins - 0.5) * 2 * this.range
  }

  /** To the width of a bin. */
  get rootMeanSquare(): number {
    let sum = 0
    for (let i = 0; i < bins; i++) sum += this.counts[i] * this.center(i) ** 2
    return Math.sqrt(sum / this.total)
  }

  /** The value below which this fraction of all values lies, to the width of a bin. */
  quantile(fraction: number): number {
    const wanted = fraction * this.total
    let below = 0
    for (let i = 0; i < bins; i++) {
      below += this.counts[i]
      if (below >= wanted) return Math.max(this.min, Math.min(this.max, this.center(i)))
    }
    return this.max
  }

  #grow(magnitude: number): void {
    if (magnitude <= this.range) return
    if (this.range === 0) {
      const zeros = this.total
      // A power of two, so that doubled ranges of two histograms have their bin borders in common.
      this.range = 2 ** Math.ceil(Math.log2(magnitude))
      this.counts.fill(0)
      this.counts[bins / 2] = zeros
    }
    while (this.range < magnitude) {
      const old = this.counts.slice()
      this.counts.fill(0)
      for (let i = 0; i < bins; i++) this.counts[bins / 4 + (i >> 1)] += old[i]
      this.range *= 2
    }
  }
}
