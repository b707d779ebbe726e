// How threads share an instruction: thread `thread` of `threads` does the parts from start(count,
// thread, threads) up to start(count, thread + 1, threads). So the shares are disjoint, and
// together they are everything. Each kernel decides what a part is: rows, tiles or channels. No
// byte may depend on who computes it.
//
// An instruction with much work is cut into more shares than there are threads
// (assembly/threads/shares.ts). Its kernel then does share `part` of `parts` in the scratch of the
// thread that runs it.

import { Instruction, SCRATCH_STRIDE_OFFSET } from '../lib/instructions'

let self: i32 = 0
let crew: i32 = 1

/** Makes this instance thread `thread` of `threads`. */
export function join(thread: i32, threads: i32): void {
  self = thread
  crew = threads
}

/** How many threads run the program. */
export function crewSize(): i32 {
  return crew
}

/**
 * The first part of a thread's share of `count`. The last threads may get less than others, or
 * nothing.
 */
// @ts-ignore: decorator
@inline
export function start(count: i32, thread: i32, threads: i32): i32 {
  return min(((count + threads - 1) / threads) * thread, count)
}

/**
 * The scratch of the thread that runs this. `first` belongs to the first thread, and the others
 * follow at the stride that the instruction holds.
 */
// @ts-ignore: decorator
@inline
export function scratchOf(i: Instruction, first: usize): usize {
  return first + <usize>load<u32>(changetype<usize>(i), SCRATCH_STRIDE_OFFSET) * <usize>self
}
