import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { packageFolder } from '../../src/host/platform/node/package.js'
import type { Sample } from './child.js'
import { type Part, parts } from './parts.js'

export interface SoakOptions {
  readonly part: string
  /** It ends after so many seconds or rounds. */
  readonly seconds: number
  readonly rounds?: number
  /** Whether something else keeps the process alive. */
  readonly handle?: boolean
  /** The Node that runs it. Default: this one. */
  readonly node?: string
}

export interface SoakResult {
  readonly part: string
  readonly rounds: number
  readonly seconds: number
  readonly slowestMs: number
  readonly peakMiB: number
  /** Of the last tenth of the rounds over the second tenth: medians in MiB. */
  readonly growthMiB: number
  readonly samples: readonly Sample[]
  readonly faults: readonly string[]
}

/** A part that says nothing for so long hangs. */
const patienceMs = 120_000

/** Runs a part in a process of its own, which is ended where it hangs. */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  const { part, seconds, rounds = 2 ** 31, handle = false, node = process.execPath } = options
  const script = join(packageFolder, 'dist/tools/soak/child.js')
  const child = spawn(node, ['--expose-gc', script, part, String(seconds), String(rounds), String(handle)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const samples: Sample[] = []
  const faults: string[] = []
  let stderr = ''
  child.stderr.on('data', (text: Buffer) => {
    stderr = `${stderr}${text}`.slice(-2000)
  })
  const hang = (): NodeJS.Timeout =>
    setTimeout(() => {
      faults.push(
        `nothing for ${patienceMs / 1000} s after ${samples[samples.length - 1]?.rounds ?? 0} rounds`,
      )
      child.kill('SIGKILL')
    }, patienceMs)
  let timer = hang()
  createInterface(child.stdout).on('line', (line) => {
    clearTimeout(timer)
    timer = hang()
    samples.push(JSON.parse(line))
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', resolve)
  })
  clearTimeout(timer)
  if (code !== 0) faults.push(`it ended with ${code}: ${stderr.trim().split('\n').slice(0, 8).join(' ')}`)
  return { ...judge(part, parts[part], samples, faults), samples, faults }
}

/** Before so many, code is still being compiled, which takes memory once. */
const manyRounds = 10_000

function judge(
  name: string,
  { mostGrowth, mostPeak }: Part,
  samples: readonly Sample[],
  faults: string[],
): Omit<SoakResult, 'samples' | 'faults'> {
  const last = samples[samples.length - 1] ?? { rounds: 0, seconds: 0, rssMiB: 0, slowestMs: 0 }
  if (last.rounds === 0) faults.push('not one round')
  const between = (from: number, to: number): number =>
    median(
      samples
        .filter(({ rounds }) => rounds >= from * last.rounds && rounds <= to * last.rounds)
        .map(({ rssMiB }) => rssMiB),
    )
  const growthMiB = between(0.9, 1) - between(0.1, 0.2)
  const peakMiB = last.peakMiB ?? Math.max(0, ...samples.map(({ rssMiB }) => rssMiB))
  if (mostGrowth !== undefined && last.rounds >= manyRounds && growthMiB > mostGrowth)
    faults.push(`it grows by ${growthMiB.toFixed(1)} MiB; the most is ${mostGrowth}`)
  if (mostPeak !== undefined && peakMiB > mostPeak)
    faults.push(`it takes ${peakMiB.toFixed(0)} MiB at its peak; the most is ${mostPeak}`)
  const { rounds, seconds, slowestMs } = last
  return { part: name, rounds, seconds, slowestMs, peakMiB, growthMiB }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? Number.NaN
}
