import { Copy, INSTRUCTION_BYTES, OP_COPY } from '../lib/instructions'
import { probe } from '../probe'
import { run } from '../program'
import { block } from './instruction'

/** Writes a copy of one byte as instruction n. */
function copyByte(program: usize, n: i32, from: usize, to: usize): void {
  const i = changetype<Copy>(program + <usize>n * INSTRUCTION_BYTES)
  i.opcode = OP_COPY
  i.input = from
  i.output = to
  i.pixels = 1
  i.pixelBytes = 1
  i.inputStride = 1
  i.outputStride = 1
}

describe('run', () => {
  test('does nothing when there is nothing to do', () => {
    expect<i32>(run(0, 0, 0, 1)).toBe(0)
  })

  test('executes instructions in order', () => {
    const program = block(256)
    const bytes = block(3)
    store<u8>(bytes, 7)
    copyByte(program, 0, bytes, bytes + 1)
    copyByte(program, 1, bytes + 1, bytes + 2)
    expect<i32>(run(program, 2, 0, 1)).toBe(0)
    expect<u8>(load<u8>(bytes + 2)).toBe(7)
  })

  test('stops at an unknown opcode and tells its place', () => {
    const program = block(384)
    const bytes = block(3)
    store<u8>(bytes, 7)
    store<u8>(bytes + 1, 0)
    copyByte(program, 0, bytes, bytes + 1)
    store<i32>(program + INSTRUCTION_BYTES, 0x7fffffff)
    expect<i32>(run(program, 3, 0, 1)).toBe(2)
    expect<u8>(load<u8>(bytes + 1)).toBe(7)
  })
})

describe('probe', () => {
  test('gives the same answer whatever was in its memory', () => {
    const at = block(4096)
    const answer = probe(at)
    expect<i32>(probe(at)).toBe(answer)
    expect<i32>(probe(block(4096))).toBe(answer)
  })
})
