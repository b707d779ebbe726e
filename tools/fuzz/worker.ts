import { parentPort, workerData } from 'node:worker_threads'
import { caseBytes, type Fault, tryCase } from './case.js'
import { targets } from './targets.js'

/** What a worker is told. */
export interface Work {
  readonly target: string
  readonly seed: number
  readonly from: number
  readonly to: number
  readonly seconds: number
  /**
   * Words that whoever waits may read: the case that runs (-1: none yet), how many the target took,
   * and the microseconds of the slowest.
   */
  readonly shared: Int32Array
}

/** What it tells: a fault of one case, or how far it came. */
export type Word = { readonly index: number; readonly fault: Fault } | { readonly done: number }

const { target, seed, from, to, seconds, shared }: Work = workerData
const chosen = targets[target]
const seeds = chosen.seeds()
const end = performance.now() + seconds * 1000
let index = from
for (; index < to && performance.now() < end; index++) {
  Atomics.store(shared, 0, index)
  const before = performance.now()
  const result = await tryCase(chosen, caseBytes(seeds, seed, index))
  const took = Math.round((performance.now() - before) * 1000)
  if (took > Atomics.load(shared, 2)) Atomics.store(shared, 2, took)
  if (result === true) Atomics.add(shared, 1, 1)
  else if (result !== false) parentPort?.postMessage({ index, fault: result } satisfies Word)
}
parentPort?.postMessage({ done: index } satisfies Word)
