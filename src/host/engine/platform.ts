import { OcellusError } from '../errors.js'
import type { Pixels } from '../image/pixels.js'
import type { Build } from './build.js'

/** A memory for hints, by topic; it may forget, and hold what another version wrote. */
export interface Notes {
  read(topic: string): Promise<Map<string, string> | undefined>
  write(topic: string, values: ReadonlyMap<string, string>): Promise<void>
}

/** What Ocellus needs from where it runs. Node and the browser supply one each; see `platform/`. */
export interface Platform {
  readonly name: string
  readonly notes: Notes
  loadEngine(build: Build): Promise<WebAssembly.Module>
  /** Bytes of a model: a path or address, or the embedded default. */
  readModel(source: string | URL | undefined): Promise<{ bytes: Uint8Array; file: string }>
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
