import { writeSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { caseBytes, tryCase } from './case.js'
import { targets } from './targets.js'
import { acceptedWord, caseWord, type Shared, slowestWord, type Word, type Work } from './words.js'

interface Told extends Work {
  readonly shared?: Shared
}

const { target, seed, from, to, seconds, shared }: Told = workerData ?? JSON.parse(process.argv[2])
const chosen = targets[target]
const seeds = chosen.seeds()
const end = performance.now() + seconds * 1000

function say(word: Word): void {
  if (shared === undefined) writeSync(3, `${JSON.stringify(word)}\n`)
  else if ('begins' in word) Atomics.store(shared, caseWord, word.begins)
  else if ('done' in word || word.fault !== undefined) parentPort?.postMessage(word)
  else if (word.accepted) Atomics.add(shared, acceptedWord, 1)
  if (shared !== undefined && 'ended' in word && word.micros > Atomics.load(shared, slowestWord))
    Atomics.store(shared, slowestWord, word.micros)
}

let index = from
for (; index < to && performance.now() < end; index++) {
  say({ begins: index })
  const before = performance.now()
  const result = await tryCase(chosen, caseBytes(seeds, seed, index))
  const micros = Math.round((performance.now() - before) * 1000)
  if (typeof result === 'boolean') say({ ended: index, accepted: result, micros })
  else say({ ended: index, accepted: false, micros, fault: result })
}
say({ done: index })
