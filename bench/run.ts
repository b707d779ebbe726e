import { type Summary, summarize } from './statistics.js'

/** One runtime with a network loaded: `run` is one inference on a fixed input. */
export interface Contender {
  readonly runtime: string
  readonly version: string
  readonly precision: 'int8' | 'float32'
  readonly build: string
  readonly threads: number
  /** Time to load the model, until the first inference could start. */
  readonly loadMs: number
  run(): Promise<void> | void
  close(): Promise<void> | void
}

export interface Result extends Summary {
  readonly runtime: string
  readonly version: string
  readonly precision: string
  readonly build: string
  readonly threads: number
  readonly loadMs: number
  /** The first inference, before anything was compiled to its fastest form. */
  readonly firstMs: number
  /** From a model in memory to the first result: loading and the first inference. */
  readonly coldStartMs: number
  /** Most memory that the process held, in MiB; null where several runtimes shared it. */
  readonly peakMiB: number | null
}

export interface RunOptions {
  readonly warmup: number
  readonly runs: number
  readonly onRun?: (done: number, total: number) => void
}

/**
 * Times contenders in turn, A B C A B C ..., so that a machine whose speed drifts favours none of them. Their
 * ratios then mean something even where the absolute times do not.
 */
export async function interleave(contenders: readonly Contender[], options: RunOptions): Promise<Result[]> {
  const times = contenders.map(() => [] as number[])
  const first: number[] = []
  const rounds = options.warmup + options.runs
  for (let round = 0; round < rounds; round++) {
    for (const [i, contender] of contenders.entries()) {
      const start = performance.now()
      await contender.run()
      const ms = performance.now() - start
      if (round === 0) first.push(ms)
      if (round >= options.warmup) times[i].push(ms)
    }
    options.onRun?.(round + 1, rounds)
  }
  return contenders.map((contender, i) => {
    const { runtime, version, precision, build, threads, loadMs } = contender
    return {
      runtime,
      version,
      precision,
      build,
      threads,
      loadMs,
      firstMs: first[i],
      coldStartMs: loadMs + first[i],
      peakMiB: contenders.length === 1 ? process.resourceUsage().maxRSS / 1024 : null,
      ...summarize(times[i]),
    }
  })
}
