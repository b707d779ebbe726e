/**
 * node --expose-gc child.js PART SECONDS ROUNDS HANDLE: runs a part in a process of its own, and
 * prints samples as JSON lines.
 */
import { parts } from './parts.js'

/** What the process had after so many rounds. */
export interface Sample {
  readonly rounds: number
  readonly seconds: number
  readonly rssMiB: number
  /** The longest round until now. */
  readonly slowestMs: number
  /** The most that the process ever had; on the last sample alone. */
  readonly peakMiB?: number
}

const [name, seconds, rounds, handle] = process.argv.slice(2)
const part = parts[name]
const collect = (globalThis as { gc?: () => void }).gc
// Something that keeps the process alive by itself, as a server does.
const alive = handle === 'true' ? setInterval(() => {}, 1000) : undefined
const start = performance.now()
const passed = (): number => (performance.now() - start) / 1000
let slowestMs = 0
let peak = 0

function tell(done: number, last: boolean): void {
  if (part.collects) collect?.()
  const sample: Sample = {
    rounds: done,
    seconds: passed(),
    rssMiB: process.memoryUsage.rss() / 2 ** 20,
    slowestMs,
    ...(last ? { peakMiB: peak / 2 ** 20 } : {}),
  }
  process.stdout.write(`${JSON.stringify(sample)}\n`)
}

const running = await part.start()
const most = Number(rounds)
const fewest = Math.max(1, Math.floor(most / 200))
let done = 0
let told = Number.NEGATIVE_INFINITY
while (done < most && passed() < Number(seconds)) {
  const before = performance.now()
  await running.round(done++)
  slowestMs = Math.max(slowestMs, performance.now() - before)
  peak = Math.max(peak, process.memoryUsage.rss())
  if (passed() - told < 0.5 && done % fewest !== 0) continue
  told = passed()
  tell(done, false)
}
tell(done, true)
running.end()
clearInterval(alive)
