// How threads run a program together. Each thread has an instance of this module, and all share one
// memory. The caller of `run` leads. Workers call `work` (worker.ts) once and stay in it: they park
// between frames and spin within one.
//
// To begin a frame, the host stores the program's address and length, adds 1 to GENERATION, opens
// the gate and wakes the workers that are parked. The leader begins at once with the threads that
// are there. A worker that wakes later enters by the gate and takes part from the next instruction
// on, so nobody waits for it.
//
// GATE holds the frame's number and, in its low byte, how many threads have entered, the leader
// among them; a low byte of 0 means that it is closed. The number that a thread finds there when it
// enters is its own. After each instruction the crew meets at the barrier, which counts arrivals.
// The last one to arrive takes into the crew whoever has entered meanwhile (CREW becomes GATE), or
// closes the gate after the last instruction, and then opens the next phase. A thread that has
// entered but finds the gate closed, or of another frame, was never waited for, and parks again.
// The host may ask for a QUORUM, for example to time layers.
//
// A spin costs 0.1 to 0.4 microseconds, and a sleep ten times that or more, so sleeping within a
// frame is the host's last resort (src/host/platform/threads/patience.ts). It is asked by `stalled`
// every SPINS turns. After some milliseconds it sleeps until the phase changes, or says that a
// thread has been missing for too long. `times` is negative for a thread that is not of the crew
// yet.
//
// The host sets FAILED when a thread traps, and whoever waits for that thread leaves the program
// with ABORTED. Nothing here is used again afterwards, because the host begins anew with another
// memory.
//
// The control block lies below the program and above the module's static data:
// src/host/program/control.ts.

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

/** Turns of the barrier's loop before the host is asked: a tenth of a millisecond or two. */
const SPINS = 50_000
/** Turns for which the leader waits for workers that are awake: some microseconds. */
const WELCOME_SPINS = 2_000

// @ts-ignore: decorator
@external('env', 'stalled')
declare function stalled(times: i32, phase: i32): i32

/**
 * Begins a frame with those of `threads` threads that are there. Returns false when one is missing
 * that must be there.
 */
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

/** How many threads share the present instruction. */
export function crewNow(): i32 {
  return atomic.load<i32>(CONTROL_CREW) & 0xff
}

export function indexNow(): i32 {
  return atomic.load<i32>(CONTROL_INDEX)
}

/** Lets no more workers enter this frame. */
export function closeGate(): void {
  atomic.store<i32>(CONTROL_GATE, 0)
}

/**
 * Waits until the whole crew is here. Returns false when the frame has failed. `last`: this was the
 * last instruction.
 */
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
    // A thread that is about to sleep counts itself first and then looks at the phase. So either
    // this load sees it, or it sees the new phase.
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

/**
 * Enters the present frame and waits for its next instruction. Returns this thread's number in the
 * crew, or 0 when it comes too late.
 */
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
    // If this thread were of the crew, the frame could not have ended without it.
    const now = atomic.load<i32>(CONTROL_GATE)
    if (now >>> 8 != frame || (now & 0xff) == 0 || atomic.load<i32>(CONTROL_FAILED)) return 0
    if (++spins == SPINS) {
      spins = 0
      if (stalled(-1 - times++, phase)) return 0
    }
  }
}
