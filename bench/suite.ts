import { isInt8 } from '../src/host/graph/precision.js'
import type { Model } from '../src/host/graph/types.js'
import { verifyModel } from '../src/host/graph/verify.js'
import { packageFolder } from '../src/host/platform/node/package.js'
import { agreement } from './agreement.js'
import { coldStarts, nodeStarts } from './cold.js'
import type { Job, Peer, Values } from './contender.js'
import { describeMachine, describeSource, readConditions } from './machine.js'
import { fasterOf, measurePeaks } from './peak.js'
import { type FrameSize, jobFor, Preparation, type Prepared } from './prepare.js'
import { profileLayers } from './profile.js'
import { Remote, type Start, Unavailable } from './remote.js'
import type { Report, Result, Skipped } from './report/report.js'
import { resizeModel } from './resize.js'
import { interleave, type Timings } from './run.js'
import { measureSizes } from './sizes.js'

export interface SuiteOptions {
  readonly version: string
  /** Timed first; the ratios are to it. */
  readonly model: Model
  /** Timed in turn with the first, usually its float original. */
  readonly against?: Model
  readonly threads: readonly number[]
  readonly peers: readonly Peer[]
  readonly sizes: readonly FrameSize[]
  readonly frame: FrameSize
  readonly profile: boolean
  readonly runs: number
  readonly warmup: number
  readonly seconds: number
  /**
   * Processes started for each contender to measure its cold start; 0: only the one that was timed.
   */
  readonly cold: number
  readonly build?: string
  onProgress?(what: string, done: number, total: number): void
}

/** Seconds of running back to back, for the throughput. */
const steadySeconds = 1

/**
 * Everything about a model on this machine. Throws what our own engine throws; peers that can't run
 * are listed.
 */
export async function runSuite(options: SuiteOptions): Promise<Report> {
  // What is wrong with the words is said before the work starts.
  const resized = options.sizes.map(({ height, width }) => resizeModel(options.model, height, width))
  const started = new Date().toISOString()
  const before = readConditions()
  const peaks = await measurePeaks()
  const preparation = new Preparation()
  try {
    const { model } = options
    const models = [model, ...(options.against === undefined ? [] : [options.against])]
    const prepared = models.map((m) => preparation.model(m))
    const frame = model.graph.task.kind === 'detection' ? preparation.frame(options.frame) : undefined
    const { jobs, skipped } = lineUp(options, prepared, frame)
    const { results, absent } = await contest(jobs, options)
    const sizes = await measureSizes(preparation, resized, options)
    // Clocks drift while a bench runs: the faster of two measurements counts.
    const fastest = fasterOf(peaks, await measurePeaks())
    const layers = options.profile ? await profileLayers(prepared[0], fastest, options) : []
    const input = model.graph.tensors.find((t) => t.name === model.graph.inputs[0])!
    const macs = verifyModel(model).views.reduce((sum, { view, operator }) => sum + operator.macs(view), 0)
    return {
      machine: describeMachine(),
      source: describeSource(packageFolder),
      started,
      conditions: { before, after: readConditions() },
      model: model.graph.name,
      input: model.graph.preprocessing === undefined ? input.shape : input.shape.slice(1, 3),
      macs,
      frame: options.frame,
      runs: options.runs,
      warmup: options.warmup,
      peaks: fastest,
      ...(options.cold > 0 ? await nodeStarts(options.cold) : { nodeStartMs: null }),
      results,
      skipped: [...skipped, ...absent],
      sizes,
      layers,
    }
  } finally {
    preparation.close()
  }
}

/** Every contender that could run, and those that can't by their nature. */
function lineUp(
  { threads, peers, build, model }: SuiteOptions,
  prepared: readonly Prepared[],
  frame: Job['frame'],
): { jobs: Job[]; skipped: Skipped[] } {
  const jobs: Job[] = []
  const skipped: Skipped[] = []
  for (const count of threads) {
    for (const one of prepared) jobs.push(jobFor(one, 'ocellus', count, { build }))
    if (frame) jobs.push(jobFor(prepared[0], 'ocellus', count, { build, frame }))
  }
  for (const runtime of peers) {
    for (const count of threads) {
      for (const one of prepared) {
        const { precision } = one
        const why = unfit(runtime, precision, count)
        try {
          if (why !== undefined) skipped.push({ runtime, precision, threads: count, why })
          else for (const form of one.formsFor(runtime)) jobs.push(jobFor(one, runtime, count, {}, [form]))
        } catch (error) {
          const reason = error instanceof Error ? error.message : String(error)
          skipped.push({ runtime, precision, threads: count, why: reason })
        }
      }
    }
    if (!isInt8(model) || prepared.length > 1 || !floatOnly.includes(runtime)) continue
    const why = 'takes float networks: name one with --against'
    skipped.splice(-threads.length, threads.length, {
      runtime,
      precision: 'float32',
      threads: threads[0],
      why,
    })
  }
  return { jobs, skipped }
}

const floatOnly: readonly Peer[] = ['tfjs-wasm', 'opencv']

function unfit(runtime: Peer, precision: string, threads: number): string | undefined {
  if (precision === 'int8' && floatOnly.includes(runtime)) return 'does not run int8 networks'
  if (runtime === 'tfjs-wasm' && threads > 1) return 'has no threads in Node'
  return undefined
}

interface Entrant {
  readonly job: Job
  readonly remote: Remote
  readonly start: Start
}

async function contest(
  jobs: readonly Job[],
  options: SuiteOptions,
): Promise<{ results: Result[]; absent: Skipped[] }> {
  const entrants: Entrant[] = []
  const absent: Skipped[] = []
  const progress = (what: string) => (done: number, total: number) => options.onProgress?.(what, done, total)
  try {
    const starting = progress('loading')
    for (const [i, job] of jobs.entries()) {
      try {
        entrants.push({ job, ...(await Remote.start(job, options.version)) })
      } catch (error) {
        if (!(error instanceof Unavailable)) throw error
        const { runtime, precision, form, threads } = job
        absent.push({ runtime, precision, form, threads, why: error.message })
      }
      starting(i + 1, jobs.length)
    }
    const outputs = await Promise.all(entrants.map(outputsOf))
    const timings = await interleave(
      entrants.map(({ remote }) => remote),
      { ...options, onRun: progress('timing') },
    )
    const results: Result[] = []
    for (const [i, entrant] of entrants.entries()) {
      results.push(await finish(entrant, timings[i], compare(entrants, outputs, i), options.runs))
      progress('throughput')(i + 1, entrants.length)
    }
    const cold = await coldStarts(
      entrants.map(({ job }) => job),
      options.cold,
      options.version,
      progress('cold starts'),
    )
    return { results: withRatios(results, options.cold > 0 ? cold : undefined), absent }
  } finally {
    for (const { remote } of entrants) remote.kill()
  }
}

const outputsOf = ({ job, remote }: Entrant): Promise<Values> | undefined =>
  job.frame ? undefined : remote.outputs()

/** Against our own outputs of the same precision, with the fewest threads. */
function compare(
  entrants: readonly Entrant[],
  outputs: readonly (Values | undefined)[],
  index: number,
): Result['agreement'] {
  const { precision } = entrants[index].job
  const first = entrants.findIndex(({ job }) => job.runtime === 'ocellus' && job.precision === precision)
  const [reference, own] = [outputs[first], outputs[index]]
  if (first === index || reference === undefined || own === undefined) return undefined
  return agreement(reference, own) ?? null
}

async function finish(
  { job, remote, start }: Entrant,
  timings: Timings,
  found: Result['agreement'],
  runs: number,
): Promise<Result> {
  const perSecond = await remote.steady(steadySeconds)
  const memory = job.runtime === 'ocellus' ? await remote.memory() : undefined
  const phases = job.frame ? await remote.phases(Math.min(runs, 30)) : undefined
  const { runtime, precision, form, threads } = job
  const { version, build, loadMs, firstMs, coldStartMs } = start
  return {
    ...{ runtime, version, precision, threads, build, scope: job.frame ? 'frame' : 'network' },
    ...(form === undefined ? {} : { form }),
    ...timings,
    ...{ loadMs, firstMs, coldStartMs, perSecond, peakMiB: await remote.stop(), ratio: null },
    ...(found === undefined ? {} : { agreement: found }),
    ...(memory ? { memory } : {}),
    ...(phases ? { phases } : {}),
  }
}

function withRatios(results: readonly Result[], cold: readonly number[] | undefined): Result[] {
  const [{ precision }] = results
  return results.map((result, i) => {
    const ours = results.find(
      (r) =>
        r.runtime === 'ocellus' &&
        r.scope === 'network' &&
        r.precision === precision &&
        r.threads === result.threads,
    )
    const ratio = result.scope === 'network' && ours ? ours.medianMs / result.medianMs : null
    return { ...result, ratio, ...(cold ? { coldStartMs: cold[i] } : {}) }
  })
}
