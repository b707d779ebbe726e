import { type Histogram, histogram, type Summary, summarize } from './statistics.js'

/** Something that does its work once and says how many milliseconds that took. */
export interface Timed {
  time(): Promise<number>
}

export interface RunOptions {
  readonly warmup: number
  readonly runs: number
  /**
   * No new round starts after this many seconds, if five were timed: slow boards are not kept for
   * hours.
   */
  readonly seconds: number
  readonly onRun?: (done: number, total: number) => void
}

export type Timings = Summary & { readonly histogram: Histogram }

/** Rounds that are timed whatever the seconds say. */
const leastRounds = 5
/**
 * Worker threads that still spin from the last run, ours for 4 ms, would slow the next contender
 * down; longer, and processors go to sleep too.
 */
const settleMs = 5

/**
 * Times contenders in turn, A B C A B C ..., so that a machine whose speed drifts favours none of
 * them. Their ratios then mean something even where the absolute times do not.
 */
export async function interleave(contenders: readonly Timed[], options: RunOptions): Promise<Timings[]> {
  const times = contenders.map(() => [] as number[])
  const rounds = options.warmup + options.runs
  const start = performance.now()
  for (let round = 0; round < rounds; round++) {
    const timed = round - options.warmup
    if (timed >= leastRounds && performance.now() - start > options.seconds * 1000) break
    for (const [i, contender] of contenders.entries()) {
      await new Promise((resolve) => setTimeout(resolve, settleMs))
      const ms = await contender.time()
      if (timed >= 0) times[i].push(ms)
    }
    options.onRun?.(round + 1, rounds)
  }
  return times.map((values) => ({ ...summarize(values), histogram: histogram(values) }))
}
