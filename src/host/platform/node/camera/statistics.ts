import { fs } from '../builtin.js'

/** What a camera has done so far. Times are in milliseconds, of the latest few hundred results. */
export interface CameraStatistics {
  /** Seconds since it was opened. */
  readonly seconds: number
  /** Frames that came, that the detector looked at, and that it did not. */
  readonly read: number
  readonly analysed: number
  readonly skipped: number
  /** Frames and results a second, of the last seconds. */
  readonly sourceRate: number
  readonly rate: number
  /**
   * Median and 95th percentile of the time from a frame's arrival to its result, and of the
   * detector's own.
   */
  readonly age: { readonly p50: number; readonly p95: number }
  readonly detector: { readonly p50: number; readonly p95: number }
  /** How often it came back after it had been lost. */
  readonly reconnects: number
  /**
   * Share of one core that this process and ffmpeg take, of the last seconds, where the system
   * tells.
   */
  readonly cpu: { readonly process: number; readonly ffmpeg?: number }
  /** Resident memory of this process in MiB. */
  readonly rssMiB: number
}

const kept = 256
const windowMs = 5000

/** The latest values of something. */
export class Recent {
  readonly #values = new Float64Array(kept)
  #count = 0

  add(value: number): void {
    this.#values[this.#count++ % kept] = value
  }

  percentiles(): { p50: number; p95: number } {
    const n = Math.min(this.#count, kept)
    if (n === 0) return { p50: 0, p95: 0 }
    const sorted = this.#values.slice(0, n).sort()
    const at = (share: number): number => tenth(sorted[Math.min(n - 1, Math.floor(n * share))])
    return { p50: at(0.5), p95: at(0.95) }
  }
}

const tenth = (value: number): number => Math.round(value * 10) / 10

interface Sample {
  readonly at: number
  readonly read: number
  readonly analysed: number
  readonly processMs: number
  readonly ffmpegMs: number | undefined
}

/**
 * Counts, and rates over the last seconds. It keeps two samples, and takes a new one when it is
 * asked.
 */
export class Meter {
  readonly age = new Recent()
  readonly detector = new Recent()
  read = 0
  analysed = 0
  skipped = 0
  readonly #started = performance.now()
  #before: Sample | undefined
  #last: Sample

  constructor(readonly pids: () => readonly number[]) {
    this.#last = this.#sample()
  }

  statistics(reconnects: number): CameraStatistics {
    const now = this.#sample()
    if (now.at - this.#last.at >= windowMs) {
      this.#before = this.#last
      this.#last = now
    }
    const then = this.#before ?? this.#last
    const seconds = Math.max(now.at - then.at, 1) / 1000
    const ffmpeg =
      now.ffmpegMs === undefined || then.ffmpegMs === undefined || now.ffmpegMs < then.ffmpegMs
        ? undefined
        : (now.ffmpegMs - then.ffmpegMs) / 1000 / seconds
    return {
      seconds: Math.round((now.at - this.#started) / 1000),
      read: this.read,
      analysed: this.analysed,
      skipped: this.skipped,
      sourceRate: tenth((now.read - then.read) / seconds),
      rate: tenth((now.analysed - then.analysed) / seconds),
      age: this.age.percentiles(),
      detector: this.detector.percentiles(),
      reconnects: Math.max(reconnects, 0),
      cpu: {
        process: hundredth((now.processMs - then.processMs) / 1000 / seconds),
        ...(ffmpeg !== undefined && { ffmpeg: hundredth(ffmpeg) }),
      },
      rssMiB: Math.round(process.memoryUsage.rss() / 2 ** 20),
    }
  }

  #sample(): Sample {
    const { user, system } = process.cpuUsage()
    return {
      at: performance.now(),
      read: this.read,
      analysed: this.analysed,
      processMs: (user + system) / 1000,
      ffmpegMs: processorMs(this.pids()),
    }
  }
}

const hundredth = (value: number): number => Math.round(value * 100) / 100

/**
 * Processor time of other processes, where the system has /proc. A tick is 10 ms on every Linux
 * that we know.
 */
function processorMs(pids: readonly number[]): number | undefined {
  let sum = 0
  for (const pid of pids) {
    try {
      const fields = fs.readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ')
      sum += (Number(fields[11]) + Number(fields[12])) * 10
    } catch {
      return undefined
    }
  }
  return sum
}
