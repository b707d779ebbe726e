// How an instruction's work is shared: thread `thread` of `threads` does the parts from start(count, thread, threads) up
// to start(count, thread + 1, threads), so the threads' shares are disjoint and together everything. What a part is
// (rows, tiles, channels) is each kernel's to say; it must not matter to any byte who does it.
//
// Instructions with much work are cut into more shares than there are threads (assembly/threads/shares.ts): a kernel then does share
// `part` of `parts`, in the scratch of the thread that runs it.

import { Instruction, SCRATCH_STRIDE_OFFSET } from '../lib/instructions'

let self: i32 = 0
let crew: i32 = 1

/** From now on this instance is thread `thread` of `threads`. */
export function join(thread: i32, threads: i32): void {
  self = thread
  crew = threads
}

/** How many threads run the program. */
export function crewSize(): i32 {
  return crew
}

/** The first part of a thread's share of `count`; those that come last may get less, or none. */
// @ts-ignore: decorator
@inline
export function start(count: i32, thread: i32, threads: i32): i32 {
  return min(((count + threads - 1) / threads) * thread, count)
}

/** The scratch of the thread that runs this: `first` is the first thread's, and the others follow at the instruction's stride. */
// @ts-ignore: decorator
@inline
export function scratchOf(i: Instruction, first: usize): usize {
  return first + <usize>load<u32>(changetype<usize>(i), SCRATCH_STRIDE_OFFSET) * <usize>self
}
