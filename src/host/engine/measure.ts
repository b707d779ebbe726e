import { type NodeView, roundUp } from '../graph/descriptor.js'
import type { VerifiedModel } from '../graph/verify.js'
import { type Candidate, candidatesOf, cheapest } from '../plan/kernels.js'
import { programStart } from '../plan/plan.js'
import { encode } from '../program/encode.js'
import { instructionBytes } from '../program/instruction.js'
import type { EngineExports } from './engine.js'
import type { LinearMemory } from './memory.js'
import { sampleKey, sampleOf } from './sample.js'

/** What is measured on: one thread of a build, in memory of its own. */
export interface Bench {
  readonly exports: EngineExports
  readonly memory: LinearMemory
}

/**
 * A kernel must be so much faster than the one that is expected to be fastest, lest noise decides.
 */
const margin = 0.8
const rounds = 3

/** A layer of each kind, by its key, with the kernels that there are for it. */
export type Kinds = ReadonlyMap<
  string,
  { readonly view: NodeView; readonly candidates: readonly Candidate[] }
>

/**
 * Layers between whose kernels there is a choice, one of each kind, those first that take most of
 * the time.
 */
export function choices(model: VerifiedModel): Kinds {
  const found = new Map<string, { view: NodeView; candidates: readonly Candidate[]; macs: number }>()
  for (const { view, operator } of model.views) {
    const candidates = candidatesOf(view, operator)
    if (candidates.length < 2) continue
    const key = sampleKey(view, candidates)
    const macs = (found.get(key)?.macs ?? 0) + operator.macs(view)
    found.set(key, { view, candidates, macs })
  }
  return new Map([...found].sort(([, a], [, b]) => b.macs - a.macs))
}

/**
 * The fastest kernel for each kind of layer that can be measured within `budgetMs`, by its key.
 * Candidates take turns and the best time of each counts, scaled from the sample to the layer. The
 * kind of most work is measured in any case, by as few turns as tell something: a machine whose
 * budget is spent before that would measure nothing, time after time.
 */
export function measureKernels(
  bench: Bench,
  kinds: Kinds,
  budgetMs: number,
  now: () => number,
): Map<string, string> {
  const end = now() + budgetMs
  const time = (entry: { readonly run: () => void; best: number }): void => {
    const start = now()
    entry.run()
    entry.best = Math.min(entry.best, now() - start)
  }
  const fastest = new Map<string, string>()
  if (budgetMs <= 0) return fastest
  for (const [key, { view, candidates }] of kinds) {
    const least = fastest.size === 0 ? 2 : 0
    if (least === 0 && now() >= end) break
    const sample = sampleOf(view)
    const prepare = layOut(bench)
    const runs = candidates.map((candidate) => ({
      candidate,
      run: prepare(sample, candidate),
      best: Number.POSITIVE_INFINITY,
    }))
    let round = 0
    for (; round < rounds && (round < least || now() < end); round++) {
      const lead = Math.min(...runs.map(({ best }) => best))
      for (const entry of runs) {
        // What is far behind after a round will not win.
        if (round > 1 && entry.best > 2 * lead) continue
        // The first run warms caches, and maybe the compiler.
        if (round > 0) time(entry)
        else entry.run()
      }
    }
    if (round < 2) break
    const cost = ({ candidate, best }: (typeof runs)[number]): number =>
      (best * candidate.cost(view)) / candidate.cost(sample)
    const expected = cheapest(view, candidates)
    const known = runs.find(({ candidate }) => candidate.name === expected.name)!
    const first = runs.reduce((best, next) => (cost(next) < cost(best) ? next : best))
    // Whoever was interrupted looks slow: what would decide against the expected one has to be seen
    // again.
    for (let again = 0; again < rounds && cost(first) < margin * cost(known); again++) {
      time(known)
      time(first)
    }
    const wins = cost(first) < margin * cost(known)
    fastest.set(key, wins ? first.candidate.name : expected.name)
  }
  return fastest
}

/**
 * Lays samples out in the bench's memory, one kernel's after the other's; returns what runs this
 * one.
 */
export function layOut({ exports, memory }: Bench): (view: NodeView, candidate: Candidate) => () => void {
  let next = programStart + instructionBytes
  const take = (bytes: number): number => {
    const at = next
    next = roundUp(at + bytes + 64, 64)
    const missing = Math.ceil(next / 65536) - memory.buffer.byteLength / 65536
    if (missing > 0) memory.grow(missing)
    // Zeros, which no kernel is slower with: left-overs read as float32 could be denormal.
    new Uint8Array(memory.buffer, at, bytes).fill(0)
    return at
  }
  const place = ({ shape, dtype }: NodeView['output']) => {
    const stride = roundUp(shape[3] * (dtype === 'float32' ? 4 : 1), 64)
    return { address: take(shape[1] * shape[2] * stride), stride }
  }
  return (view, candidate) => {
    const [input, output] = [place(view.inputs[0]), place(view.output)]
    const blocks = new Map(candidate.blocks(view).map(({ role, bytes }) => [role, take(bytes)]))
    const scratch = take(candidate.scratchBytes(view))
    const placement = { input: () => input, output, block: (role: string) => blocks.get(role)!, scratch }
    const words = encode(candidate.emit(view, placement))
    return () => {
      new Int32Array(memory.buffer, programStart, words.length).set(words)
      exports.run(programStart, 1, 0, 1)
    }
  }
}
