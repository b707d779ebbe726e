import { describe, expect, it } from 'vitest'
import type { Layout } from '../../src/host/program/field.js'
import { fields, instructionWords, type Opcode, opcodes } from '../../src/host/program/instruction.js'
import { enumerations, kindOf } from '../../src/host/program/kinds.js'
import { builds, loadEngine, programStart } from '../helpers/engine.js'

/** Every field that holds a kind, and a number that the kind does not have. */
const cases = Object.keys(opcodes).flatMap((opcode) => {
  const layout: Layout = fields[opcode as Opcode]
  return Object.entries(layout).flatMap(([field, kind], n) => {
    // A float32 kernel stores nothing else.
    if (!(kind in enumerations) || (field === 'outputType' && opcode.endsWith('F32'))) return []
    const known: readonly number[] = Object.values(enumerations[kind as keyof typeof enumerations])
    return [-1, Math.max(...known) + 1].map((value) => [opcode as Opcode, field, value, n + 1] as const)
  })
})

describe('a kind that the engine does not know', () => {
  it.each(cases)('%s traps on the %s %d', (opcode, _field, value, word) => {
    const layout: Layout = fields[opcode]
    const words = new Int32Array(instructionWords)
    words[0] = opcodes[opcode]
    Object.values(layout).forEach((kind, n) => {
      if (kind in enumerations) words[n + 1] = Object.values(enumerations[kind as 'phase'])[0]
    })
    words[word] = value
    for (const build of builds) {
      const { memory, exports } = loadEngine(build, 1 << 16)
      new Int32Array(memory.buffer, programStart, words.length).set(words)
      expect(() => exports.run(programStart, 1, 0, 1), build).toThrow('unreachable')
    }
  })

  it.each(builds)('traps in a packing export, %s', (build) => {
    const { exports } = loadEngine(build, 1 << 16)
    const at = programStart
    expect(() => exports.pack_conv_product_s8(3, at, at, 0, 0, 1)).toThrow('unreachable')
    expect(() => exports.pack_winograd_s8(3, at, at, at, 0, 0, 1, 0, at)).toThrow('unreachable')
    expect(() => exports.pack_winograd_s8(4, at, at, at, 0, 0, 1, 2, at)).toThrow('unreachable')
    expect(() => exports.pack_strided_s8(at, at, at, 0, 0, 1, 2)).toThrow('unreachable')
    expect(() => exports.pack_transposed_s8(at, at, at, 0, 0, 0, 2)).toThrow('unreachable')
  })
})

describe('a kind by its name', () => {
  it('is its number', () => {
    expect(kindOf(enumerations.activation, 'tanh')).toBe(5)
  })

  it.each(['sine', 'toString', ''])('is an error for %o', (name) => {
    expect(() => kindOf(enumerations.activation, name)).toThrow(RangeError)
  })
})
