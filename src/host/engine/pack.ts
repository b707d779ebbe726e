import type { Plan } from '../plan/plan.js'
import { programStart } from '../program/control.js'
import { encode } from '../program/encode.js'
import type { PackExports } from '../program/exports.js'
import { type Instruction, instructionWords, scratchStrideWord } from '../program/instruction.js'
import { sizes } from '../program/sizes.js'
import type { Engine } from './engine.js'

/**
 * The engine's packing, shared among its threads where they are there: an instruction takes the
 * place of the program's first one while it runs, so it needs no memory of its own.
 */
export function sharedPacking(engine: Engine, plan: Plan): PackExports {
  if (engine.threads === 1) return engine.exports
  const run = (instruction: Instruction): void => {
    const words = encode(instruction)
    words[scratchStrideWord] = sizes.packingStrideBytes
    const at = programStart / 4
    const before = engine.memory.words.slice(at, at + instructionWords)
    engine.memory.words.set(words, at)
    try {
      engine.run(programStart, 1)
    } finally {
      // A run that lost a thread has moved to another memory.
      engine.memory.words.set(before, at)
    }
  }
  return {
    ...engine.exports,
    pack_winograd_s8(size, source, foldedBias, target, outputChannels, channels, chunk, product, work) {
      const fields = { size, source, foldedBias, target, outputChannels, channels, chunk, product, work }
      // The threads' work lies behind the staged weights, where tensors lie during a run.
      if (work + sizes.packingStrideBytes * engine.threads <= plan.end)
        run({ opcode: 'packWinograd', fields })
      else {
        engine.exports.pack_winograd_s8(
          ...([size, source, foldedBias, target, outputChannels, channels, chunk, product, work] as const),
        )
      }
    },
    pack_strided_s8: (source, foldedBias, target, outputChannels, channels, chunk, product) =>
      run({
        opcode: 'packStrided',
        fields: { source, foldedBias, target, outputChannels, channels, chunk, product },
      }),
    pack_linear_s8: (source, target, outputChannels, depth, limit) =>
      run({ opcode: 'packLinear', fields: { source, target, outputChannels, depth, limit } }),
  }
}
