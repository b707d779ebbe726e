import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { Worker } from 'node:worker_threads'
import { packageFolder } from '../../src/host/platform/node/package.js'
import type { Fault } from './case.js'
import { targets } from './targets.js'
import { acceptedWord, caseWord, slowestWord, type Word, type Work } from './words.js'

export interface FuzzOptions {
  readonly target: string
  readonly seed: number
  /** Stop after this many seconds, or this many cases. */
  readonly seconds: number
  readonly cases?: number
}

export interface FoundFault {
  readonly index: number
  readonly fault: Fault
}

export interface FuzzResult {
  readonly target: string
  readonly cases: number
  /** How many of them the target took. */
  readonly accepted: number
  readonly seconds: number
  readonly slowestMs: number
  readonly faults: readonly FoundFault[]
}

/** A case that takes longer is a hang. */
export const hangMs = 5000
/** Of the worker's heap: a small file may not take more. */
const heapMb = 512
const lookMs = 50
const mostFaults = 20
/** As compiled: neither a thread nor a process runs TypeScript. */
const workerFile = join(packageFolder, 'dist', 'tools', 'fuzz', 'worker.js')

/** What is known of the cases so far. */
interface Seen {
  /** The case that runs; -1: none yet. */
  at: number
  accepted: number
  slowestMicros: number
  readonly faults: FoundFault[]
}

/** A worker that goes through cases. */
interface Running {
  /** Settles with how far it came, or why it ended before. */
  readonly ended: Promise<{ readonly done: number } | { readonly crash: string }>
  /** Brings what is known up to date. */
  look(): void
  stop(): void
}

/**
 * Fuzzes a target in a worker of its own, which a case that hangs or ends it cannot outlive: the
 * next worker goes on after that case. The worker is a thread, or a process where native code is
 * at work.
 */
export async function fuzz({ target, seed, seconds, cases = 2 ** 31 - 1 }: FuzzOptions): Promise<FuzzResult> {
  const seen: Seen = { at: -1, accepted: 0, slowestMicros: 0, faults: [] }
  const start = performance.now()
  let next = 0
  while (next < cases && seen.faults.length < mostFaults) {
    const left = seconds - (performance.now() - start) / 1000
    if (left <= 0) break
    seen.at = -1
    const told: Work = { target, seed, from: next, to: cases, seconds: left }
    const running = targets[target].native ? inProcess(told, seen) : inThread(told, seen)
    const { at, fault } = await watch(running, seen, next)
    if (fault !== undefined) seen.faults.push({ index: at, fault })
    next = fault === undefined ? at : at + 1
  }
  return {
    target,
    cases: next,
    accepted: seen.accepted,
    seconds: (performance.now() - start) / 1000,
    slowestMs: seen.slowestMicros / 1000,
    faults: seen.faults,
  }
}

/** Waits until a worker has ended or one of its cases takes too long. */
async function watch(
  running: Running,
  seen: Seen,
  from: number,
): Promise<{ readonly at: number; readonly fault?: Fault }> {
  let [index, since] = [-1, 0]
  let timer: NodeJS.Timeout | undefined
  const hung = new Promise<'hung'>((resolve) => {
    timer = setInterval(() => {
      running.look()
      if (seen.at !== index) [index, since] = [seen.at, performance.now()]
      else if (seen.at >= 0 && performance.now() - since > hangMs) resolve('hung')
    }, lookMs)
  })
  const outcome = await Promise.race([running.ended, hung])
  clearInterval(timer)
  running.look()
  running.stop()
  if (outcome === 'hung') return { at: seen.at, fault: { kind: 'hang', text: `more than ${hangMs} ms` } }
  if ('done' in outcome) return { at: outcome.done }
  return { at: Math.max(from, seen.at), fault: { kind: 'crash', text: outcome.crash } }
}

function inThread(told: Work, seen: Seen): Running {
  const shared = new Int32Array(new SharedArrayBuffer(12))
  shared[caseWord] = -1
  const acceptedBefore = seen.accepted
  const worker = new Worker(workerFile, {
    workerData: { ...told, shared },
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: heapMb },
  })
  return {
    ended: new Promise((resolve) => {
      worker.on('message', (word: Word) => {
        if ('done' in word) resolve(word)
        else if ('ended' in word && word.fault !== undefined)
          seen.faults.push({ index: word.ended, fault: word.fault })
      })
      worker.on('error', (error) => resolve({ crash: String(error) }))
      worker.on('exit', (code) => resolve({ crash: `the worker ended with ${code}` }))
    }),
    look() {
      seen.at = Atomics.load(shared, caseWord)
      seen.accepted = acceptedBefore + Atomics.load(shared, acceptedWord)
      seen.slowestMicros = Math.max(seen.slowestMicros, Atomics.load(shared, slowestWord))
    },
    stop() {
      worker.removeAllListeners()
      void worker.terminate()
    },
  }
}

function inProcess(told: Work, seen: Seen): Running {
  const words = [`--max-old-space-size=${heapMb}`, workerFile, JSON.stringify(told)]
  const child = spawn(process.execPath, words, { stdio: ['ignore', 'ignore', 'pipe', 'pipe'] })
  let stderr = ''
  child.stderr?.on('data', (text: Buffer) => {
    stderr = `${stderr}${text}`.slice(-1000)
  })
  let done: number | undefined
  createInterface(child.stdio[3] as Readable).on('line', (line) => {
    const word: Word = JSON.parse(line)
    if ('begins' in word) seen.at = word.begins
    else if ('done' in word) done = word.done
    else {
      if (word.accepted) seen.accepted++
      seen.slowestMicros = Math.max(seen.slowestMicros, word.micros)
      if (word.fault !== undefined) seen.faults.push({ index: word.ended, fault: word.fault })
    }
  })
  return {
    ended: new Promise((resolve) => {
      child.on('error', (error) => resolve({ crash: String(error) }))
      child.on('close', (code, signal) =>
        resolve(
          done === undefined ? { crash: `it ended with ${signal ?? code}: ${stderr.trim()}` } : { done },
        ),
      )
    }),
    look() {},
    stop: () => void child.kill('SIGKILL'),
  }
}
