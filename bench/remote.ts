import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { errorCodes, OcellusError } from '../src/host/errors.js'
import { packageFolder } from '../src/host/platform/node/package.js'
import type { Job, Values } from './contender.js'
import type { LayerTime, Memory, Phases } from './ocellus.js'
import type { Timed } from './run.js'

type Answer = Readonly<Record<string, unknown>>

export interface Start {
  readonly version: string
  readonly build: string
  readonly loadMs: number
  readonly firstMs: number
  /** From the start of the process to its first result. */
  readonly coldStartMs: number
}

/** Why a contender can't take part: it isn't installed, or can't run this network. */
export class Unavailable extends Error {}

/** A contender in a process of its own. */
export class Remote implements Timed {
  readonly job: Job
  readonly #child: ChildProcess
  readonly #answers: AsyncIterator<string>
  readonly #folder: string
  #stderr = ''

  private constructor(job: Job, version: string) {
    this.job = job
    this.#folder = mkdtempSync(join(tmpdir(), 'ocellus-bench-'))
    const file = join(this.#folder, 'job.json')
    writeFileSync(file, JSON.stringify(job))
    const [program, ...words] = command(job, file, version)
    const child = spawn(program, words, { stdio: ['pipe', 'ignore', 'pipe', 'pipe'] })
    child.on('error', (error) => {
      this.#stderr += error.message
    })
    // A process that died can't be written to: the missing answer tells.
    child.stdin?.on('error', () => {})
    child.stderr?.on('data', (text: Buffer) => {
      this.#stderr = (this.#stderr + text).slice(-2000)
    })
    this.#child = child
    this.#answers = createInterface({ input: child.stdio[3] as Readable })[Symbol.asyncIterator]()
  }

  /** Starts a contender and waits for its first result. Throws Unavailable. */
  static async start(job: Job, version: string): Promise<{ remote: Remote; start: Start }> {
    const begin = performance.timeOrigin + performance.now()
    const remote = new Remote(job, version)
    try {
      const answer = await remote.#answer()
      const number = (key: string): number => Number(answer[key])
      const start = {
        version: String(answer.version),
        build: String(answer.build),
        loadMs: number('loadMs'),
        firstMs: number('firstMs'),
        coldStartMs: number('at') - begin,
      }
      return { remote, start }
    } catch (error) {
      remote.kill()
      throw error
    }
  }

  async time(): Promise<number> {
    return Number((await this.#ask('run')).ms)
  }

  /** Inferences a second, back to back. */
  async steady(seconds: number): Promise<number> {
    const { runs, ms } = await this.#ask(`steady ${seconds}`)
    return Number(runs) / (Number(ms) / 1000)
  }

  async outputs(): Promise<Values> {
    const { outputs } = this.job
    const files = outputs.map((_, i) => join(this.#folder, `output${i}`))
    await this.#ask(['outputs', ...files].join(' '))
    return new Map(
      outputs.map(({ name }, i) => [name, new Float32Array(Uint8Array.from(readFileSync(files[i])).buffer)]),
    )
  }

  async memory(): Promise<Memory> {
    return (await this.#ask('memory')) as unknown as Memory
  }

  async profile(runs: number): Promise<LayerTime[]> {
    return (await this.#ask(`profile ${runs}`)).layers as LayerTime[]
  }

  async phases(runs: number): Promise<Phases> {
    return (await this.#ask(`phases ${runs}`)) as unknown as Phases
  }

  /** Ends the process; tells the most memory that it held, in MiB. */
  async stop(): Promise<number | null> {
    const { peakMiB } = await this.#ask('stop')
    this.kill()
    return typeof peakMiB === 'number' ? peakMiB : null
  }

  kill(): void {
    this.#child.kill('SIGKILL')
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #ask(words: string): Promise<Answer> {
    this.#child.stdin?.write(`${words}\n`)
    return this.#answer()
  }

  async #answer(): Promise<Answer> {
    const { value, done } = await this.#answers.next()
    const { runtime, threads } = this.job
    if (done) {
      throw this.#failure(`${runtime} with ${threads} thread(s) ended: ${lastWords(this.#stderr)}`)
    }
    const answer = JSON.parse(value) as Answer
    if (answer.failed === undefined) return answer
    throw this.#failure(String(answer.failed), answer.code)
  }

  /** A peer that fails is left out; our own engine's failure is one of the command. */
  #failure(message: string, code?: unknown): Error {
    if (this.job.runtime !== 'ocellus') return new Unavailable(message)
    return new OcellusError(errorCodes.find((known) => known === code) ?? 'E_ENGINE_TRAP', message)
  }
}

/** The line of a process's last output that says most. */
function lastWords(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim().length > 2)
  return lines.filter((line) => /error/i.test(line)).at(-1) ?? lines.at(-1) ?? 'it said nothing'
}

function command(job: Job, file: string, version: string): string[] {
  if (job.runtime === 'opencv') {
    return [findPython(), join(packageFolder, 'bench/peers/opencv.py'), file]
  }
  const child = join(packageFolder, 'dist/bench/child.js')
  if (!existsSync(child))
    throw new OcellusError('E_FILE_MISSING', `${child} is missing: run \`npm run build\``)
  return [process.execPath, ...process.execArgv, child, file, version]
}

/**
 * OpenCV's Debian package belongs to the system's own Python, which need not be the first in PATH.
 */
function findPython(): string {
  const { OCELLUS_PYTHON: own } = process.env
  return own || (existsSync('/usr/bin/python3') ? '/usr/bin/python3' : 'python3')
}
