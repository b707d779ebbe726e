import { opcodes } from '../../src/host/program/instruction.js'
import type { FirmwareInstruction } from './layout.js'
import { cComment, rows } from './words.js'

export interface ProgramWords {
  readonly words: readonly number[]
  /** The same as rows of C, with the name of each instruction. */
  readonly c: string
}

export const numberOf = ({ opcode }: FirmwareInstruction): number =>
  opcode === 'beginList' ? 0 : opcodes[opcode]

/** Opcode and number of words, the masks of addresses in the arena and in flash, the words. */
export function programWords(instructions: readonly FirmwareInstruction[]): ProgramWords {
  const all = instructions.map((one) => [
    numberOf(one) + one.words.length * 256,
    one.arenaMask,
    one.flashMask,
    ...one.words,
  ])
  const c = instructions.map(
    (one, n) => `    /* ${cComment(one.name)}: ${one.opcode} */\n${rows(all[n], 8, 8)}`,
  )
  return { words: all.flat(), c: c.join('') }
}
