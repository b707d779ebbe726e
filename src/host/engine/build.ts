import { demangle } from '@assemblyscript/loader'
import { OcellusError } from '../errors.js'
import { type Engine, type EngineExports, singleEngine } from './engine.js'
import { createMemory, EngineMemory, pageBytes } from './memory.js'
import { type Platform, platform } from './platform.js'
import { ThreadedEngine } from './pool.js'
import { expectedProbe } from './probe.js'
import { warnOnce } from './warn.js'

/**
 * Builds of the engine, the best first. All give the same bytes; they differ in speed. `relaxed` is tried for networks with
 * weights of 7 bits alone, which its products are for.
 */
export const builds = ['relaxed', 'simd', 'scalar'] as const
export type Build = (typeof builds)[number]

/** Those that there are for several threads as well. */
const threaded: ReadonlySet<string> = new Set<Build>(['relaxed', 'simd'])

/** Of docs/engine.md; host and engine must agree. */
export const engineVersion = 1

export interface EngineOptions {
  /** This build and no other. */
  readonly build?: Build
  /** The network has weights of 7 bits. */
  readonly narrow?: boolean
  readonly threads?: number
  readonly threadTimeoutMs?: number
}

/** A thread that does not come to the barrier for so long is lost: many times what the largest layer takes. */
const patienceMs = 10_000

/**
 * Loads the best build that computes correctly here. What a runtime says of its features is not
 * believed: each build answers a known question first, and a wrong answer leads to the next one. A build
 * asked for by name is used or refused, never replaced; several threads become one where they can't be had.
 */
export async function loadEngine(bytes: number, options: EngineOptions = {}): Promise<Engine> {
  const { build: wanted, narrow = false, threads = 1, threadTimeoutMs = patienceMs } = options
  const worthwhile = builds.filter((build) => build !== 'relaxed' || (narrow && !distrusted.has(build)))
  const candidates = wanted === undefined ? worthwhile : [wanted]
  const failures: string[] = []
  for (const build of candidates) {
    if (threads > 1 && threaded.has(build)) {
      const found = await tryBuild(build, bytes, true)
      if (typeof found !== 'string') {
        const recheck = await recheckOf(build, found.module, true)
        return new ThreadedEngine(build, found.module, found.memory, threads, threadTimeoutMs, recheck)
      }
      failures.push(`${build} with threads: ${found}`)
    }
    const found = await tryBuild(build, bytes, false)
    if (typeof found !== 'string') {
      if (threads > 1 && failures.length > 0)
        warnOnce(`the ${build} build is used, on one thread (${failures.join('; ')})`)
      const recheck = await recheckOf(build, found.module, false)
      return singleEngine(build, found.exports, new EngineMemory(found.memory), recheck)
    }
    failures.push(`${build}: ${found}`)
  }
  throw new OcellusError('E_ENGINE_BUILD', `no build of the engine works here (${failures.join('; ')})`)
}

/** Builds that stopped computing correctly in this process. */
const distrusted = new Set<Build>()

/**
 * A runtime compiles code anew when it has run for a while, and may then compute otherwise: it has been seen to get relaxed
 * products wrong in one of its compilers. What is returned asks the known question again, of the same code in memory
 * of its own. Undefined for builds whose arithmetic is specified to the bit.
 */
async function recheckOf(
  build: Build,
  module: WebAssembly.Module,
  threads: boolean,
): Promise<(() => void) | undefined> {
  if (build !== 'relaxed') return undefined
  const env = { memory: createMemory(0, threads), stalled: () => 1 }
  const { probe } = (await WebAssembly.instantiate(module, { env })).exports as unknown as EngineExports
  return () => {
    if (probe(pageBytes) >>> 0 === expectedProbe) return
    distrusted.add(build)
    throw new OcellusError(
      'E_ENGINE_BUILD',
      `the ${build} build computes wrongly since this runtime compiled it anew: create the session again, another build will be used`,
    )
  }
}

const compiled = new WeakMap<Platform, Map<string, Promise<WebAssembly.Module>>>()

/** A build's module, compiled once in a process or page, whatever the number of sessions. */
function moduleOf(build: Build, threads: boolean): Promise<WebAssembly.Module> {
  const here = platform()
  const modules = compiled.get(here) ?? new Map<string, Promise<WebAssembly.Module>>()
  compiled.set(here, modules)
  const key = `${build}${threads ? '-threads' : ''}`
  const known = modules.get(key)
  if (known !== undefined) return known
  const module = here.loadEngine(build, threads)
  modules.set(key, module)
  // What failed may work later, as when a server comes back.
  module.catch(() => modules.delete(key))
  return module
}

interface Found {
  readonly module: WebAssembly.Module
  readonly memory: WebAssembly.Memory
  readonly exports: EngineExports
}

/** The engine, or why this build can't be used here: also one that can't be instantiated, or traps. */
async function tryBuild(build: Build, bytes: number, threads: boolean): Promise<Found | string> {
  try {
    const module = await moduleOf(build, threads)
    const memory = createMemory(bytes, threads)
    const env = { memory, stalled: () => 1 }
    // Not by the loader's `instantiate`: it asks for `Response`, and Node takes 40 ms to load that.
    const instance = await WebAssembly.instantiate(module, { env })
    const exports = demangle(instance.exports) as unknown as EngineExports
    const version = exports.version()
    if (version !== engineVersion) return `version ${version}, expected ${engineVersion}`
    const answer = exports.probe(pageBytes) >>> 0
    if (answer !== expectedProbe) return `a known computation gives ${answer} instead of ${expectedProbe}`
    return { module, exports, memory }
  } catch (cause) {
    const refused = cause instanceof OcellusError && cause.code === 'E_ENGINE_MEMORY' && threads
    if (cause instanceof OcellusError && !refused) throw cause
    return cause instanceof Error ? cause.message : String(cause)
  }
}
