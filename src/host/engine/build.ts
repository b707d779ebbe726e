import { demangle } from '@assemblyscript/loader'
import { OcellusError } from '../errors.js'
import type { PackExports } from '../graph/descriptor.js'
import { platform } from './platform.js'
import { expectedProbe } from './probe.js'

/** Builds of the engine, the best first. All give the same bytes; they differ in speed. */
export const builds = ['simd', 'scalar'] as const
export type Build = (typeof builds)[number]

/** Of docs/engine.md; host and engine must agree. */
export const engineVersion = 1

export interface EngineExports extends PackExports {
  version(): number
  probe(at: number): number
  run(program: number, count: number, thread: number, threads: number): number
}

export interface Engine {
  readonly build: Build
  readonly exports: EngineExports
  readonly memory: WebAssembly.Memory
}

export const pageBytes = 65536
const maximumPages = 65536

export const pagesFor = (bytes: number): number => Math.ceil(bytes / pageBytes)

/**
 * Loads the best build that computes correctly here. What a runtime says of its features is not
 * believed: each build answers a known question first, and a wrong answer leads to the next one. A build
 * asked for by name is used or refused, never replaced.
 */
export async function loadEngine(bytes: number, wanted?: Build): Promise<Engine> {
  const candidates = wanted === undefined ? builds : [wanted]
  const failures: string[] = []
  for (const build of candidates) {
    const engine = await tryBuild(build, bytes)
    if (typeof engine !== 'string') return engine
    failures.push(`${build}: ${engine}`)
  }
  throw new OcellusError('E_ENGINE_BUILD', `no build of the engine works here (${failures.join('; ')})`)
}

/** The engine, or why this build can't be used here: also one that can't be instantiated, or traps. */
async function tryBuild(build: Build, bytes: number): Promise<Engine | string> {
  try {
    const module = await platform().loadEngine(build)
    const memory = createMemory(bytes)
    // Not by the loader's `instantiate`: it asks for `Response`, and Node takes 40 ms to load that.
    const instance = await WebAssembly.instantiate(module, { env: { memory } })
    const exports = demangle(instance.exports) as unknown as EngineExports
    const version = exports.version()
    if (version !== engineVersion) return `version ${version}, expected ${engineVersion}`
    const answer = exports.probe(pageBytes) >>> 0
    if (answer !== expectedProbe) return `a known computation gives ${answer} instead of ${expectedProbe}`
    return { build, exports, memory }
  } catch (cause) {
    if (cause instanceof OcellusError) throw cause
    return cause instanceof Error ? cause.message : String(cause)
  }
}

/** Room for the model, and for the probe's 4 KiB above the first page. */
function createMemory(bytes: number): WebAssembly.Memory {
  const initial = Math.max(2, pagesFor(bytes))
  try {
    return new WebAssembly.Memory({ initial, maximum: maximumPages })
  } catch (cause) {
    throw outOfMemory(initial * pageBytes, cause)
  }
}

export function outOfMemory(bytes: number, cause: unknown): OcellusError {
  const mib = Math.ceil(bytes / 2 ** 20)
  return new OcellusError(
    'E_ENGINE_MEMORY',
    `no ${mib} MiB of memory for the model: free some, or use a smaller input`,
    { cause },
  )
}
