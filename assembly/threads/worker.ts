// A worker's life: it parks between frames, enters a frame when one begins (barrier.ts), and follows the program.

import { CONTROL_COUNT, CONTROL_GENERATION, CONTROL_PROGRAM, CONTROL_READY } from '../lib/instructions'
import { THREADS } from '../lib/isa'
import { follow } from '../program'
import { enter } from './barrier'

/** Turns between two frames before a worker parks: frames that follow at once find it awake. */
const IDLE_SPINS = 20_000
/** Turns of a worker that was woken before there is work, while the caller copies a picture. */
const AWAKE_SPINS = 1_000_000

/** A worker's life: frame after frame, until the host ends it. A build of one thread has none. */
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
