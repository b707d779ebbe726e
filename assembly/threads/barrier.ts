// How threads run a program together. Each has an instance of this module, all have one memory. The caller of `run`
// leads; workers call `work` (worker.ts) once and stay in it: parked between frames, spinning within one.
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
// The control block lies below the program and above the module's static data: src/host/program/control.ts.

import {
  CONTROL_ARRIVED,
  CONTROL_CREW,
  CONTROL_FAILED,
  CONTROL_GATE,
  CONTROL_INDEX,
  CONTROL_PHASE,
  CONTROL_QUORUM,
  CONTROL_SLEEPERS,
} from '../lib/instructions'
import { returnShares } from './shares'

/** Turns of a barrier's loop before the host is asked: a tenth of a millisecond or two. */
const SPINS = 50_000
/** Turns for which the leader waits for workers that are awake, some microseconds. */
const WELCOME_SPINS = 2_000

// @ts-ignore: decorator
@external('env', 'stalled')
declare function stalled(times: i32, phase: i32): i32

/** Begins a frame with those of `threads` that are there. False when one is missing that has to be. */
export function gather(threads: i32): bool {
  const phase = atomic.load<i32>(CONTROL_PHASE)
  const quorum = load<i32>(CONTROL_QUORUM)
  let spins = 0
  let times = 0
  for (let here = 1; here < threads; here = atomic.load<i32>(CONTROL_GATE) & 0xff) {
    if (atomic.load<i32>(CONTROL_FAILED)) return false
    if (here >= quorum && spins >= WELCOME_SPINS) break
    if (++spins == SPINS) {
      spins = 0
      if (stalled(times++, phase)) return false
    }
  }
  atomic.store<i32>(CONTROL_INDEX, 0)
  atomic.store<i32>(CONTROL_CREW, atomic.load<i32>(CONTROL_GATE))
  return true
}

/** How many share the present instruction. */
export function crewNow(): i32 {
  return atomic.load<i32>(CONTROL_CREW) & 0xff
}

export function indexNow(): i32 {
  return atomic.load<i32>(CONTROL_INDEX)
}

/** No more workers enter this frame. */
export function closeGate(): void {
  atomic.store<i32>(CONTROL_GATE, 0)
}

/** Waits until all of the crew are here; false when the frame has failed. `last`: after the last instruction. */
export function barrier(crew: i32, last: bool): bool {
  // The phase cannot change before this thread has arrived.
  const phase = atomic.load<i32>(CONTROL_PHASE)
  if (atomic.add<i32>(CONTROL_ARRIVED, 1) == crew - 1) {
    atomic.store<i32>(CONTROL_ARRIVED, 0)
    returnShares(crew)
    if (last) closeGate()
    else {
      atomic.add<i32>(CONTROL_INDEX, 1)
      atomic.store<i32>(CONTROL_CREW, atomic.load<i32>(CONTROL_GATE))
    }
    atomic.store<i32>(CONTROL_PHASE, phase + 1)
    // Whoever is about to sleep counts first and then looks at the phase: either this sees it, or it sees the new phase.
    if (atomic.load<i32>(CONTROL_SLEEPERS) != 0) atomic.notify(CONTROL_PHASE, -1)
  } else {
    let spins = 0
    let times = 0
    while (atomic.load<i32>(CONTROL_PHASE) == phase) {
      if (atomic.load<i32>(CONTROL_FAILED)) return false
      if (++spins == SPINS) {
        spins = 0
        if (stalled(times++, phase)) return false
      }
    }
  }
  return atomic.load<i32>(CONTROL_FAILED) == 0
}

/** Enters the frame that is going on and waits for its next instruction: this thread's number in its crew, or 0 where it is too late. */
export function enter(): i32 {
  let gate = atomic.load<i32>(CONTROL_GATE)
  while (true) {
    if ((gate & 0xff) == 0) return 0
    const found = atomic.cmpxchg<i32>(CONTROL_GATE, gate, gate + 1)
    if (found == gate) break
    gate = found
  }
  const frame = gate >>> 8
  const number = gate & 0xff
  let spins = 0
  let times = 0
  while (true) {
    const phase = atomic.load<i32>(CONTROL_PHASE)
    const crew = atomic.load<i32>(CONTROL_CREW)
    if (crew >>> 8 == frame && (crew & 0xff) > number) return number
    // Were this thread of the crew, its frame could not have ended without it.
    const now = atomic.load<i32>(CONTROL_GATE)
    if (now >>> 8 != frame || (now & 0xff) == 0 || atomic.load<i32>(CONTROL_FAILED)) return 0
    if (++spins == SPINS) {
      spins = 0
      if (stalled(-1 - times++, phase)) return 0
    }
  }
}
