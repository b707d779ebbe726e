import type { PackExports } from '../program/exports.js'
import type { EngineMemory, LinearMemory } from './memory.js'

/**
 * Builds of the engine, the best first. All give the same bytes; they differ in speed. `relaxed` is
 * tried only for networks with weights of 7 bits, which its products are for.
 */
export const builds = ['relaxed', 'simd', 'scalar'] as const
export type Build = (typeof builds)[number]

export interface EngineExports extends PackExports {
  version(): number
  probe(at: number): number
  run(program: number, count: number, thread: number, threads: number): number
}

/**
 * A build's functions and the linear memory that they work in: an instance of the Wasm module, or
 * what stands for one.
 */
export interface Instance {
  readonly exports: EngineExports
  readonly memory: LinearMemory
}

/**
 * Which threads run instructions: the caller's, it and whichever of the others wake in time, or all
 * of them, waited for, so that each instruction takes as long as in a frame.
 */
export type Who = 'caller' | 'whoever' | 'everyone'

/** A build that was chosen, its memory, and the threads that run programs in it. */
export interface Engine {
  readonly exports: EngineExports
  readonly memory: EngineMemory
  /** How many threads share the next run. */
  readonly threads: number
  /** Runs instructions; 0, or 1 + the index of one that the build does not know. */
  run(program: number, count: number, who?: Who): number
  /**
   * Starts the threads, where there are any; does not wait for them. With `soon` it waits a little
   * first.
   */
  hire(soon?: boolean): void
  /** Work is about to come: threads that sleep may wake up. */
  wake(): void
  /** Settles when all threads take part, or none will: how many there are. */
  ready(): Promise<number>
  /** Ends the threads and gives the memory back. */
  close(): void
}

/** Everything on the caller's thread. */
export function singleEngine(exports: EngineExports, memory: EngineMemory): Engine {
  return {
    exports,
    memory,
    threads: 1,
    run: (program, count) => exports.run(program, count, 0, 1),
    hire() {},
    wake() {},
    ready: async () => 1,
    close: () => memory.release(),
  }
}
