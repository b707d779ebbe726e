import { pathToFileURL } from 'node:url'
import { parentPort, workerData } from 'node:worker_threads'
import { RandomStream } from '../../../src/host/tasks/random.js'
import type { Fault } from '../case.js'
import { mutant } from '../mutate.js'
import type { Bundle } from './bundle.js'
import { Coverage } from './coverage.js'
import { countersName } from './instrument.js'

/** What a guided worker is told. */
export interface GuidedWork {
  readonly bundle: Bundle
  readonly target: string
  readonly seed: number
  readonly seconds: number
  readonly cases: number
  /** Whether it begins with the seeds alone, without the corpus that is kept. */
  readonly fresh: boolean
  /** Inputs that earlier workers have found. */
  readonly found: readonly Uint8Array[]
  /** [cases, accepted, microseconds of the slowest, bytes of the case that runs] */
  readonly shared: Int32Array
  /** The case that runs. */
  readonly current: Uint8Array
}

export type GuidedWord =
  | { readonly found: Uint8Array }
  | { readonly fault: Fault; readonly bytes: Uint8Array }
  | { readonly corpus: readonly Uint8Array[]; readonly reached: number }

/** Larger ones are not kept: their mutants would take long, and hold little that is new. */
const mostBytes = 1 << 18
/** The last ones found are changed as often as all others together. */
const latest = 32

const { bundle, target, seed, seconds, cases, fresh, found, shared, current }: GuidedWork = workerData
const { corpusOf, targets, tryCase }: typeof import('./entry.js') = await import(
  pathToFileURL(bundle.file).href
)
const counters = countersOf(Reflect.get(globalThis, countersName))
const chosen = targets[target]
const say = (word: GuidedWord): void => parentPort?.postMessage(word)

/** Runs a case and tells whether it was taken, or the fault. */
async function run(bytes: Uint8Array): Promise<boolean | Fault> {
  current.set(bytes.subarray(0, current.length))
  Atomics.store(shared, 3, bytes.length)
  Atomics.add(shared, 0, 1)
  counters.fill(0, 0, bundle.blocks)
  const before = performance.now()
  const result = await tryCase(chosen, bytes)
  const micros = Math.round((performance.now() - before) * 1000)
  if (micros > Atomics.load(shared, 2)) Atomics.store(shared, 2, micros)
  if (result === true) Atomics.add(shared, 1, 1)
  return result
}

const coverage = new Coverage(bundle.blocks)
const given = [...chosen.seeds(), ...(fresh ? [] : corpusOf(target))]
const corpus = [...given, ...found]
for (const bytes of corpus) {
  await run(bytes)
  coverage.add(counters)
}
const random = new RandomStream(
  (Math.imul(seed + 1, 0x85ebca6b) ^ Math.imul(found.length + 1, 0x9e3779b1)) >>> 0,
)
const end = performance.now() + seconds * 1000
while (Atomics.load(shared, 0) < cases && performance.now() < end) {
  const bytes = mutant(random.below(2) === 0 ? corpus : corpus.slice(-latest), random)
  const result = await run(bytes)
  const isNew = coverage.add(counters)
  if (typeof result !== 'boolean') say({ fault: result, bytes })
  else if (isNew && bytes.length <= mostBytes) {
    corpus.push(bytes)
    say({ found: bytes })
  }
}

// The fewest and smallest that reach the same, beside what is given each time.
const kept = new Coverage(bundle.blocks)
for (const bytes of chosen.seeds()) {
  await run(bytes)
  kept.add(counters)
}
const least: Uint8Array[] = []
for (const bytes of corpus.slice(chosen.seeds().length).sort((a, b) => a.length - b.length)) {
  await run(bytes)
  if (kept.add(counters)) least.push(bytes)
}
say({ corpus: least, reached: coverage.reached })

function countersOf(found: unknown): Uint8Array {
  if (found instanceof Uint8Array) return found
  throw new Error('the bundle has no counters')
}
