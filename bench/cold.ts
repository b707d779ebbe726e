import { spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { packageFolder } from '../src/host/platform/node/package.js'
import type { Job } from './contender.js'
import { Remote } from './remote.js'
import { median } from './statistics.js'

/**
 * From the start of a process to its first result: each job `times` times in turn, with nothing
 * else running. The system has the files in its cache by then, as after any recent use.
 */
export async function coldStarts(
  jobs: readonly Job[],
  times: number,
  version: string,
  onRun?: (done: number, total: number) => void,
): Promise<number[]> {
  const found = jobs.map(() => [] as number[])
  for (let round = 0; round < times; round++) {
    for (const [i, job] of jobs.entries()) {
      const { remote, start } = await Remote.start(job, version)
      remote.kill()
      found[i].push(start.coldStartMs)
      onRun?.(round * jobs.length + i + 1, times * jobs.length)
    }
  }
  return found.map(median)
}

/** What a process writes when it has its first result. */
const tell = "require('node:fs').writeSync(3, String(performance.timeOrigin + performance.now()))"

/** A user's shortest program, with a picture's file or with its pixels. */
const detecting = (image: string): string => `
  const { pathToFileURL } = require('node:url')
  import(pathToFileURL(${JSON.stringify(join(packageFolder, 'dist', 'ocellus.js'))})).then(async ({ Detector }) => {
    const detector = await Detector.create()
    await detector.detect(${image})
    ${tell}
    process.exit()
  }, () => process.exit(1))`

const programs = {
  node: tell,
  file: detecting(JSON.stringify(join(packageFolder, 'samples', 'cat.jpg'))),
  pixels: detecting('{ width: 451, height: 300, data: new Uint8Array(451 * 300 * 4).fill(99) }'),
} as const

export interface NodeStarts {
  /** An empty script: what no JavaScript runtime can be faster than. */
  readonly nodeStartMs: number
  /**
   * The package's detector, by `Detector.create()`, to its first result; null where that fails, as
   * without a canvas.
   */
  readonly detectorStartMs: { readonly file: number | null; readonly pixels: number | null }
}

/** From the start of Node to the end of an empty script, and to a first detection, in turn. */
export async function nodeStarts(times: number): Promise<NodeStarts> {
  const names = Object.keys(programs) as (keyof typeof programs)[]
  const found = names.map(() => [] as number[])
  for (let i = 0; i < times; i++) {
    for (const [n, name] of names.entries()) found[n].push(await startOf(programs[name]))
  }
  const [node, file, pixels] = found.map((list) => {
    const middle = median(list)
    return Number.isFinite(middle) ? middle : null
  })
  return { nodeStartMs: node ?? 0, detectorStartMs: { file, pixels } }
}

/** Milliseconds until a script tells that it is done; NaN when it does not. */
async function startOf(script: string): Promise<number> {
  const begin = performance.timeOrigin + performance.now()
  const child = spawn(process.execPath, [...process.execArgv, '-e', script], {
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  })
  const told = await text(child.stdio[3] as Readable)
  return told === '' ? Number.NaN : Number(told) - begin
}
