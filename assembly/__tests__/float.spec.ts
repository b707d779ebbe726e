import { conv_f32, pack_conv_f32 } from '../kernels/conv/conv_f32'
import { depthwise_f32, pack_depthwise_f32 } from '../kernels/conv/depthwise_f32'
import { activation_f32 } from '../kernels/pixelwise/activation_f32'
import { ActivationKind, ConvF32, Curve, OutputType } from '../lib/instructions'
import { floats, instruction, setPlaces, setWindow } from './instruction'

const HEIGHT = 5
const WIDTH = 6

/** 3x3, one pixel of padding, leaky 0.1; one output pixel of the convolution in plain loops. */
function plain(input: usize, weights: usize, bias: f32, inputs: i32, first: i32, count: i32, y: i32, x: i32): f32 {
  let acc = bias
  for (let ky = 0; ky < 3; ky++) {
    for (let kx = 0; kx < 3; kx++) {
      const row = y + ky - 1
      const column = x + kx - 1
      const inside = row >= 0 && row < HEIGHT && column >= 0 && column < WIDTH
      for (let c = 0; c < count; c++) {
        const value = inside ? load<f32>(input + ((row * WIDTH + column) * inputs + first + c) * 4) : 0
        acc += value * load<f32>(weights)
        weights += 4
      }
    }
  }
  return max<f32>(acc, acc * <f32>0.1)
}

function fields(input: usize, output: usize, weights: usize, bias: usize, shape: i32[], scratch: usize): ConvF32 {
  const i = instruction<ConvF32>()
  i.input = input
  i.output = output
  i.weights = weights
  i.bias = bias
  i.inputHeight = HEIGHT
  i.inputWidth = WIDTH
  i.inputChannels = shape[1]
  i.inputStride = shape[0] * shape[1] * 4
  i.outputHeight = HEIGHT
  i.outputWidth = WIDTH
  i.outputChannels = shape[2]
  i.outputStride = shape[0] * shape[2] * 4
  setWindow(i, 3, 1, 1)
  i.groups = shape[0]
  i.slope = 0.1
  i.low = -f32.MAX_VALUE
  i.high = f32.MAX_VALUE
  i.outputType = OutputType.float32
  i.scratch = scratch
  i.block = 8
  return i
}

function checkConv(groups: i32, inputs: i32, outputs: i32): void {
  const depth = 9 * inputs
  const padded = (outputs + 7) & ~7
  const input = floats(HEIGHT * WIDTH * groups * inputs)
  const output = floats(HEIGHT * WIDTH * groups * outputs)
  const weights = floats(groups * outputs * depth)
  const bias = floats(groups * padded)
  const packed = floats(groups * padded * depth)
  pack_conv_f32(weights, packed, outputs, depth, groups)
  conv_f32(fields(input, output, packed, bias, [groups, inputs, outputs], floats(8 * depth + 16)), 0, 1)
  for (let y = 0; y < HEIGHT; y++) {
    for (let x = 0; x < WIDTH; x++) {
      for (let o = 0; o < groups * outputs; o++) {
        const group = o / outputs
        const start = load<f32>(bias + (group * padded + (o % outputs)) * 4)
        const filter = weights + o * depth * 4
        const expected = plain(input, filter, start, groups * inputs, group * inputs, inputs, y, x)
        expect<f32>(load<f32>(output + ((y * WIDTH + x) * groups * outputs + o) * 4)).toBe(expected)
      }
    }
  }
}

describe('conv_f32', () => {
  test('1 to 9 input and output channels', () => {
    for (let channels = 1; channels <= 9; channels++) checkConv(1, channels, 10 - channels)
  })

  test('17 to 33 channels', () => checkConv(1, 17, 33))
  test('three groups', () => checkConv(3, 5, 6))
})

test('depthwise_f32 on 1 to 20 channels', () => {
  for (let channels = 1; channels <= 20; channels++) {
    const padded = (channels + 7) & ~7
    const input = floats(HEIGHT * WIDTH * channels)
    const output = floats(HEIGHT * WIDTH * channels)
    const weights = floats(channels * 9)
    const bias = floats(padded)
    const packed = floats(padded * 9)
    pack_depthwise_f32(weights, packed, channels, 9)
    depthwise_f32(fields(input, output, packed, bias, [channels, 1, 1], 0), 0, 1)
    for (let y = 0; y < HEIGHT; y++) {
      for (let x = 0; x < WIDTH; x++) {
        for (let c = 0; c < channels; c++) {
          const expected = plain(input, weights + c * 36, load<f32>(bias + c * 4), channels, c, 1, y, x)
          expect<f32>(load<f32>(output + ((y * WIDTH + x) * channels + c) * 4)).toBe(expected)
        }
      }
    }
  }
})

function meaning(kind: i32, x: f64): f64 {
  if (kind == ActivationKind.tanh) return NativeMath.tanh(x)
  if (kind == ActivationKind.hardSwish) return (x * min<f64>(max<f64>(x + 3, 0), 6)) / 6
  if (kind == ActivationKind.mish) return x * NativeMath.tanh(NativeMath.log1p(NativeMath.exp(x)))
  const logistic = 1 / (1 + NativeMath.exp(-x))
  return kind == ActivationKind.logistic ? logistic : x * logistic
}

describe('activation_f32', () => {
  test('is close to float64', () => {
    for (let kind = 1; kind <= ActivationKind.hardSwish; kind++) {
      // gelu: tokens.spec.ts.
      if (kind == ActivationKind.gelu) continue
      const count = 1001
      const input = floats(count)
      const output = floats(count)
      for (let n = 0; n < count; n++) store<f32>(input + n * 4, <f32>(n - 500) / 8)
      const i = instruction<Curve>()
      setPlaces(i, input, output, count, 1, 4, 4)
      i.kind = kind
      activation_f32(i, 0, 1)
      for (let n = 0; n < count; n++) {
        const expected = meaning(kind, load<f32>(input + n * 4))
        const error = abs<f64>(<f64>load<f32>(output + n * 4) - expected)
        expect<bool>(error <= abs<f64>(expected) * 4e-7).toBe(true)
      }
    }
  })

  test('NaN stays NaN', () => {
    for (let kind = 1; kind <= ActivationKind.hardSwish; kind++) {
      const x = floats(1)
      store<f32>(x, NaN)
      const i = instruction<Curve>()
      setPlaces(i, x, x, 1, 1, 4, 4)
      i.kind = kind
      activation_f32(i, 0, 1)
      expect<bool>(isNaN(load<f32>(x))).toBe(true)
    }
  })
})
