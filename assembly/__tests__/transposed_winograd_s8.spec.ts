import {
  pack_transposed_s8,
  transposed_winograd22_s8,
  transposed_winograd42_s8,
} from '../kernels/winograd/transposed_winograd_s8'
import { OutputType, Phase, TransposedWinograd } from '../lib/instructions'
import { block, instruction, random, setScratchStride } from './instruction'

// The Winograd forms of the int8 transposed convolution against a plain loop: 4x4, stride 2,
// padding 1.

const ZERO = -7
const OUTPUT_ZERO = 4
const LOW: i32 = -128 - 4
const HIGH: i32 = 127 - 4

function between(low: i32, high: i32): i32 {
  return low + <i32>(random() % <u32>(high - low + 1))
}

let height: i32 = 0
let width: i32 = 0
let channels: i32 = 0
let outputs: i32 = 0
let input: usize = 0
let weights: usize = 0
let bias: usize = 0
let multipliers: usize = 0
let output: usize = 0

/** Inputs and weights at their extremes where `extreme`. */
function draw(inputs: i32, outs: i32, extreme: bool): void {
  height = between(1, 10)
  width = between(1, 10)
  channels = inputs
  outputs = outs
  input = block(height * width * channels)
  weights = block(outputs * 16 * channels)
  if (extreme) {
    for (let n = 0; n < height * width * channels; n++) store<i8>(input + n, random() & 1 ? 127 : -128)
    for (let n = 0; n < outputs * 16 * channels; n++) store<i8>(weights + n, random() & 7 ? -128 : 127)
  }
  const padded = (outputs + 7) & ~7
  bias = block(padded * 4)
  multipliers = block(padded * 4)
  for (let o = 0; o < padded; o++) {
    store<i32>(bias + o * 4, between(-9000, 9000))
    store<f32>(multipliers + o * 4, <f32>between(1, 1000) / (20000 * sqrt<f32>(<f32>channels)))
  }
  output = block(4 * height * width * outputs)
}

/** How many outputs are not what the definition gives. */
function wrong(): i32 {
  let count = 0
  for (let y = 0; y < 2 * height; y++) {
    for (let x = 0; x < 2 * width; x++) {
      for (let o = 0; o < outputs; o++) {
        let acc = load<i32>(bias + o * 4)
        for (let row = 0; row < height; row++) {
          for (let column = 0; column < width; column++) {
            const ky = y + 1 - 2 * row
            const kx = x + 1 - 2 * column
            if (ky < 0 || ky >= 4 || kx < 0 || kx >= 4) continue
            for (let c = 0; c < channels; c++) {
              const value = <i32>load<i8>(input + (row * width + column) * channels + c) - ZERO
              acc += value * <i32>load<i8>(weights + ((o * 4 + ky) * 4 + kx) * channels + c)
            }
          }
        }
        const real = <f32>acc * load<f32>(multipliers + o * 4)
        const active = max<f32>(real, real * <f32>0.1)
        const clamped = min<f32>(max<f32>(active, <f32>LOW), <f32>HIGH)
        const expected = <i32>nearest<f32>(clamped) + OUTPUT_ZERO
        count += i32(<i32>load<i8>(output + (y * 2 * width + x) * outputs + o) != expected)
      }
    }
  }
  return count
}

/** With every thread's share done in turn, as `threads` threads would. */
function winograd(form: i32, product: i32, most: i32, threads: i32): i32 {
  const phaseBytes = ((outputs + 7) >> 3) * (32 + ((channels + 7) >> 3) * 4 * 64)
  const packed = block(4 * phaseBytes)
  for (let phase = 0; phase < 4; phase++) {
    const own = block(outputs * 4 * channels)
    let to = own
    for (let o = 0; o < outputs; o++) {
      for (let tap = 0; tap < 4; tap++) {
        // Row 3 and row 1 of the kernel meet the outputs of even rows, 2 and 0 those of odd ones.
        const ky = 3 - (phase >> 1) - 2 * (tap >> 1)
        const kx = 3 - (phase & 1) - 2 * (tap & 1)
        memory.copy(to, weights + ((o * 4 + ky) * 4 + kx) * channels, channels)
        to += channels
      }
    }
    pack_transposed_s8(own, packed + phase * phaseBytes, bias, outputs, channels, ZERO, product)
  }
  const scaled = block(((outputs + 7) >> 3) * 32)
  for (let o = 0; o < outputs; o++) {
    store<f32>(scaled + o * 4, load<f32>(multipliers + o * 4) / <f32>(form == 42 ? 4 : 1))
  }
  const i = instruction<TransposedWinograd>()
  i.input = input
  i.output = output
  i.weights = packed
  i.multipliers = scaled
  i.inputHeight = height
  i.inputWidth = width
  i.inputChannels = channels
  i.inputStride = channels
  i.outputHeight = 2 * height
  i.outputWidth = 2 * width
  i.outputChannels = outputs
  i.outputStride = outputs
  i.padTop = 1
  i.padLeft = 1
  i.inputZeroPoint = ZERO
  i.outputZeroPoint = OUTPUT_ZERO
  i.slope = 0.1
  i.low = -128
  i.high = 127
  i.outputType = OutputType.int8
  i.scratch = block(1 << 19)
  i.block = most
  i.chunk = 1
  i.product = product
  i.phase = Phase.whole
  i.outputRowStride = 2 * width * outputs
  i.strideY = 2
  i.strideX = 2
  setScratchStride(i, 1 << 17)
  for (let thread = 0; thread < threads; thread++) {
    if (form == 42) transposed_winograd42_s8(i, thread, threads)
    else transposed_winograd22_s8(i, thread, threads)
  }
  return wrong()
}

describe('forms of the int8 transposed convolution', () => {
  test('F(4x4,2x2) and F(2x2,2x2), both products, blocks and threads', () => {
    for (let n = 0; n < 8; n++) {
      draw(between(1, 20), between(1, 40), n > 5)
      for (let product = 0; product < 2; product++) {
        expect<i32>(winograd(42, product, between(1, 4), 1)).toBe(0)
        expect<i32>(winograd(22, product, between(1, 4), 1)).toBe(0)
        expect<i32>(winograd(42, product, 2, 3)).toBe(0)
        expect<i32>(winograd(22, product, 1, 4)).toBe(0)
      }
    }
  })
})
