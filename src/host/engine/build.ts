import { OcellusError } from '../errors.js'
import { numbers } from '../program/sizes.js'
import { type Build, builds, type Engine, singleEngine } from './engine.js'
import { EngineMemory, pageBytes } from './memory.js'
import { platform } from './platform.js'
import { expectedProbe } from './probe.js'
import { warnOnce } from './warn.js'

/** The builds that exist for several threads as well. */
const threaded: ReadonlySet<string> = new Set<Build>(['relaxed', 'simd'])

export interface EngineOptions {
  /** Use this build and no other. */
  readonly build?: Build
  /** The network has weights of 7 bits. */
  readonly narrow?: boolean
  readonly threads?: number
  readonly threadTimeoutMs?: number
  /** Threads that turn out to slow the engine down are left out until they help again. */
  readonly watched?: boolean
}

export interface LoadedEngine extends Engine {
  readonly build: Build
  /** Throws when the build no longer computes as it did; undefined where that can't be. */
  readonly recheck?: () => void
}

/**
 * A thread that does not come to the barrier for so long is lost: this is many times what the
 * largest layer takes.
 */
const patienceMs = 10_000

/**
 * Loads the best build that computes correctly here. What a runtime says of its features is not
 * believed: each build answers a known question first, and a wrong answer leads to the next one. A
 * build asked for by name is used or refused, never replaced; several threads become one where they
 * can't be had.
 */
export async function loadEngine(bytes: number, options: EngineOptions = {}): Promise<LoadedEngine> {
  const {
    build: wanted,
    narrow = false,
    threads = 1,
    threadTimeoutMs = patienceMs,
    watched = false,
  } = options
  const worthwhile = builds.filter((build) => build !== 'relaxed' || (narrow && !distrusted.has(build)))
  const candidates = wanted === undefined ? worthwhile : [wanted]
  const failures: string[] = []
  for (const build of candidates) {
    if (threads > 1 && threaded.has(build)) {
      const found = await tryBuild(build, bytes, threads, threadTimeoutMs, watched)
      if (typeof found !== 'string') return found
      failures.push(`${build} with threads: ${found}`)
    }
    const found = await tryBuild(build, bytes, 1, threadTimeoutMs, watched)
    if (typeof found !== 'string') {
      if (threads > 1 && failures.length > 0)
        warnOnce(`the ${build} build is used, on one thread (${failures.join('; ')})`)
      return found
    }
    failures.push(`${build}: ${found}`)
  }
  throw new OcellusError('E_ENGINE_BUILD', `no build of the engine works here (${failures.join('; ')})`)
}

/** Builds that stopped computing correctly in this process. */
const distrusted = new Set<Build>()

async function start(
  build: Build,
  bytes: number,
  threads: number,
  timeoutMs: number,
  watched: boolean,
): Promise<Engine> {
  const here = platform()
  if (threads > 1 && here.threads !== undefined)
    return here.threads.start(build, bytes, threads, timeoutMs, watched)
  const { exports, memory } = await here.instantiate(build, bytes)
  return singleEngine(exports, new EngineMemory(memory))
}

/**
 * The engine, or why this build can't be used here: also one that can't be instantiated, or traps.
 */
async function tryBuild(
  build: Build,
  bytes: number,
  threads: number,
  timeoutMs: number,
  watched: boolean,
): Promise<LoadedEngine | string> {
  try {
    const engine = await start(build, bytes, threads, timeoutMs, watched)
    const { exports } = engine
    const version = exports.version()
    if (version !== numbers.programVersion) return `version ${version}, expected ${numbers.programVersion}`
    const answer = exports.probe(pageBytes) >>> 0
    if (answer !== expectedProbe) return `a known computation gives ${answer} instead of ${expectedProbe}`
    // Builds whose arithmetic is specified to the bit need no second look.
    const recheck =
      build === 'relaxed' ? recheckOf(build, await start(build, 0, threads, timeoutMs, false)) : undefined
    return Object.assign(engine, { build, recheck })
  } catch (cause) {
    const refused = cause instanceof OcellusError && cause.code === 'E_ENGINE_MEMORY' && threads > 1
    if (cause instanceof OcellusError && !refused) throw cause
    return cause instanceof Error ? cause.message : String(cause)
  }
}

/**
 * A runtime compiles code anew when it has run for a while, and may then compute otherwise: relaxed
 * products have been seen to be wrong in one of its compilers. The function returned asks the known
 * question again, of the same code in memory of its own.
 */
function recheckOf(build: Build, twin: Engine): () => void {
  return () => {
    if (twin.exports.probe(pageBytes) >>> 0 === expectedProbe) return
    distrusted.add(build)
    throw new OcellusError(
      'E_ENGINE_BUILD',
      `the ${build} build computes wrongly since this runtime compiled it anew: create the session again, another build will be used`,
    )
  }
}
