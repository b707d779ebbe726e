/** Runs of which the middle one counts. */
const window = 3
/** One frame in so many is timed while there is nothing to compare: reading a clock allocates. */
const every = 4
/** Runs from one comparison to the next: more each time that nothing changed. */
const soonest = 64
const latest = 1024
/** The other way must be so much faster, lest noise decides. */
const margin = 0.9
/** A run that takes so many times what it took is a reason to compare at once. */
const jump = 1.5

/**
 * Finds out as frames go by whether threads help: now and then a frame is done the other way, by the
 * caller alone or by all, and where that is faster two more are, and then all that follow. Threads
 * hurt where other programs keep the processors busy: each layer then waits for one that is not
 * running.
 *
 * A frame is the longest program that was seen; shorter ones are done as frames are.
 */
export class Watch {
  readonly #clock: () => number
  #shared = true
  #frame = 0
  /** Times of the last frames as they are done, and of those that are done the other way. */
  #own: number[] = []
  #other: number[] | undefined
  /** What a frame took when the two were last compared. */
  #usual = Number.POSITIVE_INFINITY
  #runs = 0
  #next = window
  #pause = soonest
  #start = 0
  #watched = false

  constructor(clock: () => number) {
    this.#clock = clock
  }

  /** Whether frames are shared among the threads. */
  get shared(): boolean {
    return this.#shared
  }

  /** Begins a run of so many instructions. Whether the threads are to share it. */
  begin(instructions: number): boolean {
    this.#watched = instructions >= this.#frame
    if (!this.#watched) return this.#shared
    if (instructions > this.#frame) this.#restart(instructions)
    if (this.#other === undefined) {
      this.#runs++
      this.#watched = this.#runs % every === 0 || this.#runs > this.#next - window
      if (!this.#watched) return this.#shared
    }
    this.#start = this.#clock()
    return this.#other === undefined ? this.#shared : !this.#shared
  }

  /** The run has ended. One that failed is not told. */
  end(): void {
    if (!this.#watched) return
    const ms = this.#clock() - this.#start
    if (this.#other === undefined) this.#addOwn(ms)
    else this.#addOther(ms, this.#other)
  }

  #restart(instructions: number): void {
    this.#frame = instructions
    this.#own = []
    this.#other = undefined
    this.#usual = Number.POSITIVE_INFINITY
    this.#runs = 0
    this.#next = window
  }

  #addOwn(ms: number): void {
    if (this.#own.length === window) this.#own.shift()
    this.#own.push(ms)
    if (this.#own.length < window) return
    if (this.#runs >= this.#next || Math.min(...this.#own) > jump * this.#usual) this.#other = []
  }

  #addOther(ms: number, other: number[]): void {
    const own = middle(this.#own)
    this.#runs = 0
    if (!(ms < margin * own)) {
      this.#other = undefined
      this.#usual = own
      this.#next = this.#pause
      this.#pause = Math.min(2 * this.#pause, latest)
      return
    }
    other.push(ms)
    if (other.length < window) return
    this.#shared = !this.#shared
    this.#own = other
    this.#usual = middle(other)
    this.#other = undefined
    this.#pause = soonest
    this.#next = soonest
  }
}

const middle = (times: readonly number[]): number =>
  [...times].sort((a, b) => a - b)[Math.floor(times.length / 2)]
