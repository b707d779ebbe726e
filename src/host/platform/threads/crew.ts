import { warnOnce } from '../../engine/warn.js'
import { Control } from './control.js'
import type { WorkerWords } from './worker.js'

export interface WorkerHandle {
  /** Ends the worker, at once or soon. Settles when it has ended, where the platform can tell. */
  stop(): Promise<unknown> | undefined
}

/** Starts a thread that calls `serve` with `words`. `lost` is called when it ends unasked. */
export type StartWorker = (words: WorkerWords, lost: (why: string) => void) => WorkerHandle

/** The workers of one memory: threads 1 and up; the caller of `run` is thread 0. */
export class Crew {
  readonly control: Control
  readonly #handles: WorkerHandle[] = []
  #stopped = false
  #ended: Promise<unknown> | undefined
  #complete = false

  constructor(
    readonly module: WebAssembly.Module,
    readonly memory: WebAssembly.Memory,
    readonly threads: number,
    readonly startWorker: StartWorker,
    now: () => number,
  ) {
    this.control = new Control(memory, now)
    for (let thread = 1; thread < threads; thread++) this.#hire(thread)
  }

  /**
   * Whether every worker waits for work. They need no event loop of the caller's to come that far.
   */
  get complete(): boolean {
    if (this.#stopped) return false
    if (!this.#complete) this.#complete = this.#threads().every((thread) => this.control.isReady(thread))
    return this.#complete
  }

  get stopped(): boolean {
    return this.#stopped
  }

  /** Ends the workers. Settles when all have ended, where the platform can tell. */
  stop(): Promise<unknown> | undefined {
    if (this.#stopped) return this.#ended
    this.#stopped = true
    const ends = this.#handles.map((handle) => handle?.stop())
    this.#handles.length = 0
    this.#ended = ends.every((end) => end !== undefined) ? Promise.all(ends) : undefined
    return this.#ended
  }

  #threads(): number[] {
    return Array.from({ length: this.threads - 1 }, (_, n) => n + 1)
  }

  #hire(thread: number): void {
    const { module, memory, threads } = this
    try {
      this.#handles[thread] = this.startWorker({ module, memory, thread, threads }, (why) =>
        this.#lost(thread, why),
      )
    } catch (cause) {
      this.#giveUp(String(cause))
    }
  }

  /** A worker ended while no frame ran, so nothing was lost with it: another takes its place. */
  #lost(thread: number, why: string): void {
    if (this.#stopped) return
    if (!this.control.isReady(thread)) {
      this.#giveUp(why)
      return
    }
    this.#complete = false
    this.control.forget(thread)
    this.#hire(thread)
  }

  /** Where one worker can't start, none can. */
  #giveUp(why: string): void {
    this.stop()
    warnOnce(`a worker does not start (${why}): one thread only`)
  }
}
