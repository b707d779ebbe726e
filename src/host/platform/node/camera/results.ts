import type { Pixels } from '../../../image/pixels.js'
import type { Detection } from '../../../tasks/detection/detections.js'
import type { FrameTime, Track, VideoEvent } from '../../../video/types.js'
import type { CameraPhase } from './feed.js'

/**
 * That the camera itself came, went or ended: one JSON line of `ocellus camera --events`, its
 * fields in this order.
 */
export interface CameraEvent {
  readonly v: 1
  readonly type: 'camera'
  readonly time?: string
  readonly camera: string
  readonly state: CameraPhase
  readonly code?: string
  readonly message?: string
  readonly attempt: number
}

/** What a frame showed; or, without a frame, that the camera came, went or ended. */
export interface CameraResult {
  /**
   * When the frame arrived, in milliseconds since 1970; of a file, its position in milliseconds.
   */
  readonly time: number
  /** Milliseconds from the frame's arrival to this result; 0 of a file. */
  readonly age: number
  /** The frame's number among those of its connection. */
  readonly number?: number
  /** When and how large it was, as the tracker was told. */
  readonly timing?: FrameTime
  /** Whether nobody looked at the frame, as nothing moved in it: all is as it was. */
  readonly skipped: boolean
  /** The pixels. They are valid until the next result is asked for: copy what must last. */
  readonly frame?: Pixels
  /** Objects that reach the threshold, best first, boxes in the frame's pixels. */
  readonly detections: readonly Detection[]
  /** Weaker ones, which only continue tracks. */
  readonly weak: readonly Detection[]
  readonly tracks: readonly Track[]
  readonly events: readonly (VideoEvent | CameraEvent)[]
}

interface Taker {
  resolve(result: IteratorResult<CameraResult>): void
  reject(error: Error): void
}

/**
 * Events that wait for a caller who asks for none: a camera that comes and goes makes some every
 * minute.
 */
const mostWaitingEvents = 1000

/** Results on their way to whoever asks for them: at most one waits. */
export class Results {
  readonly #taken: () => void
  readonly #takers: Taker[] = []
  #waiting: CameraResult | undefined
  #isDone = false
  #failure: Error | undefined

  /** Calls `taken` just before a result is handed over. */
  constructor(taken: () => void) {
    this.#taken = taken
  }

  /** Whether the caller has yet to take a result. */
  get isFull(): boolean {
    return this.#waiting !== undefined
  }

  get isDone(): boolean {
    return this.#isDone
  }

  /**
   * Hands a result to whoever waits for one, or keeps it: what happened without a frame joins one
   * that is kept.
   */
  emit(result: CameraResult): void {
    const taker = this.#takers.shift()
    if (taker !== undefined) {
      this.#taken()
      taker.resolve({ done: false, value: result })
      return
    }
    const before = this.#waiting
    if (before === undefined) this.#waiting = result
    else this.#waiting = { ...before, events: [...before.events, ...result.events].slice(-mostWaitingEvents) }
  }

  next(): Promise<IteratorResult<CameraResult>> {
    const value = this.#waiting
    if (value !== undefined) {
      this.#waiting = undefined
      this.#taken()
      return Promise.resolve({ done: false, value })
    }
    if (this.#isDone) return this.#last()
    return new Promise((resolve, reject) => this.#takers.push({ resolve, reject }))
  }

  /** Why there will be no more results: only the first reason counts. */
  fail(error: Error | undefined): void {
    this.#failure ??= error
  }

  /** There will be no more results than the one that waits. */
  finish(): void {
    this.#isDone = true
    for (const { resolve, reject } of this.#takers.splice(0)) this.#last().then(resolve, reject)
  }

  /** The end of the iteration: the failure for the first who asks, if there is one. */
  #last(): Promise<IteratorResult<CameraResult>> {
    const failure = this.#failure
    this.#failure = undefined
    return failure === undefined ? Promise.resolve({ done: true, value: undefined }) : Promise.reject(failure)
  }
}
