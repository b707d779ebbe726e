import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** What became of a child process. */
export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** The most memory that it had, in MiB; undefined where the system does not tell. */
  readonly peakMiB: number | undefined
}

/**
 * The child writes its own peak when it ends. `preload` is given by --import, so that what the
 * child runs is the product and nothing else.
 */
const preload = `data:text/javascript,${encodeURIComponent(`
import { readFileSync, writeSync } from 'node:fs'
process.on('exit', () => {
  try {
    const kib = /^VmHWM:\\s+(\\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]
    writeSync(2, '\\n#peak ' + kib + '\\n')
  } catch {}
})`)}`

/** Most seconds of a child: whatever takes longer hangs. */
const patienceMs = 60_000

function run(words: readonly string[], input?: Uint8Array): Ended {
  const { status, stdout, stderr, error } = spawnSync(
    process.execPath,
    ['--max-old-space-size=512', `--import=${preload}`, ...words],
    { cwd: root, encoding: 'utf8', input, timeout: patienceMs, killSignal: 'SIGKILL', maxBuffer: 1 << 26 },
  )
  if (error !== undefined) throw error
  const peak = /\n#peak (\d+)\n/.exec(stderr)
  return {
    code: status,
    stdout,
    stderr: stderr.replace(/\n#peak \d+\n/, ''),
    peakMiB: peak === null ? undefined : Number(peak[1]) / 1024,
  }
}

/** Runs the command in a process with a heap of 512 MB. */
export const ocellus = (words: readonly string[], input?: Uint8Array): Ended =>
  run(['dist/cli/main.js', ...words], input)

/** Runs an ES module that imports the product as `ocellus` or a module of dist/, likewise. */
export const program = (source: string): Ended =>
  run([
    '--input-type=module',
    '--eval',
    source.replaceAll("'ocellus'", `'${root}dist/ocellus.js'`).replaceAll("'dist/", `'${root}dist/`),
  ])

/** The stable code of the one line that the command has ended with. Throws where there is more. */
export function lineOf({ stderr }: Ended): { readonly code: string; readonly text: string } {
  const found = /^(E_[A-Z_]+): ([^\n]+)\n$/.exec(stderr)
  if (found === null) throw new Error(`not one line with a code: ${stderr.slice(0, 500)}`)
  return { code: found[1], text: found[2] }
}

/** Whether this system tells how much memory a process had. */
export const tellsMemory = ((): boolean => {
  try {
    return readFileSync('/proc/self/status', 'utf8').includes('VmHWM')
  } catch {
    return false
  }
})()

/** A folder of a test file's own, until its tests are done. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ocellus-fault-'))
  afterAll(() => rmSync(folder, { recursive: true }))
  return folder
}

/** Writes a file; returns its path. */
export function made(folder: string, name: string, bytes: Uint8Array): string {
  const file = join(folder, name)
  writeFileSync(file, bytes)
  return file
}
