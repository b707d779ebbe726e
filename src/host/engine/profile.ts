import { type Plan, programStart } from '../plan/plan.js'
import { describeInstruction } from '../plan/program.js'
import { instructionBytes, opcodes, wordOf } from '../program/instruction.js'
import { phases } from '../program/kinds.js'
import type { EngineMemory } from './memory.js'

export interface StepTime {
  readonly name: string
  readonly op: string
  /** The instruction that ran, as `opcodes` names it. */
  readonly kernel: string
  readonly ms: number
  /** Of a Winograd convolution: its products alone, without the transforms. */
  readonly productsMs?: number
}

type Execute = (instruction: number) => void

/** Runs one instruction at a time and tells how long each took. */
export function profileSteps(
  plan: Plan,
  memory: EngineMemory,
  first: number,
  end: number,
  execute: Execute,
  now: () => number,
): StepTime[] {
  const timed = (instruction: number): number => {
    const start = now()
    execute(instruction)
    return now() - start
  }
  return Array.from({ length: end - first }, (_, i) => {
    const instruction = first + i
    const ms = timed(instruction)
    const kernel = kernelName(memory, instruction)
    const productsMs = /winograd/i.test(kernel)
      ? { productsMs: timeProducts(memory, timed, instruction) }
      : {}
    return { ...describeInstruction(plan, instruction), kernel, ms, ...productsMs }
  })
}

/**
 * The products of a Winograd convolution by themselves, just after it ran: all that they touch is
 * its scratch.
 */
function timeProducts(
  { words }: EngineMemory,
  timed: (instruction: number) => number,
  instruction: number,
): number {
  const phase = (programStart + instruction * instructionBytes) / 4 + wordOf('winograd43S8', 'phase')
  words[phase] = phases.products
  const ms = timed(instruction)
  words[phase] = phases.whole
  return ms
}

function kernelName({ words }: EngineMemory, instruction: number): string {
  const opcode = words[(programStart + instruction * instructionBytes) / 4]
  return Object.entries(opcodes).find(([, code]) => code === opcode)![0]
}
