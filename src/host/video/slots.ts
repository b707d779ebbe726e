/**
 * A place for one value, between whoever makes values and whoever needs longer to use them: the
 * latest wins, at most one waits, and latency never builds up.
 *
 *     const slot = new LatestSlot<VideoFrame>()
 *     reader.onframe = (frame) => slot.put(frame)?.close()      // what nobody will look at is given back
 *     for await (const frame of slot) await look(frame)         // ends after slot.close()
 */
export class LatestSlot<T> implements AsyncIterable<T> {
  #waiting: { readonly value: T } | undefined
  readonly #takers: ((result: IteratorResult<T, undefined>) => void)[] = []
  #closed = false
  #dropped = 0

  /** Values that nobody took. */
  get dropped(): number {
    return this.#dropped
  }

  get closed(): boolean {
    return this.#closed
  }

  /**
   * Hands a value to whoever waits for one, or keeps it. Returns the value that it takes the place
   * of, or, once the slot is closed, the value itself: so that its buffer can be used again.
   */
  put(value: T): T | undefined {
    if (this.#closed) {
      this.#dropped++
      return value
    }
    const taker = this.#takers.shift()
    if (taker !== undefined) {
      taker({ done: false, value })
      return undefined
    }
    const before = this.#waiting
    this.#waiting = { value }
    if (before !== undefined) this.#dropped++
    return before?.value
  }

  /** The value that waits, if one does. */
  take(): T | undefined {
    const waiting = this.#waiting
    this.#waiting = undefined
    return waiting?.value
  }

  /** Ends whoever waits. A value that waits can still be taken. */
  close(): void {
    this.#closed = true
    for (const taker of this.#takers.splice(0)) taker({ done: true, value: undefined })
  }

  /** Values as they come, until the slot is closed; `break` does not close it. */
  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return {
      next: () => {
        const waiting = this.#waiting
        this.#waiting = undefined
        if (waiting !== undefined) return Promise.resolve({ done: false, value: waiting.value })
        if (this.#closed) return Promise.resolve({ done: true, value: undefined })
        return new Promise((resolve) => {
          this.#takers.push(resolve)
        })
      },
    }
  }
}
