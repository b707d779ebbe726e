import { spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import type { Job } from './contender.js'
import { Remote } from './remote.js'
import { median } from './statistics.js'

/**
 * From the start of a process to its first result: each job `times` times in turn, with nothing else running. The
 * system has the files in its cache by then, as after any recent use.
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

/** The same of Node with an empty script: what no JavaScript runtime can be faster than. */
export async function nodeStart(times: number): Promise<number> {
  const script = 'require("fs").writeSync(3, String(performance.timeOrigin + performance.now()))'
  const found: number[] = []
  for (let i = 0; i < times; i++) {
    const begin = performance.timeOrigin + performance.now()
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'ignore', 'ignore', 'pipe'] })
    found.push(Number(await text(child.stdio[3] as Readable)) - begin)
  }
  return median(found)
}
