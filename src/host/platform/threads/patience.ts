/**
 * How long a thread that waits for others spins before it sleeps. Threads that sleep at once, and
 * wake each other, may come to share one processor for good while another is idle: the system sees
 * two that are seldom ready at the same time, and leaves them there (Linux does: each frame then
 * takes as long as with one thread). A thread that spins on is seen, and parted from the other
 * within a few milliseconds. But where there is only one processor for all, spinning takes the time
 * of those that are waited for: after some long waits in a row threads sleep at once, and are
 * patient again after a while.
 */
const patientMs = 4
const longMs = 1
/**
 * The engine asks at most ten times a millisecond: after so many times `patientMs` are over even if
 * the clock stands still.
 */
const mostAsked = 10 * 2 * patientMs
/** Long waits in a row after which there seems to be no other processor. */
const most = 8
/** Waits without patience, at first; twice as many each time that patience did not help. */
const fewest = 64
const longest = 8192

export class Patience {
  #since = 0
  /** Whether the present wait has been counted as a long one. */
  #counted = false
  #inARow = 0
  #hurried = 0
  #next = fewest

  constructor(readonly clock: () => number) {}

  /** Whether to sleep now; `times` as for Control.sleep. */
  isOver(times: number): boolean {
    const now = this.clock()
    const begins = times === 0 || times === -1
    if (begins) this.#since = now
    if (this.#hurried > 0) {
      if (begins) this.#hurried--
      return true
    }
    const waited = now - this.#since
    if (times >= 0) this.#count(times === 0, waited)
    return waited >= patientMs || Math.abs(times) >= mostAsked
  }

  /**
   * A thread that is not of the crew yet may wait for long with a processor of its own: its waits
   * are not counted.
   */
  #count(begins: boolean, waited: number): void {
    if (begins) {
      if (!this.#counted) {
        this.#inARow = 0
        this.#next = fewest
      }
      this.#counted = false
    }
    if (this.#counted || waited < longMs) return
    this.#counted = true
    if (++this.#inARow < most) return
    this.#hurried = this.#next
    this.#next = Math.min(this.#next * 2, longest)
    this.#inARow = 0
  }
}
