// Instructions with much work are cut into several shares a thread. A thread takes its own shares
// from the first one on, and then those that the others have not come to yet, from their last one
// on, until none is left. So nobody waits long for a thread whose core is slower, has other work,
// or wakes late (pthreadpool does the same). While all threads are equally fast, each keeps its own
// shares, and what it writes mostly stays in its processor's cache.
//
// The word of a thread counts what was taken of its shares: by itself in the low 16 bits, by others
// in the high ones. Every attempt adds 1, so all attempts see different sums. An attempt that sees
// less than `each` has a share, and each such attempt another one. The last thread at the barrier
// sets the words to 0.
//
// A thread has about as many shares as a kernel works on blocks, because each block reads the
// weights from memory anew. Small instructions have one share a thread, which no thread has to
// take.

import { attentionShares } from '../kernels/attention/attention_s16'
import { convShares } from '../kernels/conv/conv_s8'
import { winogradShares } from '../kernels/winograd/tiles'
import {
  AttentionS16,
  CONTROL_SHARES,
  Conv,
  Instruction,
  OP_ATTENTION_S16,
  OP_CONV_MLA_S8,
  OP_CONV_RELAXED_S8,
  OP_CONV_S8,
  OP_PACK_LINEAR,
  OP_PACK_STRIDED,
  OP_PACK_WINOGRAD,
  OP_STRIDED_WINOGRAD42_S8,
  OP_WINOGRAD23_S8,
  OP_WINOGRAD43_S8,
  PackLinear,
  PackStrided,
  PackWinograd,
  Winograd,
} from '../lib/instructions'
import { packShares } from '../pack'

/** How many shares each of `threads` threads has of an instruction. */
export function sharesOf(i: usize, threads: i32): i32 {
  switch (changetype<Instruction>(i).opcode) {
    case OP_WINOGRAD43_S8:
      return winogradShares(changetype<Winograd>(i), 43, threads)
    case OP_WINOGRAD23_S8:
      return winogradShares(changetype<Winograd>(i), 23, threads)
    case OP_STRIDED_WINOGRAD42_S8:
      return winogradShares(changetype<Winograd>(i), 42, threads)
    case OP_CONV_S8:
    case OP_CONV_MLA_S8:
    case OP_CONV_RELAXED_S8:
      return convShares(changetype<Conv>(i), threads)
    case OP_ATTENTION_S16:
      return attentionShares(changetype<AttentionS16>(i), threads)
    case OP_PACK_WINOGRAD:
      return packShares(changetype<PackWinograd>(i).outputChannels, threads)
    case OP_PACK_STRIDED:
      return packShares(changetype<PackStrided>(i).outputChannels, threads)
    case OP_PACK_LINEAR:
      return packShares(changetype<PackLinear>(i).outputChannels, threads)
    default:
      return 1
  }
}

/**
 * Takes a share that nobody has taken, when every thread has `each`. Returns -1 when none is left.
 */
export function takeShare(thread: i32, threads: i32, each: i32): i32 {
  for (let n = 0; n < threads; n++) {
    const owner = (thread + n) % threads
    const word = CONTROL_SHARES + ((<usize>owner) << 2)
    if (taken(atomic.load<i32>(word)) >= each) continue
    const before = atomic.add<i32>(word, n == 0 ? 1 : 1 << 16)
    if (taken(before) >= each) continue
    return owner * each + (n == 0 ? before & 0xffff : each - 1 - (before >>> 16))
  }
  return -1
}

function taken(counts: i32): i32 {
  return (counts & 0xffff) + (counts >>> 16)
}

/** Gives all shares back. */
export function returnShares(threads: i32): void {
  for (let thread: usize = 0; thread < <usize>threads; thread++) atomic.store<i32>(CONTROL_SHARES + (thread << 2), 0)
}
