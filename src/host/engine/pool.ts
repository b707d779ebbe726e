import { demangle } from '@assemblyscript/loader'
import { OcellusError } from '../errors.js'
import type { Build } from './build.js'
import { aborted, Control } from './control.js'
import { Crew } from './crew.js'
import type { Engine, EngineExports, Who } from './engine.js'
import { createMemory, EngineMemory } from './memory.js'

/** Workers whose session was forgotten, not closed, go with it. */
const forgotten = new FinalizationRegistry<{ crew: Crew | undefined }>((held) => held.crew?.stop())

/**
 * An engine whose runs are shared among threads. They are started by the second run, or when hired, as many a program looks at one
 * picture only, and not waited for: until all are there the caller works alone, with the same bytes. After a frame that
 * failed, workers and memory are replaced: a thread that did not answer may still write to the old one.
 */
export class ThreadedEngine implements Engine {
  readonly #held: { crew: Crew | undefined } = { crew: undefined }
  #exports: EngineExports
  readonly memory: EngineMemory
  /** A lost thread may still write to the memory. */
  #spoilt = false
  #hasRun = false
  /** When the caller began to wait for the others. */
  #waitingSince = 0

  constructor(
    readonly build: Build,
    readonly module: WebAssembly.Module,
    memory: WebAssembly.Memory,
    readonly wanted: number,
    readonly timeoutMs: number,
    readonly recheck?: () => void,
  ) {
    this.memory = new EngineMemory(memory)
    this.#exports = this.#instantiate()
    forgotten.register(this, this.#held)
  }

  get exports(): EngineExports {
    return this.#exports
  }

  get threads(): number {
    return this.#held.crew?.complete ? this.wanted : 1
  }

  hire(): void {
    this.#start()
  }

  #start(): void {
    this.#held.crew ??= new Crew(this.module, this.memory.memory, this.wanted)
  }

  run(program: number, count: number, who: Who = 'whoever'): number {
    const alone = who === 'caller'
    if (this.#spoilt) this.#renew()
    if (this.#hasRun && !alone) this.#start()
    this.#hasRun = true
    const { crew } = this.#held
    if (alone || !crew?.complete) return this.#exports.run(program, count, 0, 1)
    const { control } = crew
    control.begin(program, count, who === 'everyone' ? this.wanted : 1)
    let status: number
    try {
      status = this.#exports.run(program, count, 0, this.wanted)
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
      `a worker has not answered for ${this.timeoutMs} ms: the run is lost, the workers are replaced`,
    )
  }

  wake(): void {
    this.#held.crew?.control.wake()
  }

  async ready(): Promise<number> {
    this.#start()
    // A timer keeps the process alive, which workers do not.
    while (this.#held.crew !== undefined && !this.#held.crew.stopped && !this.#held.crew.complete) {
      await new Promise((done) => setTimeout(done, 1))
    }
    return this.threads
  }

  close(): void {
    this.#held.crew?.stop()
    this.#held.crew = undefined
  }

  /** Programs, weights and the picture are as they were: no instruction writes to them. */
  #renew(): void {
    this.close()
    this.#spoilt = true
    const old = this.memory.bytes
    this.memory.memory = createMemory(old.length, true)
    this.memory.bytes.set(old)
    new Control(this.memory.memory).clear()
    this.#exports = this.#instantiate()
    this.#spoilt = false
    this.#start()
  }

  #instantiate(): EngineExports {
    const env = { memory: this.memory.memory, stalled: this.#stalled.bind(this) }
    const { exports } = new WebAssembly.Instance(this.module, { env })
    return demangle(exports) as unknown as EngineExports
  }

  /** Called by the engine while this thread waits for the others: 1 ends the frame. */
  #stalled(times: number, phase: number): 0 | 1 {
    const control = this.#held.crew?.control
    const now = performance.now()
    if (times === 0) this.#waitingSince = now
    if (now - this.#waitingSince > this.timeoutMs) return 1
    control?.sleep(times, phase)
    return 0
  }
}
