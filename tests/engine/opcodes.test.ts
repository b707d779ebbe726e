import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { fields, instructionBytes, instructionWords, opcodes } from '../../src/host/program/instruction.js'

const source = readFileSync(new URL('../../assembly/lib/opcodes.ts', import.meta.url), 'utf8')

test("the engine's opcodes are the host's", () => {
  const constants = [...source.matchAll(/^export const OP_(\w+): i32 = (\d+)$/gm)]
  const engine = constants.map(([, name, value]) => [
    name.toLowerCase().replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
    Number(value),
  ])
  expect(Object.fromEntries(engine)).toEqual(opcodes)
  expect(engine).toHaveLength(Object.keys(opcodes).length)
})

test('instructions have one size', () => {
  expect(source).toContain(`INSTRUCTION_BYTES: usize = ${instructionBytes}\n`)
  for (const names of Object.values(fields)) expect(names.length).toBeLessThan(instructionWords)
})
