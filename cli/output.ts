import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, resolve } from 'node:path'
import type { SingleBar } from 'cli-progress'
import { OcellusError } from '../src/host/errors.js'

/**
 * Makes a folder and those above it. Not `mkdir`'s own recursion: Node's never ends where the system denies
 * that a parent exists which does, as in /proc.
 */
export async function makeFolder(path: string): Promise<void> {
  const isFolder = async (at: string): Promise<boolean> =>
    (await stat(at).catch(() => undefined))?.isDirectory() ?? false
  const missing: string[] = []
  for (let at = resolve(path); !(await isFolder(at)) && dirname(at) !== at; at = dirname(at)) missing.push(at)
  for (const at of missing.reverse()) {
    await mkdir(at).catch(async (cause: unknown) => {
      if (await isFolder(at)) return
      throw new OcellusError('E_FILE_WRITE', `the folder ${path} can't be made: ${reason(cause)}`, { cause })
    })
  }
}

/** Writes under a temporary name and renames, so that a failure leaves the old file as it was. */
export async function writeWhole(path: string, data: string | Uint8Array): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`
  await makeFolder(dirname(path))
  try {
    await writeFile(temporary, data)
    await rename(temporary, path)
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {})
    throw new OcellusError('E_FILE_WRITE', `${path} can't be written: ${reason(cause)}`, { cause })
  }
}

const reason = (cause: unknown): string =>
  cause instanceof Error ? cause.message.split('\n')[0] : String(cause)

export function print(text: string): void {
  process.stdout.write(`${text}\n`)
}

export function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2))
}

export function warn(text: string): void {
  process.stderr.write(`${text}\n`)
}

/** Columns aligned by their widest cell: the first to the left, the others to the right. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows]
  const widths = header.map((_, i) => Math.max(...all.map((row) => (row[i] ?? '').length)))
  const line = (row: readonly string[]): string =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
      .join('  ')
      .trimEnd()
  return all.map(line).join('\n')
}

export interface Progress {
  update(done: number, total: number): void
  stop(): void
}

/** A bar on stderr, and only where that is a terminal. */
export function progress(what: string): Progress {
  if (!process.stderr.isTTY) return { update() {}, stop() {} }
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
