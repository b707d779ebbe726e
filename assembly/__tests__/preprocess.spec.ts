import { preprocess } from '../kernels/picture/preprocess'
import { OutputType, Preprocess } from '../lib/instructions'
import { block, instruction } from './instruction'

/** Three tables that keep a byte as it is. */
function identity(): usize {
  const at = block(768)
  for (let n = 0; n < 768; n++) store<u8>(at + n, <u8>n)
  return at
}

/**
 * A picture of size `from` on a canvas of size `to`. `rest` has the resized size, the offset, the
 * padding and whether red and blue are swapped.
 */
function placed(source: usize, output: usize, from: i32[], to: i32[], rest: i32[], scratch: usize): Preprocess {
  const i = instruction<Preprocess>()
  i.source = source
  i.output = output
  i.sourceWidth = from[0]
  i.sourceHeight = from[1]
  i.outputWidth = to[0]
  i.outputHeight = to[1]
  i.outputStride = 3
  i.outputType = OutputType.int8
  i.table = identity()
  i.resizedWidth = rest[0]
  i.resizedHeight = rest[1]
  i.offsetX = rest[2]
  i.offsetY = rest[3]
  i.pad = rest[4]
  i.swapRedBlue = rest[5]
  i.scratch = scratch
  return i
}

describe('preprocess', () => {
  test('the same size is the same picture', () => {
    const source = block(7 * 5 * 4)
    const output = block(7 * 5 * 3)
    preprocess(placed(source, output, [7, 5], [7, 5], [7, 5, 0, 0, 0, 0], block(8 * 8 + 64)), 0, 1)
    for (let p = 0; p < 35; p++) {
      for (let c = 0; c < 3; c++) {
        expect<u8>(load<u8>(output + p * 3 + c)).toBe(load<u8>(source + p * 4 + c))
      }
    }
  })

  test('half the size is the rounded mean of four', () => {
    const source = block(8 * 6 * 4)
    const output = block(4 * 3 * 3)
    preprocess(placed(source, output, [8, 6], [4, 3], [4, 3, 0, 0, 0, 0], block(4 * 8 + 64)), 0, 1)
    for (let y = 0; y < 3; y++) {
      for (let x = 0; x < 4; x++) {
        for (let c = 0; c < 3; c++) {
          const at = source + (y * 2 * 8 + x * 2) * 4 + c
          const sum = <i32>load<u8>(at) + load<u8>(at, 4) + load<u8>(at, 32) + load<u8>(at, 36)
          expect<i32>(load<u8>(output + (y * 4 + x) * 3 + c)).toBe((sum + 2) >> 2)
        }
      }
    }
  })

  test('one pixel fills its place, in BGR, and the rest is padding', () => {
    const source = block(4)
    const output = block(6 * 5 * 3)
    preprocess(placed(source, output, [1, 1], [6, 5], [3, 2, 2, 1, 114, 1], block(4 * 8 + 64)), 0, 1)
    for (let y = 0; y < 5; y++) {
      for (let x = 0; x < 6; x++) {
        const inside = x >= 2 && x < 5 && y >= 1 && y < 3
        for (let c = 0; c < 3; c++) {
          const expected = inside ? load<u8>(source + 2 - c) : <u8>114
          expect<u8>(load<u8>(output + (y * 6 + x) * 3 + c)).toBe(expected)
        }
      }
    }
  })
})
