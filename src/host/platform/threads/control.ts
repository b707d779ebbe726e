import { controlBytes, controlOffsets, controlStart } from '../../program/control.js'
import { Patience } from './patience.js'

const offsets = controlOffsets
const reasonBytes = controlBytes - offsets.reason

/**
 * The host's side of the control block (program/control.ts), and of what heads
 * `assembly/threads/barrier.ts`.
 */
export class Control {
  readonly #words: Int32Array
  readonly #reason: Uint8Array
  readonly #sleeps: boolean
  readonly #patience: Patience

  constructor(memory: WebAssembly.Memory, now: () => number) {
    this.#patience = new Patience(now)
    this.#words = new Int32Array(memory.buffer, controlStart, controlBytes / 4)
    this.#reason = new Uint8Array(memory.buffer, controlStart + offsets.reason, reasonBytes)
    this.#sleeps = maySleep(this.#words)
  }

  /**
   * Sets the workers to work on `count` instructions, once `quorum` threads are there; those that
   * are parked wake up.
   */
  begin(program: number, count: number, quorum: number): void {
    const words = this.#words
    words[offsets.program / 4] = program
    words[offsets.count / 4] = count
    words[offsets.quorum / 4] = quorum
    const frame = Atomics.load(words, offsets.generation / 4) + 1
    // The caller is the first to enter. Open before anyone looks: who finds the gate closed waits
    // for the next frame.
    Atomics.store(words, offsets.gate / 4, (frame << 8) | 1)
    Atomics.store(words, offsets.generation / 4, frame)
    Atomics.notify(words, offsets.generation / 4)
  }

  /**
   * Those that are parked wake up, and wait for work for a while: waking takes longer than many a
   * layer.
   */
  wake(): void {
    Atomics.notify(this.#words, offsets.generation / 4)
  }

  /**
   * Gives the processor away until the barrier's phase is no longer this one, or for up to a
   * millisecond, longer each time; a page's main thread must not, and spins. `times`: how often
   * this wait has asked before, or -1 - that of a thread that is not of the crew yet, and may wait
   * for long.
   */
  sleep(times: number, phase: number): void {
    if (!this.#sleeps || !this.#patience.isOver(times)) return
    const asked = times < 0 ? -1 - times : times
    Atomics.add(this.#words, offsets.sleepers / 4, 1)
    Atomics.wait(this.#words, offsets.phase / 4, phase, Math.min(1, 0.05 * 2 ** Math.min(asked, 8)))
    Atomics.sub(this.#words, offsets.sleepers / 4, 1)
  }

  /** Ends the frame for every thread that waits for another. The first reason is kept. */
  fail(reason: string): void {
    const words = this.#words
    if (Atomics.compareExchange(words, offsets.claimed / 4, 0, 1) !== 0) return
    const bytes = new TextEncoder().encode(reason).subarray(0, reasonBytes)
    this.#reason.set(bytes)
    words[offsets.reasonLength / 4] = bytes.length
    Atomics.store(words, offsets.failed / 4, 1)
  }

  /** Why the frame failed, when a thread has said so. */
  get failure(): string | undefined {
    if (Atomics.load(this.#words, offsets.failed / 4) === 0) return undefined
    // A copy: text is not decoded from shared memory.
    return new TextDecoder().decode(this.#reason.slice(0, this.#words[offsets.reasonLength / 4]))
  }

  isReady(thread: number): boolean {
    return Atomics.load(this.#words, offsets.ready / 4 + thread) !== 0
  }

  /** A worker is gone: its successor will say when it is ready. */
  forget(thread: number): void {
    Atomics.store(this.#words, offsets.ready / 4 + thread, 0)
  }

  /** Forgets every thread and failure: for memory that was copied from another's. */
  clear(): void {
    this.#words.fill(0)
  }
}

/** Atomics.wait throws on the main thread of a page. */
function maySleep(words: Int32Array): boolean {
  try {
    Atomics.wait(words, offsets.sleepers / 4, -1, 0)
    return true
  } catch {
    return false
  }
}
