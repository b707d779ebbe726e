import type { Build, Engine, EngineExports, Who } from '../../engine/engine.js'
import { EngineMemory } from '../../engine/memory.js'
import type { Threads } from '../../engine/platform.js'
import { OcellusError } from '../../errors.js'
import { aborted } from '../../program/control.js'
import { type Compile, exportsOf, importsOf } from '../wasm/instances.js'
import { createMemory, giveBack, roomFor, unshared } from '../wasm/memory.js'
import { Control } from './control.js'
import { Crew, type StartWorker } from './crew.js'
import { Watch } from './watch.js'

/** What a platform gives for threads to be had. */
export interface ThreadParts {
  readonly processors: () => number
  readonly compile: Compile
  readonly startWorker: StartWorker
  readonly now: () => number
}

/** Threads as workers that share a memory. */
export const workerThreads = (parts: ThreadParts): Threads => ({
  processors: parts.processors,
  refusal: unshared,
  async start(build: Build, bytes: number, count: number, timeoutMs: number, watched = false) {
    const watch = watched ? new Watch(parts.now) : undefined
    return new ThreadedEngine(parts, await parts.compile(build, true), bytes, count, timeoutMs, watch)
  },
})

/** Workers of a session that was forgotten, not closed, go with it. */
const forgotten = new FinalizationRegistry<{ crew: Crew | undefined }>((held) => held.crew?.stop())

/**
 * How long `hire` waits when it is told to: a program that looks at one picture only has ended by
 * then.
 */
const soonMs = 10
/** Taken at the start: tests that replace the timers later do not stop this one. */
const timer = setTimeout
/**
 * The engine asks at most so many times a millisecond whether to wait on: a limit where the clock
 * stands still.
 */
const mostAskedPerMs = 20

/**
 * An engine whose runs are shared among threads. They are started by the second run, or when hired,
 * as many programs look at one picture only, and not waited for: until all are there the caller
 * works alone, with the same bytes. After a frame that failed, workers and memory are replaced: a
 * thread that did not answer may still write to the old one.
 */
class ThreadedEngine implements Engine {
  readonly memory: EngineMemory
  readonly #held: { crew: Crew | undefined } = { crew: undefined }
  readonly #parts: ThreadParts
  readonly #module: WebAssembly.Module
  readonly #wanted: number
  readonly #timeoutMs: number
  readonly #watch: Watch | undefined
  #shared: WebAssembly.Memory
  #exports: EngineExports
  /** A lost thread may still write to the memory. */
  #spoilt = false
  #hasRun = false
  #closed = false
  /** When the caller began to wait for the others. */
  #waitingSince = 0

  constructor(
    parts: ThreadParts,
    module: WebAssembly.Module,
    bytes: number,
    wanted: number,
    timeoutMs: number,
    watch: Watch | undefined,
  ) {
    this.#parts = parts
    this.#module = module
    this.#wanted = wanted
    this.#timeoutMs = timeoutMs
    this.#watch = watch
    this.#shared = createMemory(bytes, true)
    this.memory = new EngineMemory(this.#shared, roomFor(bytes))
    this.#exports = this.#instantiate()
    forgotten.register(this, this.#held)
  }

  get exports(): EngineExports {
    return this.#exports
  }

  get threads(): number {
    return this.#helps && this.#held.crew?.complete ? this.#wanted : 1
  }

  hire(soon = false): void {
    if (!soon) {
      this.#start()
      return
    }
    const later = timer(() => this.#start(), soonMs) as { unref?: () => void } | number
    if (typeof later === 'object') later.unref?.()
  }

  #start(): void {
    if (this.#closed) return
    const { startWorker, now } = this.#parts
    this.#held.crew ??= new Crew(this.#module, this.#shared, this.#wanted, startWorker, now)
  }

  run(program: number, count: number, who: Who = 'whoever'): number {
    const alone = who === 'caller'
    if (this.#spoilt) this.#renew()
    if (this.#hasRun && !alone) this.#start()
    this.#hasRun = true
    const { crew } = this.#held
    if (alone || !crew?.complete) return this.#exports.run(program, count, 0, 1)
    const watch = who === 'whoever' ? this.#watch : undefined
    const shared = watch?.begin(count) ?? true
    const status = shared
      ? this.#runShared(program, count, who, crew)
      : this.#exports.run(program, count, 0, 1)
    watch?.end()
    return status
  }

  #runShared(program: number, count: number, who: Who, { control }: Crew): number {
    control.begin(program, count, who === 'everyone' ? this.#wanted : 1)
    let status: number
    try {
      status = this.#exports.run(program, count, 0, this.#wanted)
    } catch (cause) {
      control.fail(String(cause))
      this.#renew()
      throw cause
    }
    if (status !== aborted) return status
    const { failure } = control
    this.#renew()
    if (failure !== undefined)
      throw new OcellusError('E_ENGINE_TRAP', `the engine stopped in a worker: ${failure}`)
    throw new OcellusError(
      'E_ENGINE_THREAD',
      `a worker has not answered for ${this.#timeoutMs} ms: the run is lost, the workers are replaced`,
    )
  }

  /** Whether threads are used where they are there. */
  get #helps(): boolean {
    return this.#watch?.shared ?? true
  }

  wake(): void {
    if (this.#helps) this.#held.crew?.control.wake()
  }

  async ready(): Promise<number> {
    this.#start()
    // A timer keeps the process alive, which workers do not.
    while (this.#held.crew !== undefined && !this.#held.crew.stopped && !this.#held.crew.complete) {
      await new Promise((done) => timer(done, 1))
    }
    return this.threads
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.memory.release()
    const { crew } = this.#held
    const shared = this.#shared
    this.#held.crew = undefined
    if (crew === undefined) giveBack(shared)
    else crew.stop()?.then(() => giveBack(shared))
  }

  /** Programs, weights and the picture are as they were: no instruction writes to them. */
  #renew(): void {
    this.#held.crew?.stop()
    this.#held.crew = undefined
    this.#spoilt = true
    const old = this.memory.bytes
    this.#shared = createMemory(old.length, true)
    this.memory.replace(this.#shared)
    this.memory.bytes.set(old)
    new Control(this.#shared, this.#parts.now).clear()
    this.#exports = this.#instantiate()
    this.#spoilt = false
    this.#start()
  }

  #instantiate(): EngineExports {
    const imports = importsOf(this.#shared, this.#stalled.bind(this))
    return exportsOf(new WebAssembly.Instance(this.#module, imports))
  }

  /** Called by the engine while this thread waits for the others: 1 ends the frame. */
  #stalled(times: number, phase: number): 0 | 1 {
    const control = this.#held.crew?.control
    const now = this.#parts.now()
    if (times === 0) this.#waitingSince = now
    if (now - this.#waitingSince > this.#timeoutMs || times > this.#timeoutMs * mostAskedPerMs) return 1
    control?.sleep(times, phase)
    return 0
  }
}
