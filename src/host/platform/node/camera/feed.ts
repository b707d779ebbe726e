import { type ErrorCode, OcellusError } from '../../../errors.js'
import type { SourceAddress } from './address.js'
import type { Slot } from './pam.js'
import type { Outcome, Reader, ReaderSink } from './reader.js'

export type CameraPhase = 'connecting' | 'live' | 'stalled' | 'lost' | 'ended'

/** What a camera does just now. */
export interface CameraState {
  readonly state: CameraPhase
  /** Milliseconds since 1970 when it began. */
  readonly since: number
  /** Attempts to connect since it was last live. */
  readonly attempt: number
  /** Why it is stalled or lost. */
  readonly code?: ErrorCode
  readonly message?: string
}

export interface FeedOptions {
  readonly source: SourceAddress
  /** Without a frame for so long it is stalled. */
  readonly stallMs: number
  /** The first pause between two attempts, and the longest. */
  readonly retryMs: readonly [number, number]
  /** Whether it ends where it would try again. */
  readonly once: boolean
  /** One run of ffmpeg. */
  start(sink: ReaderSink): Promise<Reader>
}

export interface FeedSink extends Omit<ReaderSink, 'ended'> {
  changed(state: CameraState): void
  /** No frame will come any more. */
  ended(error?: OcellusError): void
}

/**
 * Each pause is longer than the last by this, so that it is never more than half of the time that
 * the camera was away.
 */
const growth = 1.5
/** A source whose pictures change their size more often is not opened anew for it. */
const resizeMs = 2000
/** A source may take so long to give its first frame. */
const connectMs = 15_000
/** One that was live is first given so long, or twice what it took the last time. */
const quickMs = 3000
/** Who sets a longer stall than this has a source that is slow at the start, too. */
const usualStallMs = 5000

/** No time will mend these. */
const hopeless: ReadonlySet<ErrorCode> = new Set(['E_CAMERA_CSI', 'E_CAMERA_FFMPEG', 'E_CAMERA_RPICAM'])

/**
 * Keeps a source delivering: it starts the reader, watches it, and starts it anew when it has ended
 * or gives nothing.
 */
export class Feed {
  readonly #options: FeedOptions
  readonly #sink: FeedSink
  #reader: Reader | undefined
  #state: CameraState = { state: 'connecting', since: Date.now(), attempt: 0 }
  #pause: number
  #lastFrame = 0
  /** When the current attempt began, and how long the last one took that succeeded. */
  #began = 0
  #tookMs: number | undefined
  #resizedAt = Number.NEGATIVE_INFINITY
  #timer: NodeJS.Timeout | undefined
  #closed = false
  /** Which attempt counts: what others still tell is old. */
  #run = 0
  /** Readers that may still run. */
  readonly #ending = new Set<Promise<void>>()
  /** How often the camera was live after it had been lost. */
  reconnects = -1

  constructor(options: FeedOptions, sink: FeedSink) {
    this.#options = options
    this.#sink = sink
    this.#pause = options.retryMs[0]
  }

  get state(): CameraState {
    return this.#state
  }

  get reader(): Reader | undefined {
    return this.#reader
  }

  start(): void {
    this.#sink.changed(this.#state)
    this.#connect()
  }

  /** Asks for the next frame of a file. */
  resume(): void {
    this.#reader?.resume()
  }

  async close(): Promise<void> {
    this.#end()
    await Promise.all(this.#ending)
  }

  #connect(): void {
    if (this.#closed) return
    this.#state = { ...this.#state, attempt: this.#state.attempt + 1 }
    const { source } = this.#options
    const run = ++this.#run
    const isNow = (): boolean => this.#run === run
    this.#began = performance.now()
    this.#lastFrame = this.#began
    if (source.live) this.#watch(this.#patience())
    const over = (outcome: Outcome): void => {
      if (isNow()) this.#over(outcome)
    }
    this.#options
      .start({
        take: (width, height) => this.#sink.take(width, height),
        frame: (slot, number, position) => {
          if (isNow()) this.#frame(slot, number, position)
        },
        picture: (jpeg, number) => {
          if (isNow()) this.#sink.picture(jpeg, number)
        },
        ended: over,
      })
      .then(
        (reader) => {
          if (isNow()) this.#reader = reader
          else this.#stop(reader)
        },
        (error: OcellusError) => over({ error, frames: 0, finite: false, resized: false }),
      )
  }

  /**
   * How long an attempt may take. What a source that was live has not answered soon, it often never
   * answers, though it would answer a new attempt; each is given longer than the one before.
   */
  #patience(): number {
    const { stallMs } = this.#options
    if (this.#tookMs === undefined) return this.#longest
    const least = Math.max(quickMs, 2 * this.#tookMs, stallMs > usualStallMs ? stallMs : 0)
    return Math.min(this.#longest, least * growth ** (this.#state.attempt - 1))
  }

  get #longest(): number {
    return Math.max(connectMs, this.#options.stallMs)
  }

  #frame(slot: Slot, number: number, position?: number): void {
    this.#lastFrame = performance.now()
    if (this.#state.state !== 'live') {
      this.#tookMs = this.#lastFrame - this.#began
      this.reconnects++
      this.#change('live')
      if (this.#options.source.live) this.#watch(this.#options.stallMs)
    }
    this.#sink.frame(slot, number, position)
  }

  /** Looks after `limit` milliseconds without a frame. */
  #watch(limit: number): void {
    clearTimeout(this.#timer)
    const left = limit - (performance.now() - this.#lastFrame)
    this.#timer = setTimeout(
      () => {
        if (performance.now() - this.#lastFrame < limit) this.#watch(limit)
        else this.#stalled(limit)
      },
      Math.max(left, 1),
    )
  }

  #stalled(limit: number): void {
    const { source } = this.#options
    const was = this.#state.state
    // What has answered is on its way: the first picture may have to wait for a key frame.
    if (was !== 'live' && this.#reader?.hasAnswered && limit < this.#longest) {
      this.#watch(this.#longest)
      return
    }
    const error = new OcellusError(
      'E_CAMERA_STALLED',
      `${source.shown}: no frame for ${seconds(limit)} s; a source that is so slow needs a longer --stall`,
    )
    if (was === 'live') this.#change('stalled', error)
    // What comes by standard input can't be opened anew, but may go on.
    if (!source.returns) return
    this.#drop()
    if (this.#options.once) this.#finish(error)
    else this.#retry(error)
  }

  #over({ error, frames, finite, resized }: Outcome): void {
    const { source, once } = this.#options
    this.#drop()
    if (resized && this.#lastFrame - this.#resizedAt > resizeMs) {
      this.#resizedAt = this.#lastFrame
      this.#connect()
      return
    }
    const text = `${source.shown}: the stream has ended`
    const why = error ?? new OcellusError('E_CAMERA_LOST', text)
    if (source.returns && !finite && !once && !hopeless.has(why.code)) this.#retry(why)
    else this.#finish(frames === 0 ? why : error)
  }

  #retry(why: OcellusError): void {
    const [least, most] = this.#options.retryMs
    const { state } = this.#state
    const wasUp = state === 'live' || state === 'stalled'
    if (wasUp) this.#pause = least
    if (state !== 'stalled') this.#change('lost', why)
    // A camera that counts wrong passwords locks its user out.
    const pause = why.code === 'E_CAMERA_AUTH' ? most : this.#pause
    this.#pause = Math.min(this.#pause * growth, most)
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      if (wasUp) this.#change('connecting')
      this.#connect()
    }, pause)
  }

  #change(state: CameraPhase, error?: OcellusError): void {
    const before = this.#state
    this.#state = {
      state,
      since: Date.now(),
      attempt: state === 'live' ? 0 : before.attempt,
      code: error?.code,
      message: error?.message,
    }
    // A further attempt that failed as the one before is no news.
    if (before.state !== state || before.code !== error?.code) this.#sink.changed(this.#state)
  }

  #drop(): void {
    clearTimeout(this.#timer)
    this.#run++
    if (this.#reader !== undefined) this.#stop(this.#reader)
    this.#reader = undefined
  }

  #stop(reader: Reader): void {
    reader.stop()
    const gone = reader.gone().finally(() => this.#ending.delete(gone))
    this.#ending.add(gone)
  }

  #finish(error?: OcellusError): void {
    this.#end(error)
    this.#sink.ended(error)
  }

  #end(error?: OcellusError): void {
    if (this.#closed) return
    this.#closed = true
    this.#drop()
    this.#change('ended', error)
  }
}

const seconds = (ms: number): string => String(Math.round(ms / 100) / 10)
