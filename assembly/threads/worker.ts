// A worker's life: it parks between frames, enters a frame when one begins (barrier.ts), and
// follows the program.

import { CONTROL_COUNT, CONTROL_GENERATION, CONTROL_PROGRAM, CONTROL_READY } from '../lib/instructions'
import { THREADS } from '../lib/isa'
import { follow } from '../program'
import { enter } from './barrier'

/** Turns between two frames before a worker parks. A frame that follows at once finds it awake. */
const IDLE_SPINS = 20_000
/** Turns that a woken worker spins before work comes, while the caller copies a picture. */
const AWAKE_SPINS = 1_000_000

/** Runs frame after frame until the host ends the worker. A build of one thread has no workers. */
export function work(thread: i32, threads: i32): void {
  if (!THREADS) return
  let seen = atomic.load<i32>(CONTROL_GENERATION)
  atomic.store<i32>(CONTROL_READY + ((<usize>thread) << 2), 1)
  while (true) {
    let spins = 0
    while (atomic.load<i32>(CONTROL_GENERATION) == seen) {
      if (++spins <= IDLE_SPINS) continue
      atomic.wait<i32>(CONTROL_GENERATION, seen, -1)
      spins = IDLE_SPINS - AWAKE_SPINS
    }
    seen = atomic.load<i32>(CONTROL_GENERATION)
    const number = enter()
    if (number > 0) follow(<usize>load<u32>(CONTROL_PROGRAM), load<i32>(CONTROL_COUNT), number)
  }
}
