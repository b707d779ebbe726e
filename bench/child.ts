/**
 * node child.js job.json: one contender in a process of its own, so that its start, its memory and its failures are its
 * own. Commands come on stdin, one a line; answers go to file descriptor 3, a JSON object a line,
 * as stdout is any runtime's to chat on. opencv.py speaks the same.
 */
import { readFileSync, writeFileSync, writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Job, Loaded } from './contender.js'
import type { LoadedOcellus } from './ocellus.js'
import { loadRuntime } from './peers/load.js'

const answer = (fields: Readonly<Record<string, unknown>>): void => {
  writeSync(3, `${JSON.stringify(fields)}\n`)
}

async function timed(work: () => Promise<unknown> | unknown): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

async function main(file: string, version: string): Promise<void> {
  const job = JSON.parse(readFileSync(file, 'utf8')) as Job
  const start = performance.now()
  const loaded = await loadRuntime(job, version)
  const loadMs = performance.now() - start
  const firstMs = await timed(loaded.run)
  const at = performance.timeOrigin + performance.now()
  answer({ version: loaded.version, build: loaded.build, loadMs, firstMs, at })
  await loaded.settle?.()
  for await (const line of createInterface({ input: process.stdin })) {
    const [word, ...rest] = line.split(' ')
    if (word === 'stop') break
    answer(await obey(loaded, word, rest, job))
  }
  await loaded.close()
  answer({ peakMiB: peakMiB() })
}

async function obey(
  loaded: Loaded,
  word: string,
  rest: readonly string[],
  job: Job,
): Promise<Readonly<Record<string, unknown>>> {
  const ours = loaded as LoadedOcellus
  switch (word) {
    case 'run':
      return { ms: await timed(loaded.run) }
    case 'steady':
      return steady(loaded, Number(rest[0]))
    case 'outputs': {
      const values = await loaded.outputs()
      job.outputs.forEach(({ name }, i) => {
        writeFileSync(rest[i], values.get(name)!)
      })
      return { written: rest.length }
    }
    case 'memory':
      return { ...ours.memory() }
    case 'profile':
      return { layers: ours.profile(Number(rest[0])) }
    case 'phases':
      return { ...ours.phases(Number(rest[0])) }
    default:
      throw new Error(`no command ${word}`)
  }
}

/** Back to back for some seconds: how many a second, once nothing else runs between them. */
async function steady(loaded: Loaded, seconds: number): Promise<{ runs: number; ms: number }> {
  const start = performance.now()
  let runs = 0
  while (performance.now() - start < seconds * 1000 || runs < 3) {
    await loaded.run()
    runs++
  }
  return { runs, ms: performance.now() - start }
}

/**
 * Most memory that this process held. Not maxRSS where the kernel tells better: that includes its
 * parent's.
 */
function peakMiB(): number {
  try {
    const kib = /^VmHWM:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
    if (kib !== undefined) return Number(kib) / 1024
  } catch {
    // No /proc here.
  }
  return process.resourceUsage().maxRSS / 1024
}

try {
  await main(process.argv[2], process.argv[3])
  // Runtimes keep worker threads that would keep the process.
  process.exit()
} catch (error) {
  const code = error instanceof Error && 'code' in error ? String(error.code) : undefined
  const message = error instanceof Error ? error.message : String(error)
  answer({ failed: message.split('\n')[0], code })
  process.exit(1)
}
