import { conv_mla_s8, conv_relaxed_s8, pack_conv_product_s8 } from '../kernels/conv/conv_s8'
import { pack_strided_s8, strided_winograd42_s8 } from '../kernels/winograd/strided_winograd_s8'
import { pack_winograd_s8, winograd23_s8, winograd43_s8 } from '../kernels/winograd/winograd_s8'
import { Conv, ConvProduct, OutputType, Phase, Winograd } from '../lib/instructions'
import { block, instruction, random, setScratchStride, setWindow } from './instruction'

// The forms of the int8 convolution against a plain loop: Winograd, multiply-adds, products of
// four.

const ZERO = -7
const OUTPUT_ZERO = 4
const LOW: i32 = -128 - 4
const HIGH: i32 = 127 - 4

function between(low: i32, high: i32): i32 {
  return low + <i32>(random() % <u32>(high - low + 1))
}

let height: i32 = 0
let width: i32 = 0
let stride: i32 = 1
let channels: i32 = 0
let outputs: i32 = 0
let input: usize = 0
let weights: usize = 0
let bias: usize = 0
let folded: usize = 0
let multipliers: usize = 0
let output: usize = 0

/** Sides of the output. */
function down(side: i32): i32 {
  return (side - 1) / stride + 1
}

/**
 * A 3x3 convolution, padded by 1, with weights within -64..most, at their extremes where `extreme`.
 */
function draw(inputs: i32, outs: i32, most: i32, extreme: bool = false): void {
  height = between(1, 14)
  width = between(1, 14)
  channels = inputs
  outputs = outs
  input = block(height * width * channels)
  weights = block(outputs * 9 * channels)
  for (let n = 0; n < outputs * 9 * channels; n++) store<i8>(weights + n, between(-64, most))
  if (extreme) {
    for (let n = 0; n < height * width * channels; n++) store<i8>(input + n, random() & 1 ? 127 : -128)
    for (let n = 0; n < outputs * 9 * channels; n++) store<i8>(weights + n, random() & 7 ? -64 : most)
  }
  const padded = (outputs + 7) & ~7
  bias = block(padded * 4)
  folded = block(padded * 4)
  multipliers = block(padded * 4)
  for (let o = 0; o < padded; o++) {
    let sum = 0
    if (o < outputs) for (let k = 0; k < 9 * channels; k++) sum += load<i8>(weights + o * 9 * channels + k)
    store<i32>(bias + o * 4, between(-9000, 9000))
    store<i32>(folded + o * 4, load<i32>(bias + o * 4) - ZERO * sum)
    store<f32>(multipliers + o * 4, <f32>between(1, 1000) / (20000 * sqrt<f32>(<f32>channels)))
  }
  output = block(down(height) * down(width) * outputs)
}

/** How many outputs are not what the definition gives. */
function wrong(): i32 {
  let count = 0
  for (let y = 0; y < down(height); y++) {
    for (let x = 0; x < down(width); x++) {
      for (let o = 0; o < outputs; o++) {
        let acc = load<i32>(bias + o * 4)
        for (let ky = 0; ky < 3; ky++) {
          for (let kx = 0; kx < 3; kx++) {
            const row = y * stride + ky - 1
            const column = x * stride + kx - 1
            if (row < 0 || row >= height || column < 0 || column >= width) continue
            for (let c = 0; c < channels; c++) {
              const value = <i32>load<i8>(input + (row * width + column) * channels + c) - ZERO
              acc += value * <i32>load<i8>(weights + ((o * 3 + ky) * 3 + kx) * channels + c)
            }
          }
        }
        const real = <f32>acc * load<f32>(multipliers + o * 4)
        const active = max<f32>(real, real * <f32>0.1)
        const clamped = min<f32>(max<f32>(active, <f32>LOW), <f32>HIGH)
        const expected = <i32>nearest<f32>(clamped) + OUTPUT_ZERO
        count += i32(<i32>load<i8>(output + (y * down(width) + x) * outputs + o) != expected)
      }
    }
  }
  return count
}

/** With every thread's share done in turn, as `threads` threads would. */
function winograd(size: i32, product: i32, chunk: i32, threads: i32): i32 {
  const taps = stride == 2 ? 81 : (size + 2) * (size + 2)
  const panels = (outputs + 7) >> 3
  const packed = block(panels * taps * (((channels + 7) >> 3) * 128 + 32))
  if (stride == 2) pack_strided_s8(weights, folded, packed, outputs, channels, chunk, product)
  else pack_winograd_s8(size, weights, folded, packed, outputs, channels, chunk, product, block(54 * 16))
  const scaled = block(panels * 32)
  for (let o = 0; o < outputs; o++) {
    store<f32>(scaled + o * 4, load<f32>(multipliers + o * 4) / <f32>(size == 4 && stride == 1 ? 64 : 4))
  }
  const i = instruction<Winograd>()
  i.input = input
  i.output = output
  i.weights = packed
  i.multipliers = scaled
  i.inputHeight = height
  i.inputWidth = width
  i.inputChannels = channels
  i.inputStride = channels
  i.outputHeight = down(height)
  i.outputWidth = down(width)
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
  i.scratch = block(1 << 18)
  i.block = 3
  i.chunk = chunk
  i.product = product
  i.phase = Phase.whole
  i.outputRowStride = down(width) * outputs
  setScratchStride(i, 1 << 15)
  for (let thread = 0; thread < threads; thread++) {
    if (stride == 2) strided_winograd42_s8(i, thread, threads)
    else if (size == 4) winograd43_s8(i, thread, threads)
    else winograd23_s8(i, thread, threads)
  }
  return wrong()
}

/** conv_mla_s8 or conv_relaxed_s8. */
function gathered(product: i32): i32 {
  const depth = 9 * channels
  const panels = (outputs + 7) >> 3
  const packed = block(panels * ((depth + 1) >> 1) * 32)
  pack_conv_product_s8(product, weights, packed, outputs, depth, 1)
  const i = instruction<Conv>()
  i.input = input
  i.output = output
  i.weights = packed
  i.bias = folded
  i.multipliers = multipliers
  i.inputHeight = height
  i.inputWidth = width
  i.inputChannels = channels
  i.inputStride = channels
  i.outputHeight = height
  i.outputWidth = width
  i.outputChannels = outputs
  i.outputStride = outputs
  setWindow(i, 3, 1, 1)
  i.groups = 1
  i.inputZeroPoint = ZERO
  i.outputZeroPoint = OUTPUT_ZERO
  i.slope = 0.1
  i.low = -128
  i.high = 127
  i.outputType = OutputType.int8
  i.scratch = block(16 * ((depth + 1) >> 1) * 4 + 64 + 128 + 64)
  i.block = 16
  if (product == ConvProduct.mla) conv_mla_s8(i, 0, 1)
  else conv_relaxed_s8(i, 0, 1)
  return wrong()
}

describe('forms of the int8 convolution', () => {
  test('F(4x4,3x3) and F(2x2,3x3), both products, chunks and threads', () => {
    for (let n = 0; n < 12; n++) {
      draw(between(1, 20), between(1, 40), n & 1 ? 63 : 127, n < 4)
      for (let product = 0; product < 2; product++) {
        expect<i32>(winograd(4, product, between(1, 5), 1)).toBe(0)
        expect<i32>(winograd(2, product, between(1, 5), 1)).toBe(0)
        expect<i32>(winograd(4, product, 2, 3)).toBe(0)
        expect<i32>(winograd(2, product, 2, 4)).toBe(0)
      }
    }
  })

  test('F(4x4,2x2) of four phases at stride 2, both products, chunks and threads', () => {
    stride = 2
    for (let n = 0; n < 12; n++) {
      draw(between(1, 20), between(1, 40), n & 1 ? 63 : 127, n < 4)
      for (let product = 0; product < 2; product++) {
        expect<i32>(winograd(4, product, between(1, 5), 1)).toBe(0)
        expect<i32>(winograd(4, product, 2, 3)).toBe(0)
      }
    }
    stride = 1
  })

  test('multiply-adds', () => {
    for (let n = 0; n < 10; n++) {
      draw(between(1, 20), between(1, 20), 127)
      expect<i32>(gathered(ConvProduct.mla)).toBe(0)
    }
  })

  test('products of four', () => {
    for (let n = 0; n < 10; n++) {
      draw(between(1, 20), between(1, 20), 63)
      expect<i32>(gathered(ConvProduct.relaxed)).toBe(0)
    }
  })
})
