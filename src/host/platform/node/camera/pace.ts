/** Chooses among the frames of a live source those that come nearest to a steady rate. */
export class Pace {
  readonly #rate: number
  #due = 0
  #interval = 0
  #lastArrival = 0

  /** Frames a second; 0 for all. */
  constructor(rate: number) {
    this.#rate = rate
  }

  /** Whether it is time for a frame that arrives now, to the nearest one that the source sends. */
  isDue(now: number): boolean {
    if (this.#lastArrival > 0) {
      const interval = Math.min(now - this.#lastArrival, 1000)
      this.#interval += (interval - this.#interval) / 8
    }
    this.#lastArrival = now
    return this.#rate === 0 || now + this.#interval / 2 >= this.#due
  }

  /** A frame that arrived then is looked at. A source that has been slow does not make up for it. */
  looked(at: number): void {
    if (this.#rate > 0) this.#due = Math.max(this.#due, at - 1000 / this.#rate) + 1000 / this.#rate
  }
}
