import type { ChildProcess } from 'node:child_process'
import type { Readable, Writable } from 'node:stream'
import { OcellusError } from '../../../errors.js'
import { childProcess } from '../builtin.js'
import type { SourceAddress } from './address.js'
import { descriptors, ffmpegArguments, isSecret, secretList, type Wanted } from './arguments.js'
import { failureOf } from './failure.js'
import type { Guard } from './guard.js'
import { JpegReader } from './mpjpeg.js'
import { PamReader, type Slot } from './pam.js'

/** How reading ended. */
export interface Outcome {
  /** Why there was no frame at all, or what was wrong with them. */
  readonly error?: OcellusError
  readonly frames: number
  /** Whether the source has a known length, as a file has, and so came to its end. */
  readonly finite: boolean
  /** Whether its pictures have another size now, which ffmpeg would stretch to the first one's. */
  readonly resized: boolean
}

export interface ReaderSink {
  /** A slot to fill. */
  take(width: number, height: number): Slot
  /**
   * A frame, numbered from 0, with its position in seconds in a file. Of a file the next comes
   * after `resume`.
   */
  frame(slot: Slot, number: number, position?: number): void
  /** The JPEG of the frame with that number, a little before or after it. */
  picture(jpeg: Buffer, number: number): void
  ended(outcome: Outcome): void
}

export interface ReaderOptions {
  readonly ffmpeg: string
  readonly source: SourceAddress
  readonly wanted: Wanted
  readonly guard: Guard
  /** A program whose output ffmpeg reads. */
  readonly feeder?: { readonly program: string; readonly words: readonly string[] }
}

const keptLines = 40
/** A program that was asked to end has so long. */
const patienceMs = 500
/** A new size that has lasted so long is no accident. */
const lastingMs = 1000

/** One run of ffmpeg: from its start to its end it hands frames on, and then says why it ended. */
export class Reader {
  readonly #options: ReaderOptions
  readonly #sink: ReaderSink
  readonly #child: ChildProcess
  readonly #feeder: ChildProcess | undefined
  readonly #pam: PamReader
  readonly #lines: string[] = []
  /** Positions of frames that have not come yet, and the part of a line that follows them. */
  #positions: number[] = []
  #positionText = ''
  /** Of a file: whether the next frame is asked for, and what was read of those that are not. */
  #asked = true
  #rest: Buffer | undefined
  #pumping = false
  #held: Slot | undefined
  #frames = 0
  #pictures = 0
  #finite = false
  #error: OcellusError | undefined
  #running = 1
  #stopped = false
  #told = false
  /** Of the source's pictures. */
  #size: string | undefined
  #nowSize: string | undefined
  #sizeTimer: NodeJS.Timeout | undefined
  #resized = false
  /** What ffmpeg said of the source's video: codec, size, frames a second. */
  description: string | undefined
  /** Whether the source has said what it will send, though no frame may have come yet. */
  hasAnswered = false

  constructor(options: ReaderOptions, sink: ReaderSink) {
    this.#options = options
    this.#sink = sink
    const { source } = options
    this.#pam = new PamReader(
      (width, height) => sink.take(width, height),
      (slot) => this.#full(slot),
    )
    const { feeder } = options
    if (feeder !== undefined) {
      this.#running++
      this.#feeder = this.#spawn(feeder.program, feeder.words, ['ignore', 'pipe', 'pipe'])
    }
    this.#child = this.#spawn(options.ffmpeg, ffmpegArguments(source, options.wanted), this.#stdio())
    // ffmpeg has the pipe now; while we hold it too, neither would notice the other's end.
    this.#feeder?.stdout?.destroy()
    this.#wire()
  }

  /** Processes that run for this source. */
  get pids(): number[] {
    return [this.#child.pid, this.#feeder?.pid].filter((pid) => pid !== undefined)
  }

  /** Asks for the next frame of a file. */
  resume(): void {
    this.#asked = true
    this.#pump()
  }

  /** Ends the programs; `ended` is not called any more. */
  stop(): void {
    if (this.#stopped) return
    this.#stopped = true
    clearTimeout(this.#sizeTimer)
    this.#child.stdout?.destroy()
    for (const child of [this.#child, this.#feeder]) {
      if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) continue
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs)
      child.once('exit', () => clearTimeout(timer))
    }
  }

  /** Settles when no program of this source runs any more. */
  async gone(): Promise<void> {
    await Promise.all([this.#child, this.#feeder].map((child) => child && exited(child)))
  }

  #stdio(): ('pipe' | 'ignore' | 'inherit' | Readable)[] {
    const { source, wanted } = this.#options
    const input = this.#feeder?.stdout ?? (source.kind === 'stdin' ? 'inherit' : 'ignore')
    const stdio: ('pipe' | 'ignore' | 'inherit' | Readable)[] = [input, 'pipe', 'pipe']
    stdio[descriptors.positions] = source.live ? 'ignore' : 'pipe'
    stdio[descriptors.pictures] = wanted.pictures ? 'pipe' : 'ignore'
    stdio[descriptors.secret] = isSecret(source, wanted) ? 'pipe' : 'ignore'
    return stdio
  }

  #spawn(
    program: string,
    words: readonly string[],
    stdio: ('pipe' | 'ignore' | 'inherit' | Readable)[],
  ): ChildProcess {
    // A group of its own: what a terminal sends to us is for us to answer.
    const child = childProcess().spawn(program, words, { stdio, detached: process.platform !== 'win32' })
    child.on('error', (cause) => {
      this.#error ??= new OcellusError('E_CAMERA_FFMPEG', `${program} does not start: ${cause.message}`, {
        cause,
      })
    })
    child.on('close', () => this.#left())
    this.#options.guard.watch(child)
    let text = ''
    child.stderr?.setEncoding('utf8')
    child.stderr?.on('data', (more: string) => {
      const lines = (text + more).split('\n')
      text = (lines.pop() ?? '').slice(-4096)
      for (const line of lines) this.#said(line)
    })
    child.stderr?.on('end', () => this.#said(text))
    return child
  }

  #wire(): void {
    const { stdout } = this.#child
    // The types know of five descriptors only.
    const stdio: readonly unknown[] = this.#child.stdio
    stdout?.on('data', (chunk: Buffer) => this.#push(chunk))
    stdout?.on('error', () => {})
    const positions = stdio[descriptors.positions] as Readable | null | undefined
    positions?.setEncoding('utf8')
    positions?.on('data', (text: string) => this.#readPositions(text))
    positions?.on('error', () => {})
    const pictures = stdio[descriptors.pictures] as Readable | null | undefined
    const jpegs = new JpegReader((jpeg) => this.#sink.picture(jpeg, this.#pictures++))
    pictures?.on('data', (chunk: Buffer) => jpegs.push(chunk))
    pictures?.on('error', () => {})
    const secret = stdio[descriptors.secret] as Writable | null | undefined
    secret?.on('error', () => {})
    if (secret) secret.end(secretList(this.#options.source, this.#options.wanted))
  }

  #said(line: string): void {
    if (line === '') return
    if (/^\s*(?:\[info\] *)?Duration: \d/.test(line)) this.#finite = true
    this.hasAnswered ||= /\bSDP:$|\bInput #0,|\bReinit context\b/.test(line)
    this.description ??= /Stream #0:\d+.*?Video: (.*)/.exec(line)?.[1]
    this.#watchSize(line)
    if (/\[(?:info|verbose)\]/.test(line)) return
    this.#lines.push(line)
    if (this.#lines.length > keptLines) this.#lines.shift()
  }

  /**
   * ffmpeg tells of each change of the pictures' size, in so many words: `w:320 h:240 fmt:... ->
   * w:...`.
   */
  #watchSize(line: string): void {
    const size = /\[Parsed_scale_\d+ .*\bw:(\d+ h:\d+) .* -> w:/.exec(line)?.[1]
    if (size === undefined || !this.#options.source.returns) return
    this.#size ??= size
    this.#nowSize = size
    if (this.#size === size || this.#sizeTimer !== undefined) return
    // A broken picture may have any size: what counts is the size that lasts.
    this.#sizeTimer = setTimeout(() => {
      this.#sizeTimer = undefined
      if (this.#nowSize === this.#size || this.#stopped) return
      this.#resized = true
      this.stop()
      this.#tell()
    }, lastingMs)
  }

  #push(chunk: Buffer): void {
    this.#rest = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk])
    this.#pump()
  }

  /**
   * Reads on while frames are asked for. To hand one on may ask for the next: that is not a reason
   * to begin again.
   */
  #pump(): void {
    if (this.#pumping || this.#stopped) return
    this.#pumping = true
    try {
      while (this.#asked && this.#rest !== undefined && !this.#stopped) {
        const chunk = this.#rest
        this.#rest = undefined
        this.#rest = this.#pam.push(chunk)
      }
    } catch (error) {
      if (!(error instanceof OcellusError)) throw error
      this.#error ??= error
      this.stop()
      this.#tell()
    } finally {
      this.#pumping = false
    }
    if (this.#asked) this.#child.stdout?.resume()
    else this.#child.stdout?.pause()
    this.#finish()
  }

  #full(slot: Slot): boolean {
    if (this.#options.source.live) {
      this.#sink.frame(slot, this.#frames++)
      return true
    }
    this.#asked = false
    this.#held = slot
    this.#deliver()
    return this.#asked
  }

  /** A file's frame and its position come by different pipes, in whatever order. */
  #deliver(): void {
    const slot = this.#held
    if (slot === undefined || this.#frames >= this.#positions.length + this.#dropped) return
    this.#held = undefined
    const position = this.#positions[this.#frames - this.#dropped]
    if (this.#frames - this.#dropped > 1000) {
      this.#positions = this.#positions.slice(1000)
      this.#dropped += 1000
    }
    this.#sink.frame(slot, this.#frames++, position)
  }

  /** Positions that are no longer kept. */
  #dropped = 0

  #readPositions(text: string): void {
    const lines = (this.#positionText + text).split('\n')
    this.#positionText = lines.pop() ?? ''
    for (const line of lines) {
      const found = /^frame:\d+ .*pts_time:(-?[\d.e+-]+)/.exec(line)
      if (found !== null) this.#positions.push(Number(found[1]))
    }
    this.#deliver()
  }

  #left(): void {
    this.#running--
    // Neither of the two is of use without the other.
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) this.#feeder?.kill()
    this.#finish()
  }

  #finish(): void {
    if (this.#running > 0 || this.#rest !== undefined) return
    if (this.#held === undefined) this.#tell()
    // A frame without a position is none of the file's: ffmpeg writes the position first.
    else if (this.#frames >= this.#positions.length + this.#dropped) this.#tell()
  }

  #tell(): void {
    if (this.#told || (this.#stopped && this.#error === undefined && !this.#resized)) return
    this.#told = true
    const { source } = this.#options
    const failed = this.#frames === 0 ? failureOf(source, this.#lines) : undefined
    this.#sink.ended({
      error: this.#error ?? failed,
      frames: this.#frames,
      finite: this.#finite,
      resized: this.#resized,
    })
  }
}

function exited(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null)
    return Promise.resolve()
  return new Promise((resolve) => child.once('exit', () => resolve()))
}
