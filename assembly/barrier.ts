// How threads run a program together. Each has an instance of this module, all have one memory. The caller of `run`
// is thread 0; workers call `work` once and stay in it: parked between frames, spinning within one.
//
// A frame: thread 0 stores program and count, adds 1 to GENERATION and wakes who is parked; everyone runs the same
// program, its own share of each instruction, and meets the others after each. The barrier counts arrivals; the
// last to come opens the next phase. A spin costs 0.1 to 0.4 microseconds where a sleep costs ten times that, so sleeping
// within a frame is the host's last resort, for processors that others use too: `stalled` is called every SPINS
// turns, and sleeps until the phase changes, or says that a thread is missing for too long.
//
// FAILED is set by the host when a thread traps: whoever waits for it leaves the program, with ABORTED. Nothing here is
// used again afterwards: the host begins anew with another memory.
//
// The control block lies below the program, out of reach of the module's static data (src/host/engine/control.ts is
// the host's copy; a test compares the two). Words that different threads write have a cache line of their own.

import { THREADS } from './isa'
import { run } from './program'

export const CONTROL: usize = 0xfc00
const GENERATION = CONTROL
const PROGRAM = CONTROL + 64
const COUNT = CONTROL + 68
const ARRIVED = CONTROL + 128
const PHASE = CONTROL + 192
const FAILED = CONTROL + 256
const SLEEPERS = CONTROL + 320
const READY = CONTROL + 384 // a word for each thread

/** What `run` returns when another thread has failed. */
export const ABORTED: i32 = -1

/** Turns of a barrier's loop before the host is asked: a tenth of a millisecond or two. */
const SPINS = 50_000
/** Turns between two frames before a worker parks: frames that follow at once find it awake. */
const IDLE_SPINS = 20_000
/** Turns of a worker that was woken before there is work, while the caller copies a picture. */
const AWAKE_SPINS = 1_000_000

// @ts-ignore: decorator
@external('env', 'stalled')
declare function stalled(times: i32, phase: i32): i32

/** Waits until all threads are here; false when the frame has failed. */
export function barrier(threads: i32): bool {
  // The phase cannot change before this thread has arrived.
  const phase = atomic.load<i32>(PHASE)
  if (atomic.add<i32>(ARRIVED, 1) == threads - 1) {
    atomic.store<i32>(ARRIVED, 0)
    atomic.store<i32>(PHASE, phase + 1)
    // Whoever is about to sleep counts first and then looks at the phase: either this sees it, or it sees the new phase.
    if (atomic.load<i32>(SLEEPERS) != 0) atomic.notify(PHASE, -1)
  } else {
    let spins = 0
    let times = 0
    while (atomic.load<i32>(PHASE) == phase) {
      if (atomic.load<i32>(FAILED)) return false
      if (++spins == SPINS) {
        spins = 0
        if (stalled(times++, phase)) return false
      }
    }
  }
  return atomic.load<i32>(FAILED) == 0
}

/** A worker's life: frame after frame, until the host ends it. A build of one thread has none. */
export function work(thread: i32, threads: i32): void {
  if (!THREADS) return
  let seen = atomic.load<i32>(GENERATION)
  atomic.store<i32>(READY + ((<usize>thread) << 2), 1)
  while (true) {
    let spins = 0
    while (atomic.load<i32>(GENERATION) == seen) {
      if (++spins <= IDLE_SPINS) continue
      atomic.wait<i32>(GENERATION, seen, -1)
      spins = IDLE_SPINS - AWAKE_SPINS
    }
    seen = atomic.load<i32>(GENERATION)
    run(<usize>load<u32>(PROGRAM), load<i32>(COUNT), thread, threads)
  }
}
