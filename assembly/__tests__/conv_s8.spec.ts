import { conv_s8, pack_conv_s8 } from '../kernels/conv/conv_s8'
import { depthwise_s8, pack_depthwise_s8 } from '../kernels/conv/depthwise_s8'
import { Conv, OutputType } from '../lib/instructions'
import { block, instruction, random } from './instruction'

/** A shape drawn at random; channels are those of one group. */
class Shape {
  height: i32 = between(1, 9)
  width: i32 = between(1, 9)
  inputs: i32 = between(1, 20)
  outputs: i32 = between(1, 20)
  groups: i32 = between(1, 3)
  kernelHeight: i32 = between(1, 5)
  kernelWidth: i32 = between(1, 5)
  strideY: i32 = between(1, 3)
  strideX: i32 = between(1, 3)
  padTop: i32 = between(0, min(2, this.kernelHeight - 1))
  padLeft: i32 = between(0, min(2, this.kernelWidth - 1))
  inputZero: i32 = between(-128, 127)
  outputZero: i32 = between(-128, 127)
  slope: f32 = 0
  head: bool = between(0, 4) == 0
  inputStride: i32 = 0
  outputStride: i32 = 0

  get outputHeight(): i32 {
    return max(0, this.height + 2 * this.padTop - this.kernelHeight) / this.strideY + 1
  }

  get outputWidth(): i32 {
    return max(0, this.width + 2 * this.padLeft - this.kernelWidth) / this.strideX + 1
  }
}

function between(low: i32, high: i32): i32 {
  return low + <i32>(random() % <u32>(high - low + 1))
}

function draw(depthwise: bool): Shape {
  const shape = new Shape()
  if (depthwise) {
    shape.groups = between(2, 40)
    shape.inputs = 1
    shape.outputs = 1
  }
  const kind = between(0, 2)
  shape.slope = kind == 0 ? <f32>0 : kind == 1 ? <f32>0.1 : <f32>1
  shape.inputStride = shape.groups * shape.inputs + between(0, 5)
  shape.outputStride = shape.groups * shape.outputs * (shape.head ? 4 : 1) + between(0, 5)
  return shape
}

/** Random int8 with the extremes often among them. */
function bytes(count: i32): usize {
  const at = block(count)
  for (let n = 0; n < count; n++) {
    if (random() % 4 == 0) store<i8>(at + n, random() & 1 ? -128 : 127)
  }
  return at
}

/**
 * One sum by the definition: bias plus (input - zero point) * weight over the window inside the
 * input.
 */
function sum(s: Shape, input: usize, weights: usize, bias: i32, y: i32, x: i32, o: i32): i32 {
  let acc = bias
  let weight = weights + o * s.kernelHeight * s.kernelWidth * s.inputs
  for (let ky = 0; ky < s.kernelHeight; ky++) {
    for (let kx = 0; kx < s.kernelWidth; kx++) {
      const row = y * s.strideY - s.padTop + ky
      const column = x * s.strideX - s.padLeft + kx
      const inside = row >= 0 && row < s.height && column >= 0 && column < s.width
      const at = input + (row * s.width + column) * s.inputStride + (o / s.outputs) * s.inputs
      for (let c = 0; c < s.inputs; c++) {
        if (inside) acc += (<i32>load<i8>(at + c) - s.inputZero) * <i32>load<i8>(weight)
        weight++
      }
    }
  }
  return acc
}

function quantised(s: Shape, y: f32): i32 {
  const active = max<f32>(y, y * s.slope)
  const low: i32 = -128 - s.outputZero
  const high: i32 = 127 - s.outputZero
  return <i32>nearest<f32>(min<f32>(max<f32>(active, <f32>low), <f32>high)) + s.outputZero
}

/** Runs a shape; returns how many values or bytes between them differ from what they should be. */
function differences(s: Shape, depthwise: bool): i32 {
  const channels = s.groups * s.outputs
  const depth = s.kernelHeight * s.kernelWidth * s.inputs
  const pixels = s.outputHeight * s.outputWidth
  const perGroup = depthwise ? channels : s.outputs
  const padded = (perGroup + 7) & ~7
  const panels = depthwise ? padded : s.groups * padded
  const input = bytes(s.height * s.width * s.inputStride)
  const output = block(pixels * s.outputStride)
  const before = block(pixels * s.outputStride)
  memory.copy(before, output, pixels * s.outputStride)
  const weights = bytes(channels * depth)
  const bias = block(channels * 4)
  for (let n = 0; n < channels; n++) store<i32>(bias + n * 4, between(-50000, 50000))
  const multipliers = block(panels * 4)
  for (let n = 0; n < panels; n++)
    store<f32>(multipliers + n * 4, <f32>between(1, 1000) / (20000 * sqrt<f32>(<f32>depth)))
  const packed = block(panels * ((depth + 1) >> 1) * 4)
  const folded = block(panels * 4)
  if (depthwise) pack_depthwise_s8(weights, packed, bias, channels, depth, s.inputZero, folded)
  else pack_conv_s8(weights, packed, bias, s.outputs, depth, s.groups, s.inputZero, folded)
  const i = instruction<Conv>()
  i.input = input
  i.output = output
  i.weights = packed
  i.bias = folded
  i.multipliers = multipliers
  i.inputHeight = s.height
  i.inputWidth = s.width
  i.inputChannels = s.inputs
  i.inputStride = s.inputStride
  i.outputHeight = s.outputHeight
  i.outputWidth = s.outputWidth
  i.outputChannels = s.outputs
  i.outputStride = s.outputStride
  i.kernelHeight = s.kernelHeight
  i.kernelWidth = s.kernelWidth
  i.strideY = s.strideY
  i.strideX = s.strideX
  i.padTop = s.padTop
  i.padLeft = s.padLeft
  i.groups = s.groups
  i.inputZeroPoint = s.inputZero
  i.outputZeroPoint = s.outputZero
  i.slope = s.slope
  i.low = -128
  i.high = 127
  i.outputType = s.head ? OutputType.float32 : OutputType.int8
  i.scratch = block(8 * ((depth + 1) >> 1) * 4 + 64 + padded)
  i.block = 8
  if (depthwise) depthwise_s8(i, 0, 1)
  else conv_s8(i, 0, 1)
  let wrong = 0
  for (let p = 0; p < pixels; p++) {
    const at = p * s.outputStride
    for (let o = 0; o < channels; o++) {
      const acc = sum(s, input, weights, load<i32>(bias + o * 4), p / s.outputWidth, p % s.outputWidth, o)
      const y = <f32>acc * load<f32>(multipliers + ((o / perGroup) * padded + (o % perGroup)) * 4)
      if (s.head) wrong += i32(load<f32>(output + at + o * 4) != y)
      else wrong += i32(<i32>load<i8>(output + at + o) != quantised(s, y))
    }
    for (let n = channels * (s.head ? 4 : 1); n < s.outputStride; n++) {
      wrong += i32(load<u8>(output + at + n) != load<u8>(before + at + n))
    }
  }
  return wrong
}

describe('int8 convolution', () => {
  test('a hundred shapes drawn at random', () => {
    for (let n = 0; n < 100; n++) expect<i32>(differences(draw(false), false)).toBe(0)
  })

  test('a hundred depthwise shapes drawn at random', () => {
    for (let n = 0; n < 100; n++) expect<i32>(differences(draw(true), true)).toBe(0)
  })

  test('the largest sum of magnitudes is reported', () => {
    const weights = block(6)
    for (let n = 0; n < 6; n++) store<i8>(weights + n, n < 3 ? -128 : 127)
    const bias = block(8)
    expect<i32>(pack_conv_s8(weights, block(128), bias, 2, 3, 1, 0, block(32))).toBe(384)
    expect<i32>(pack_depthwise_s8(weights, block(64), bias, 2, 3, 0, block(32))).toBe(384)
  })
})
