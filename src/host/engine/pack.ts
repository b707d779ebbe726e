import type { PackExports } from '../graph/descriptor.js'
import { type Plan, programStart } from '../plan/plan.js'
import { instructionWords, opcodes, scratchStrideWord } from '../program/instruction.js'
import type { Engine } from './engine.js'

/** Of assembly/pack.ts. */
const kinds = { winograd: 1, strided: 2, linear: 3 } as const

/** What a Winograd filter passes through on its way, for each thread. */
const workBytes = 896

/**
 * The engine's packing, shared among its threads where they are there: an instruction that stands in the place of the program's
 * first while it runs, and asks for no memory of its own.
 */
export function sharedPacking(engine: Engine, plan: Plan): PackExports {
  if (engine.threads === 1) return engine.exports
  const run = (kind: keyof typeof kinds, values: readonly number[]): void => {
    const words = new Int32Array(instructionWords)
    words.set([opcodes.pack, kinds[kind], ...values])
    words[scratchStrideWord] = workBytes
    const at = programStart / 4
    const before = engine.memory.words.slice(at, at + instructionWords)
    engine.memory.words.set(words, at)
    try {
      engine.run(programStart, 1)
    } finally {
      // In another memory where a thread was lost.
      engine.memory.words.set(before, at)
    }
  }
  return {
    ...engine.exports,
    pack_winograd_s8(...values) {
      // The threads' work lies behind the staged weights, where else tensors do.
      const work = values[values.length - 1]
      if (work + workBytes * engine.threads > plan.end) engine.exports.pack_winograd_s8(...values)
      else run('winograd', values)
    },
    pack_strided_s8: (...values) => run('strided', values),
    pack_linear_s8: (...values) => run('linear', values),
  }
}
