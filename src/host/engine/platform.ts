import { OcellusError } from '../errors.js'
import type { FileSource } from '../format/safetensors.js'
import type { Pixels } from '../image/pixels.js'
import type { Build } from './build.js'
import type { WorkerWords } from './worker.js'

export interface WorkerHandle {
  /** Ends the worker, at once or soon; nothing is told of its end. */
  stop(): void
}

/** A memory for hints, by topic; it may forget, and hold what another version wrote. */
export interface Notes {
  read(topic: string): Promise<Map<string, string> | undefined>
  write(topic: string, values: ReadonlyMap<string, string>): Promise<void>
}

/** What Ocellus needs from where it runs. Node and the browser supply one each; see `platform/`. */
export interface Platform {
  readonly name: string
  readonly notes: Notes
  /** A build of the engine: the one for one thread, or the one for several. */
  loadEngine(build: Build, threads: boolean): Promise<WebAssembly.Module>
  /** Processors that a program may use. */
  processors(): number
  /** Starts a thread that calls `serve` with `words`. `lost` is called when it ends unasked. */
  startWorker(words: WorkerWords, lost: (why: string) => void): WorkerHandle
  /** A model's bytes, or its file where that is large: of a path or address, or the embedded default. */
  readModel(source: string | URL | undefined): Promise<{ bytes: Uint8Array | FileSource; file: string }>
  /** Pixels of whatever this platform calls a picture: a path, encoded bytes, an element. Upright RGBA. */
  decodeImage(source: unknown): Promise<Pixels>
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
