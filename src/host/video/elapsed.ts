import { OcellusError } from '../errors.js'

/**
 * Adds up the milliseconds between times that are handed in; a time that jumps back adds nothing
 * and counts on from there.
 */
export class Elapsed {
  #last = Number.NaN
  #total = 0

  /** Milliseconds so far. */
  get total(): number {
    return this.#total
  }

  /**
   * Returns the milliseconds since the call before, at least 0. Throws E_OPTION for a time that is
   * no number.
   */
  advance(timeMs: number): number {
    checkTime(timeMs)
    const passed = Number.isNaN(this.#last) ? 0 : Math.max(0, timeMs - this.#last)
    this.#last = timeMs
    this.#total += passed
    return passed
  }

  /** Goes on from this time, whatever passed before it. Throws E_OPTION. */
  skip(timeMs: number): void {
    checkTime(timeMs)
    this.#last = timeMs
  }
}

function checkTime(timeMs: number): void {
  if (Number.isFinite(timeMs)) return
  throw new OcellusError('E_OPTION', `the frame's time is ${timeMs}; give milliseconds`)
}
