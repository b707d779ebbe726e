import type { FieldKind, Layout } from './field.js'
import { fields, type Instruction, instructionWords } from './instruction.js'
import { enumerations } from './kinds.js'
import { opcodes } from './opcodes.js'

const float = new Float32Array(1)
const floatBits = new Int32Array(float.buffer)

/**
 * The words of an instruction; the last, the scratch's stride, is 0. Throws for a number that its
 * kind does not have.
 */
export function encode(instruction: Instruction): Int32Array {
  const words = new Int32Array(instructionWords)
  words[0] = opcodes[instruction.opcode]
  const layout: Layout = fields[instruction.opcode]
  const values: Readonly<Record<string, number>> = instruction.fields
  let word = 1
  for (const name in layout) {
    const value = values[name]
    check(instruction.opcode, name, layout[name], value)
    words[word++] = layout[name] === 'float' ? bitsOf(value) : value | 0
  }
  return words
}

/** Addresses are unsigned, but `| 0` keeps their bits. */
function bitsOf(value: number): number {
  float[0] = value
  return floatBits[0]
}

/**
 * A mistake of whoever made the instruction, not of a file: verified models have no unknown kinds.
 */
function check(opcode: string, name: string, kind: FieldKind, value: number): void {
  if (!(kind in enumerations)) return
  const known: readonly number[] = Object.values(enumerations[kind as keyof typeof enumerations])
  if (!known.includes(value)) throw new RangeError(`${opcode}: ${name} is ${value}, which is no ${kind}`)
}
