/**
 * The control block, through which the threads of a session agree; assembly/threads/barrier.ts says
 * how. It lies below the program and above the static data of the engine's module.
 */
export const controlStart = 0xfc00
export const controlBytes = 0x400

/** The first instruction of the program, in a memory that the host lays out. */
export const programStart = controlStart + controlBytes

/** The threads that a block has words for. */
export const mostThreads = 32

/**
 * Bytes from the block's start. Words that different threads write have a cache line of their own.
 */
export const controlOffsets = {
  /** The number of the frame; workers that are parked wait for it to change. */
  generation: 0,
  program: 64,
  count: 68,
  /** The threads that must be there when a frame begins. */
  quorum: 72,
  arrived: 128,
  phase: 192,
  failed: 256,
  /**
   * Whoever sets this first may tell why the frame failed. The engine reads none of these three.
   */
  claimed: 260,
  reasonLength: 264,
  reason: 768,
  /** The threads that sleep until the phase changes. */
  sleepers: 320,
  /** A word for each thread: whether it waits for work. */
  ready: 384,
  /** A word for each thread: which of its shares are taken (assembly/threads/shares.ts). */
  shares: 512,
  /**
   * The frame's number and, in the low byte, how many threads have entered it; 0 lets none enter.
   */
  gate: 640,
  /** As the gate: the threads that work on the present instruction. */
  crew: 704,
  /** The present instruction. */
  index: 708,
} as const

/** What `run` of the engine returns when another thread has failed. */
export const aborted = -1
