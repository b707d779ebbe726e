import { createRequire } from 'node:module'
import type { SingleBar } from 'cli-progress'
import { shown, shownJson, shownLines } from '../src/host/shown.js'
import { progressLines } from './progress-lines.js'

export { makeFolder, writeWhole } from '../src/host/platform/node/write.js'
export { table } from '../tools/report/table.js'

/**
 * Lines for people. Names and labels within them go through `shown` first: a new line in one would
 * look like one of ours.
 */
export function print(text: string): void {
  process.stdout.write(`${shownLines(text)}\n`)
}

export function printJson(value: unknown): void {
  process.stdout.write(`${shownJson(JSON.stringify(value, null, 2))}\n`)
}

/** One line on stderr. */
export function warn(text: string): void {
  process.stderr.write(`${shown(text, 2000)}\n`)
}

export interface Progress {
  update(done: number, total: number): void
  stop(): void
}

/** A bar on stderr; where that is no terminal, a line now and then. */
export function progress(what: string): Progress {
  if (!process.stderr.isTTY) return progressLines(what.trim(), warn)
  const cli = createRequire(import.meta.url)('cli-progress') as { SingleBar: typeof SingleBar }
  const bar = new cli.SingleBar({
    format: `${what} {bar} {value}/{total} {eta_formatted} left`,
    clearOnComplete: true,
    hideCursor: true,
  })
  let started = false
  return {
    update(done, total) {
      if (!started) bar.start(total, 0)
      started = true
      bar.update(done)
    },
    stop: () => bar.stop(),
  }
}

export const fixed = (value: number, digits = 4): string =>
  Number.isFinite(value) ? value.toFixed(digits) : '-'

export function bytes(count: number): string {
  if (count < 1024) return `${count} B`
  return count < 2 ** 20 ? `${(count / 1024).toFixed(1)} KiB` : `${(count / 2 ** 20).toFixed(2)} MiB`
}
