// How threads run a program together. Each has an instance of this module, all have one memory. The caller of `run`
// leads; workers call `work` once and stay in it: parked between frames, spinning within one.
//
// A frame: the host stores program and count, adds 1 to GENERATION, opens the gate and wakes who is parked. The leader begins at
// once, with those who are there; a worker that comes later enters by the gate and takes part from the next instruction
// on, so nobody waits for one that wakes late. GATE holds the frame's number and, in its low byte, how many have entered,
// the leader among them, or 0 when it is closed; who enters is the thread whose number it held. After each instruction all of the
// crew meet at the barrier, which counts arrivals: the last to come takes into the crew who has entered meanwhile (CREW becomes
// GATE) or, after the last instruction, closes the gate, and opens the next phase. Who has entered but finds the gate closed,
// or of another frame, was never waited for and goes back to park. The host may ask for a QUORUM, as when layers are timed.
//
// A spin costs 0.1 to 0.4 microseconds where a sleep costs ten times that or more, so sleeping within a frame is the host's last
// resort (src/host/engine/patience.ts): `stalled` is called every SPINS turns, and after some milliseconds sleeps until the phase
// changes, or says that a thread is missing for too long. Its `times` is negative for who is not of the crew yet.
//
// FAILED is set by the host when a thread traps: whoever waits for it leaves the program, with ABORTED. Nothing here is
// used again afterwards: the host begins anew with another memory.
//
// The control block lies below the program, out of reach of the module's static data (src/host/engine/control.ts is
// the host's copy; a test compares the two). Words that different threads write have a cache line of their own.

import { THREADS } from '../lib/isa'
import { follow } from '../program'
import { returnShares } from './shares'

export const CONTROL: usize = 0xfc00
const GENERATION = CONTROL
const PROGRAM = CONTROL + 64
const COUNT = CONTROL + 68
const QUORUM = CONTROL + 72 // how many must be there at the beginning
const ARRIVED = CONTROL + 128
const PHASE = CONTROL + 192
const FAILED = CONTROL + 256
const SLEEPERS = CONTROL + 320
const READY = CONTROL + 384 // a word for each thread
export const SHARES = CONTROL + 512 // a word for each thread, assembly/threads/shares.ts
const GATE = CONTROL + 640
const CREW = CONTROL + 704
const INDEX = CONTROL + 708 // of the instruction that the crew is at

/** What `run` returns when another thread has failed. */
export const ABORTED: i32 = -1

/** Turns of a barrier's loop before the host is asked: a tenth of a millisecond or two. */
const SPINS = 50_000
/** Turns between two frames before a worker parks: frames that follow at once find it awake. */
const IDLE_SPINS = 20_000
/** Turns of a worker that was woken before there is work, while the caller copies a picture. */
const AWAKE_SPINS = 1_000_000
/** Turns for which the leader waits for workers that are awake, some microseconds. */
const WELCOME_SPINS = 2_000

// @ts-ignore: decorator
@external('env', 'stalled')
declare function stalled(times: i32, phase: i32): i32

/** Begins a frame with those of `threads` that are there. False when one is missing that has to be. */
export function gather(threads: i32): bool {
  const phase = atomic.load<i32>(PHASE)
  const quorum = load<i32>(QUORUM)
  let spins = 0
  let times = 0
  for (let here = 1; here < threads; here = atomic.load<i32>(GATE) & 0xff) {
    if (atomic.load<i32>(FAILED)) return false
    if (here >= quorum && spins >= WELCOME_SPINS) break
    if (++spins == SPINS) {
      spins = 0
      if (stalled(times++, phase)) return false
    }
  }
  atomic.store<i32>(INDEX, 0)
  atomic.store<i32>(CREW, atomic.load<i32>(GATE))
  return true
}

/** How many share the present instruction. */
export function crewNow(): i32 {
  return atomic.load<i32>(CREW) & 0xff
}

export function indexNow(): i32 {
  return atomic.load<i32>(INDEX)
}

/** No more workers enter this frame. */
export function closeGate(): void {
  atomic.store<i32>(GATE, 0)
}

/** Waits until all of the crew are here; false when the frame has failed. `last`: after the last instruction. */
export function barrier(crew: i32, last: bool): bool {
  // The phase cannot change before this thread has arrived.
  const phase = atomic.load<i32>(PHASE)
  if (atomic.add<i32>(ARRIVED, 1) == crew - 1) {
    atomic.store<i32>(ARRIVED, 0)
    returnShares(crew)
    if (last) closeGate()
    else {
      atomic.add<i32>(INDEX, 1)
      atomic.store<i32>(CREW, atomic.load<i32>(GATE))
    }
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

/** Enters the frame that is going on and waits for its next instruction: this thread's number in its crew, or 0 where it is too late. */
function enter(): i32 {
  let gate = atomic.load<i32>(GATE)
  while (true) {
    if ((gate & 0xff) == 0) return 0
    const found = atomic.cmpxchg<i32>(GATE, gate, gate + 1)
    if (found == gate) break
    gate = found
  }
  const frame = gate >>> 8
  const number = gate & 0xff
  let spins = 0
  let times = 0
  while (true) {
    const phase = atomic.load<i32>(PHASE)
    const crew = atomic.load<i32>(CREW)
    if (crew >>> 8 == frame && (crew & 0xff) > number) return number
    // Were this thread of the crew, its frame could not have ended without it.
    const now = atomic.load<i32>(GATE)
    if (now >>> 8 != frame || (now & 0xff) == 0 || atomic.load<i32>(FAILED)) return 0
    if (++spins == SPINS) {
      spins = 0
      if (stalled(-1 - times++, phase)) return 0
    }
  }
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
    const number = enter()
    if (number > 0) follow(<usize>load<u32>(PROGRAM), load<i32>(COUNT), number)
  }
}
