/** Sums of squares of a signal and of its error, over any number of photos. */
export class Noise {
  #signal = 0
  #error = 0

  add(reference: Float32Array, measured: Float32Array): void {
    let signal = 0
    let error = 0
    for (let i = 0; i < reference.length; i++) {
      const difference = reference[i] - measured[i]
      signal += reference[i] * reference[i]
      error += difference * difference
    }
    this.#signal += signal
    this.#error += error
  }

  /** Signal-to-quantisation-noise ratio in dB; infinite when nothing differs. */
  get decibels(): number {
    return this.#error === 0 ? Number.POSITIVE_INFINITY : 10 * Math.log10(this.#signal / this.#error)
  }
}

export interface LayerNoise {
  readonly name: string
  readonly op: string
  readonly decibels: number
}
