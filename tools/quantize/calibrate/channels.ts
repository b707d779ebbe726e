/** What calibration keeps of each channel of a tensor, over all its pixels. */
export class ChannelStatistics {
  readonly #sums: Float64Array
  readonly #squares: Float64Array
  /** Largest magnitude of each channel. */
  readonly ranges: Float64Array
  #pixels = 0

  constructor(readonly channels: number) {
    this.#sums = new Float64Array(channels)
    this.#squares = new Float64Array(channels)
    this.ranges = new Float64Array(channels)
  }

  /** [pixels][channels] */
  add(values: Float32Array): void {
    const { channels, ranges } = this
    const [sums, squares] = [this.#sums, this.#squares]
    for (let i = 0; i < values.length; i += channels) {
      for (let c = 0; c < channels; c++) {
        const value = values[i + c]
        sums[c] += value
        squares[c] += value * value
        const magnitude = Math.abs(value)
        if (magnitude > ranges[c]) ranges[c] = magnitude
      }
    }
    this.#pixels += values.length / channels
  }

  get means(): Float64Array {
    return this.#sums.map((sum) => sum / this.#pixels)
  }

  /** Mean squares. */
  get energies(): Float64Array {
    return this.#squares.map((sum) => sum / this.#pixels)
  }
}
