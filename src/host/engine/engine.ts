import type { PackExports } from '../graph/descriptor.js'
import type { Build } from './build.js'
import type { EngineMemory } from './memory.js'

export interface EngineExports extends PackExports {
  version(): number
  probe(at: number): number
  run(program: number, count: number, thread: number, threads: number): number
  work(thread: number, threads: number): void
}

/**
 * Which threads run instructions: the caller's, it and whoever of the others wakes in time, or all of them, waited for, so that
 * each instruction takes as long as in a frame.
 */
export type Who = 'caller' | 'whoever' | 'everyone'

/** A build that was chosen, its memory, and whoever runs programs in it. */
export interface Engine {
  readonly build: Build
  readonly exports: EngineExports
  readonly memory: EngineMemory
  /** How many threads share the next run. */
  readonly threads: number
  /** Runs instructions; 0, or 1 + the index of one that the build does not know. */
  run(program: number, count: number, who?: Who): number
  /** Starts the threads, where there are any; does not wait for them. */
  hire(): void
  /** Work is about to come: threads that sleep may wake up. */
  wake(): void
  /** Settles when all threads take part, or none will: how many there are. */
  ready(): Promise<number>
  close(): void
  /** Throws when the build no longer computes as it did; undefined where that can't be. */
  readonly recheck?: () => void
}

/** Everything on the caller's thread. */
export function singleEngine(
  build: Build,
  exports: EngineExports,
  memory: EngineMemory,
  recheck?: () => void,
): Engine {
  return {
    build,
    exports,
    memory,
    threads: 1,
    run: (program, count) => exports.run(program, count, 0, 1),
    hire() {},
    wake() {},
    ready: async () => 1,
    close() {},
    ...(recheck === undefined ? {} : { recheck }),
  }
}
