import { spawn } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { packageFolder } from '../../../src/host/platform/node/package.js'
import { makeInputs, type Verb } from './verbs.js'

/** What came of a command of which one call failed. */
export interface Outcome {
  /** The call, as `writeSync out/x.png`. */
  readonly call: string
  readonly result: 'done without it' | 'ended with a code' | 'fault'
  /** The code, or what is wrong. */
  readonly text: string
}

interface Ended {
  readonly code: number | null
  readonly stderr: string
  readonly calls: readonly string[]
}

const patienceMs = 60_000
const old = 'what was there before'

/** A folder in which a verb runs over and over, each time as if for the first time. */
export class Workplace {
  readonly #verb: Verb
  readonly #folder: string
  readonly #inputs: string
  #expected: ReadonlyMap<string, string> = new Map()
  /** Files of which two runs make different ones, as times are in them. */
  #varying: ReadonlySet<string> = new Set()

  constructor(verb: Verb, folder: string) {
    this.#verb = verb
    this.#folder = join(folder, 'here')
    this.#inputs = join(folder, 'inputs')
    if (!existsSync(this.#inputs)) makeInputs(this.#inputs)
  }

  /** Runs the verb as it is, twice; returns its calls. Throws where it fails by itself. */
  async prepare(): Promise<readonly string[]> {
    const first = await this.#run(0)
    if (first.code !== 0) throw new Error(`it fails by itself: ${first.stderr}`)
    const files = this.#contents()
    const second = await this.#run(0)
    const again = this.#contents()
    this.#varying = new Set([...again.keys()].filter((name) => files.get(name) !== again.get(name)))
    this.#expected = again
    return second.calls
  }

  /** Runs the verb with call number `index`, from 1, failing. */
  async fail(index: number, error: string): Promise<Outcome> {
    const ended = await this.#run(index, error)
    const call = ended.calls[index - 1] ?? 'none'
    const fault = this.#faultOf(ended)
    if (fault !== undefined) return { call, result: 'fault', text: fault }
    if (ended.code === 0) return { call, result: 'done without it', text: '' }
    return { call, result: 'ended with a code', text: codeOf(ended.stderr) ?? '' }
  }

  #faultOf({ code, stderr }: Ended): string | undefined {
    const files = this.#contents()
    for (const name of files.keys()) if (name.endsWith('.tmp')) return `${name} was left behind`
    if (code === null) return 'it hung or was killed'
    const failed = code !== 0
    if (failed) {
      const found = codeOf(stderr)
      if (found === undefined) return `no code: ${stderr.slice(-300)}`
      if (found === 'E_INTERNAL') return stderr.slice(-300)
    }
    for (const name of this.#verb.outputs) {
      const now = files.get(name)
      const mayDiffer =
        this.#varying.has(name) || (this.#verb.leavesOut === true && stderr.includes('made to fail'))
      const isNew = now !== undefined && now !== old && (mayDiffer || now === this.#expected.get(name))
      if (!isNew && !(failed && now === old))
        return `${name} is ${now === undefined ? 'gone' : 'neither old nor new'}, and the command ended with ${code}`
    }
    if (failed)
      for (const name of files.keys())
        if (!this.#expected.has(name) && !name.includes('.part')) return `${name} is new`
    return undefined
  }

  #run(index: number, error = 'EIO'): Promise<Ended> {
    rmSync(this.#folder, { recursive: true, force: true })
    cpSync(this.#inputs, this.#folder, { recursive: true })
    for (const name of this.#verb.outputs) {
      mkdirSync(dirname(join(this.#folder, name)), { recursive: true })
      writeFileSync(join(this.#folder, name), old)
    }
    const log = `${this.#folder}.calls.json`
    rmSync(log, { force: true })
    const shim = pathToFileURL(join(packageFolder, 'dist/tools/fuzz/io/fail.js')).href
    const child = spawn(
      process.execPath,
      [`--import=${shim}`, join(packageFolder, 'dist/cli/main.js'), ...this.#verb.words],
      {
        cwd: this.#folder,
        timeout: patienceMs,
        killSignal: 'SIGKILL',
        stdio: ['ignore', 'ignore', 'pipe'],
        env: {
          ...process.env,
          OCELLUS_CACHE: join(this.#folder, 'cache'),
          OCELLUS_FAIL_CALL: String(index),
          OCELLUS_FAIL_ERROR: error,
          OCELLUS_FAIL_LOG: log,
        },
      },
    )
    let stderr = ''
    child.stderr.on('data', (text: Buffer) => {
      stderr += text
    })
    return new Promise((resolve, reject) => {
      child.on('error', reject)
      child.on('close', (code) => {
        const calls: string[] = existsSync(log) ? JSON.parse(readFileSync(log, 'utf8')) : []
        resolve({ code, stderr, calls: calls.map((call) => call.replace(`${this.#folder}/`, '')) })
      })
    })
  }

  /** All files but the inputs, by their paths; notes on the machine in the cache are left out. */
  #contents(): Map<string, string> {
    const found = new Map<string, string>()
    const names = readdirSync(this.#folder, { recursive: true, withFileTypes: true })
    for (const entry of names) {
      if (!entry.isFile()) continue
      const path = join(entry.parentPath, entry.name)
      const name = path.slice(this.#folder.length + 1).replaceAll('\\', '/')
      if (existsSync(join(this.#inputs, name))) continue
      if (name.startsWith('cache/') && !name.endsWith('.tmp') && !name.startsWith('cache/models')) continue
      found.set(name, readFileSync(path, 'latin1'))
    }
    return found
  }
}

/** The code of the last line, where it has one. */
function codeOf(stderr: string): string | undefined {
  const lines = stderr.trimEnd().split('\n')
  return /^(E_[A-Z_]+): /.exec(lines[lines.length - 1])?.[1]
}
