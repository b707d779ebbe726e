import { gatherBytes } from '../kernels/conv/gather_bytes'
import { Filter } from '../lib/instructions'
import { block, instruction, random, setWindow } from './instruction'

function between(low: i32, high: i32): i32 {
  return low + <i32>(random() % <u32>(high - low + 1))
}

/**
 * How many values of fields of 3x3x3 differ between a picture of 4 bytes a pixel and the same
 * picture of 5, for which there is no special way.
 */
function differences(quads: bool): i32 {
  const height = between(1, 9)
  const width = between(1, 13)
  const stride = between(1, 3)
  const pad = between(0, 2)
  const outputHeight = max(0, height + 2 * pad - 3) / stride + 1
  const outputWidth = max(0, width + 2 * pad - 3) / stride + 1
  const short = block(height * width * 4)
  const long = block(height * width * 5)
  for (let p: usize = 0; p < <usize>(height * width); p++) memory.copy(long + p * 5, short + p * 4, 3)
  const pixels = outputHeight * outputWidth
  const bytes = ((pixels + 3) >> 2) * (quads ? 112 : 224)
  const first = block(bytes + 64)
  const second = block(bytes + 64)
  for (let n: usize = 0; n < 2; n++) {
    const i = instruction<Filter>()
    i.inputHeight = height
    i.inputWidth = width
    i.inputChannels = 3
    i.inputStride = 4 + <i32>n
    i.outputHeight = outputHeight
    i.outputWidth = outputWidth
    i.outputChannels = 8
    i.outputStride = 8
    setWindow(i, 3, stride, pad)
    gatherBytes(i, -9, n ? long : short, 0, pixels, n ? second : first, quads)
  }
  let wrong = 0
  for (let at: usize = 0; at < <usize>bytes; at++) {
    // The 28th value of a field is arbitrary.
    const k = quads ? ((at % 112) >> 4) * 4 + (at & 3) : ((at % 224) >> 4) * 2 + ((at >> 1) & 1)
    if (k < 27) wrong += i32(load<u8>(first + at) != load<u8>(second + at))
  }
  return wrong
}

describe('gathering fields of a picture', () => {
  test('pairs and quads, borders and strides, as from any other input', () => {
    for (let n = 0; n < 60; n++) {
      expect<i32>(differences(false)).toBe(0)
      expect<i32>(differences(true)).toBe(0)
    }
  })
})
