import type { ChildProcess } from 'node:child_process'
import { childProcess } from '../builtin.js'

/**
 * The shell's whole part: it reads lines of process ids and kills those of the last line when its
 * input ends, which the system sees to however this process dies. It is never told anything but
 * numbers.
 */
const script = `trap '' INT TERM HUP
pids=
while read -r line; do pids=$line; done
[ -z "$pids" ] || kill -9 $pids 2>/dev/null`

/**
 * Sees to it that the programs which were started do not outlive this process, not even when it is
 * killed.
 */
export class Guard {
  readonly #shell: ChildProcess | undefined
  readonly #pids = new Set<number>()

  constructor() {
    // Elsewhere ffmpeg ends at its next frame, when nobody reads what it writes.
    if (process.platform === 'win32') return
    this.#shell = childProcess().spawn('/bin/sh', ['-c', script], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    })
    // Without a shell this is a lesser camera, but still one.
    this.#shell.on('error', () => {})
    this.#shell.stdin?.on('error', () => {})
    this.#shell.unref()
  }

  /** Guards a process until it has ended. */
  watch(child: ChildProcess): void {
    const { pid } = child
    if (pid === undefined) return
    this.#pids.add(pid)
    this.#tell()
    child.once('exit', () => {
      this.#pids.delete(pid)
      this.#tell()
    })
  }

  /** Ends the shell, and what still runs with it. */
  async close(): Promise<void> {
    const shell = this.#shell
    if (shell?.pid === undefined || shell.exitCode !== null) return
    const gone = new Promise((resolve) => shell.once('exit', resolve))
    // It did not keep the process alive, but is waited for now.
    shell.ref()
    shell.stdin?.end()
    await gone
  }

  #tell(): void {
    if (this.#shell?.stdin?.writable) this.#shell.stdin.write(`${[...this.#pids].join(' ')}\n`)
  }
}
