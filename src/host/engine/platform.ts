import { OcellusError } from '../errors.js'
import type { FileSource } from '../format/safetensors.js'
import type { VerifiedModel } from '../graph/verify.js'
import type { ImageSource } from '../image/image-source.js'
import type { Pixels } from '../image/pixels.js'
import type { Address } from '../source/content.js'
import type { Build, Engine, Instance } from './engine.js'
import type { Kinds } from './measure.js'

/** How several threads share a session's runs, where a platform has them. */
export interface Threads {
  /** Processors that a program had better use. */
  processors(): number
  /** Why threads can't be had here just now; undefined where they can. */
  refusal(): string | undefined
  /**
   * A build for `count` threads, the caller's among them, in shared memory of at least so many
   * bytes. `watched`: threads that turn out to slow it down are left out until they help again.
   */
  start(
    build: Build,
    bytes: number,
    count: number,
    timeoutMs: number,
    watched?: boolean,
  ): Engine | Promise<Engine>
}

/** A memory for hints, by topic; it may forget, and hold what another version wrote. */
export interface Notes {
  read(topic: string): Promise<Map<string, string> | undefined>
  write(topic: string, values: ReadonlyMap<string, string>): Promise<void>
}

/** Finds out what is fast on this machine, for platforms that have a clock. */
export interface Tuning {
  /**
   * The fastest kernel of each kind of layer by its key, for those kinds that could be measured.
   */
  fastestKernels(kinds: Kinds, wanted: Wanted): Promise<ReadonlyMap<string, string>>
  /** Has the runtime compile early what a first run will take most of its time in. */
  warmUp?(engine: Engine, model: VerifiedModel, options: { kernel?: string; build?: Build }): void
}

export interface Wanted {
  /** The build that will run, where it was asked for by name. */
  readonly build?: Build
  /** The network has weights of 7 bits. */
  readonly narrow: boolean
  /** Milliseconds to measure for. */
  readonly budgetMs: number
}

/**
 * What Ocellus needs from where it runs: see "A platform" in docs/extending.md. Every platform has
 * the first three members. It gives the others if it can, and Ocellus does without those that are
 * missing.
 */
export interface Platform {
  readonly name: string
  /**
   * A build for one thread, in memory of its own of at least so many bytes. Throws where there is
   * none.
   */
  instantiate(build: Build, bytes: number): Instance | Promise<Instance>
  /**
   * A model's bytes, or its file where that is large: of a path or address, or the embedded
   * default.
   */
  readModel(source: string | Address | undefined): Promise<{ bytes: Uint8Array | FileSource; file: string }>
  /**
   * Pixels of whatever this platform calls a picture: a path, encoded bytes, an element. Upright
   * RGBA. A picture of more than `maxPixels` is E_IMAGE_TOO_LARGE, before anything is decoded.
   */
  decodeImage(source: ImageSource, maxPixels: number): Promise<Pixels>
  /** Without it every session has one thread. */
  readonly threads?: Threads
  /** Without it kernels are chosen by what they are expected to cost. */
  readonly tuning?: Tuning
  /** Milliseconds since some moment, for profiles and deadlines. */
  now?(): number
  /**
   * Settles after timers, input and other events had their turn: work that may be stopped waits for
   * it now and then.
   */
  pause?(): Promise<void>
  /** Shows a warning to whoever runs the program. */
  warn?(text: string): void
}

let current: Platform | undefined

/** Called once by the entry module of each platform. */
export function usePlatform(platform: Platform): void {
  current = platform
}

export function platform(): Platform {
  if (current === undefined) {
    throw new OcellusError('E_ENGINE_BUILD', "no platform: import 'ocellus', not one of its inner modules")
  }
  return current
}
