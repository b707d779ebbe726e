import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { packageFolder } from '../../../src/host/platform/node/package.js'
import type { Fault } from '../case.js'
import { hangMs } from '../fuzz.js'
import type { Bundle } from './bundle.js'
import type { GuidedWord, GuidedWork } from './worker.js'

export interface GuidedOptions {
  readonly bundle: Bundle
  readonly target: string
  readonly seed: number
  readonly seconds: number
  readonly cases?: number
  /** Begin with the seeds alone, without the corpus that is kept. */
  readonly fresh?: boolean
}

export interface GuidedResult {
  readonly target: string
  readonly cases: number
  readonly accepted: number
  readonly seconds: number
  readonly slowestMs: number
  /** Blocks that ran, of all that the bundle has. */
  readonly reached: number
  /** The fewest inputs that reach what was reached, beside the seeds. */
  readonly corpus: readonly Uint8Array[]
  readonly faults: readonly { readonly fault: Fault; readonly bytes: Uint8Array }[]
}

const mostFaults = 20
const mostCaseBytes = 4 << 20
const workerFile = join(packageFolder, 'dist', 'tools', 'fuzz', 'guided', 'worker.js')

/**
 * Fuzzes a target with what has reached something new: such an input is changed further. What a
 * case that hangs or ends the worker has found before is not lost.
 */
export async function fuzzGuided(options: GuidedOptions): Promise<GuidedResult> {
  const { bundle, target, seed, seconds, cases = 2 ** 31 - 1, fresh = false } = options
  const shared = new Int32Array(new SharedArrayBuffer(16))
  const current = new Uint8Array(new SharedArrayBuffer(mostCaseBytes))
  const found: Uint8Array[] = []
  const faults: { fault: Fault; bytes: Uint8Array }[] = []
  let [corpus, reached] = [[] as readonly Uint8Array[], 0]
  const start = performance.now()
  const passed = (): number => (performance.now() - start) / 1000
  while (passed() < seconds && Atomics.load(shared, 0) < cases && faults.length < mostFaults) {
    const work: GuidedWork = {
      bundle,
      target,
      seed,
      seconds: seconds - passed(),
      cases,
      fresh,
      found,
      shared,
      current,
    }
    const end = await watch(work, found, faults)
    if ('corpus' in end) {
      corpus = end.corpus
      reached = end.reached
      break
    }
    faults.push({ fault: end, bytes: current.slice(0, Atomics.load(shared, 3)) })
  }
  return {
    target,
    cases: Atomics.load(shared, 0),
    accepted: Atomics.load(shared, 1),
    seconds: passed(),
    slowestMs: Atomics.load(shared, 2) / 1000,
    reached,
    corpus,
    faults,
  }
}

type End = Extract<GuidedWord, { corpus: unknown }> | Fault

function watch(
  workerData: GuidedWork,
  found: Uint8Array[],
  faults: { fault: Fault; bytes: Uint8Array }[],
): Promise<End> {
  const worker = new Worker(workerFile, {
    workerData,
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 1024 },
  })
  return new Promise((resolve) => {
    let [index, since] = [-1, 0]
    const end = (result: End): void => {
      clearInterval(timer)
      worker.removeAllListeners()
      void worker.terminate()
      resolve(result)
    }
    const timer = setInterval(() => {
      const at = Atomics.load(workerData.shared, 0)
      if (at !== index) [index, since] = [at, performance.now()]
      else if (at > 0 && performance.now() - since > hangMs)
        end({ kind: 'hang', text: `more than ${hangMs} ms` })
    }, 50)
    worker.on('message', (word: GuidedWord) => {
      if ('found' in word) found.push(word.found)
      else if ('fault' in word) faults.push(word)
      else end(word)
    })
    worker.on('error', (error) => end({ kind: 'crash', text: String(error) }))
    worker.on('exit', (code) => end({ kind: 'crash', text: `the worker ended with ${code}` }))
  })
}
