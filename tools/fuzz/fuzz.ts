import { Worker } from 'node:worker_threads'
import type { Fault } from './case.js'
import type { Word, Work } from './worker.js'

export interface FuzzOptions {
  readonly target: string
  readonly seed: number
  /** Stop after this many seconds, or this many cases. */
  readonly seconds: number
  readonly cases?: number
}

export interface FuzzResult {
  readonly target: string
  readonly cases: number
  /** How many of them the target took. */
  readonly accepted: number
  readonly seconds: number
  readonly slowestMs: number
  readonly faults: readonly { readonly index: number; readonly fault: Fault }[]
}

/** A case that takes longer is a hang. */
export const hangMs = 5000
/** Of the worker's heap: a small file may not take more. */
const heapMb = 512
const lookMs = 50
const mostFaults = 20

/**
 * Fuzzes a target in a worker of its own, which a case that hangs or ends it cannot outlive: the
 * next worker goes on after that case.
 */
export async function fuzz({ target, seed, seconds, cases = 2 ** 31 - 1 }: FuzzOptions): Promise<FuzzResult> {
  const shared = new Int32Array(new SharedArrayBuffer(12))
  const faults: { index: number; fault: Fault }[] = []
  const start = performance.now()
  let next = 0
  while (next < cases && faults.length < mostFaults) {
    const left = seconds - (performance.now() - start) / 1000
    if (left <= 0) break
    const ended = await work({ target, seed, from: next, to: cases, seconds: left, shared }, faults)
    if (ended.fault) faults.push({ index: ended.at, fault: ended.fault })
    next = ended.fault ? ended.at + 1 : ended.at
  }
  return {
    target,
    cases: next,
    accepted: Atomics.load(shared, 1),
    seconds: (performance.now() - start) / 1000,
    slowestMs: Atomics.load(shared, 2) / 1000,
    faults,
  }
}

interface Ended {
  readonly at: number
  readonly fault?: Fault
}

function work(workerData: Work, faults: { index: number; fault: Fault }[]): Promise<Ended> {
  const { shared } = workerData
  Atomics.store(shared, 0, -1)
  const worker = new Worker(new URL('./worker.js', import.meta.url), {
    workerData,
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: heapMb },
  })
  return new Promise((resolve) => {
    const crash = (text: string): Ended => ({
      at: Math.max(workerData.from, Atomics.load(shared, 0)),
      fault: { kind: 'crash', text },
    })
    let [index, since] = [-1, 0]
    const end = (ended: Ended): void => {
      clearInterval(timer)
      worker.removeAllListeners()
      void worker.terminate()
      resolve(ended)
    }
    const timer = setInterval(() => {
      const at = Atomics.load(shared, 0)
      if (at !== index) [index, since] = [at, performance.now()]
      else if (at >= 0 && performance.now() - since > hangMs)
        end({ at, fault: { kind: 'hang', text: `more than ${hangMs} ms` } })
    }, lookMs)
    worker.on('message', (word: Word) => {
      if ('done' in word) end({ at: word.done })
      else faults.push(word)
    })
    worker.on('error', (error) => end(crash(String(error))))
    worker.on('exit', (code) => end(crash(`the worker ended with ${code}`)))
  })
}
