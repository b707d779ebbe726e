/** Mean of each channel of a tensor over all calibration photos. */
export class ChannelMeans {
  readonly #sums: Float64Array
  #pixels = 0

  constructor(readonly channels: number) {
    this.#sums = new Float64Array(channels)
  }

  /** [pixels][channels] */
  add(values: Float32Array): void {
    const sums = this.#sums
    const { channels } = this
    for (let i = 0; i < values.length; i += channels) {
      for (let c = 0; c < channels; c++) sums[c] += values[i + c]
    }
    this.#pixels += values.length / channels
  }

  get values(): Float64Array {
    return this.#sums.map((sum) => sum / this.#pixels)
  }
}
