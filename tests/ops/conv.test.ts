import { describe, test } from 'vitest'
import { type Case, outputSide, reference } from '../helpers/convolution.js'
import type { EngineExports } from '../helpers/engine.js'
import { Arena, type Random } from '../helpers/kernel.js'

const f = Math.fround
const roundUp = (value: number, multiple: number) => Math.ceil(value / multiple) * multiple

function check(kind: 'convS8' | 'depthwiseS8', shape: Case): void {
  const { height, width, inputChannels, outputChannels, kernel, groups = 1, block = 8 } = shape
  const { strides = [1, 1], pads = [0, 0, 0, 0], zeroPoints = [-3, 5], range = [-128, 127] } = shape
  const { slope = 1, float = false, seed = 1 } = shape
  const arena = new Arena(seed * 7919 + height * 1000 + width * 100 + inputChannels * 10 + outputChannels)
  const [outputHeight, outputWidth] = [outputSide(shape, 0), outputSide(shape, 1)]
  const depth = kernel[0] * kernel[1] * inputChannels
  const outputs = groups * outputChannels
  const depthwise = kind === 'depthwiseS8'
  const padded = (n: number) => (depthwise ? roundUp(n, 8) : groups * roundUp(n / groups, 8))

  const int8 = (random: Random) => (shape.saturated ? random.pick([-128, 127]) : random.int8())
  const input = arena.view(height * width, groups * inputChannels, 1)
  const output = arena.view(outputHeight * outputWidth, outputs, float ? 4 : 1)
  const values = arena.fill(input, height * width, int8)
  const filters = {
    address: arena.allocate(outputs * depth),
    stride: depth,
    channels: depth,
    size: 1,
  } as const
  const weights = arena.fill(filters, outputs, int8)
  const bias = Array.from({ length: outputs }, () => arena.random.integer(-50_000, 50_000))
  // Sums of about 70 * 70 * sqrt(depth) come to a few times the int8 range: rounding, clamping and
  // ties all occur.
  const multipliers = Array.from({ length: outputs }, () =>
    arena.random.bits() % 8 === 0
      ? 2 ** -6
      : f((arena.random.integer(1, 1000) / 1000) * (0.05 / Math.sqrt(depth))),
  )

  const paddedMultipliers = new Float32Array(padded(outputs))
  const perGroup = depthwise ? outputs : outputChannels
  const stride = depthwise ? padded(outputs) : roundUp(outputChannels, 8)
  multipliers.forEach((m, o) => {
    paddedMultipliers[Math.floor(o / perGroup) * stride + (o % perGroup)] = m
  })
  const biasAt = arena.allocate(outputs * 4)
  const staged = new DataView(arena.bytes.buffer, biasAt - 0x10000)
  for (let o = 0; o < outputs; o++) staged.setInt32(o * 4, bias[o], true)
  const packed = arena.scratch(
    depthwise
      ? Math.ceil(depth / 2) * roundUp(groups, 8) * 4
      : groups * Math.ceil(outputChannels / 8) * Math.ceil(depth / 2) * 32,
  )
  const folded = arena.scratch(padded(outputs) * 4)
  const prepare = (engine: EngineExports) => {
    if (depthwise)
      engine.pack_depthwise_s8(filters.address, packed, biasAt, groups, depth, zeroPoints[0], folded)
    else
      engine.pack_conv_s8(
        filters.address,
        packed,
        biasAt,
        outputChannels,
        depth,
        groups,
        zeroPoints[0],
        folded,
      )
  }
  const fields = {
    input: input.address,
    output: output.address,
    weights: packed,
    bias: folded,
    multipliers: arena.floats(paddedMultipliers),
    inputHeight: height,
    inputWidth: width,
    inputChannels,
    inputStride: input.stride,
    outputHeight,
    outputWidth,
    outputChannels,
    outputStride: output.stride,
    kernelHeight: kernel[0],
    kernelWidth: kernel[1],
    strideY: strides[0],
    strideX: strides[1],
    padTop: pads[0],
    padLeft: pads[1],
    groups,
    inputZeroPoint: zeroPoints[0],
    outputZeroPoint: zeroPoints[1],
    slope,
    low: range[0],
    high: range[1],
    outputType: float ? 1 : 0,
    scratch: arena.scratch(
      depthwise ? (depth + 1) * 4 + roundUp(groups, 8) : roundUp(block, 4) * Math.ceil(depth / 2) * 4 + 64,
    ),
    block,
  }
  arena.check(kind, fields, output, reference(shape, input, values, weights, bias, multipliers), prepare)
}

/** A shape drawn at random; `seed` repeats it. */
function draw(seed: number, depthwise: boolean): Case {
  const random = new Arena(seed, 64).random
  const kernel = [random.integer(1, 5), random.integer(1, 5)] as const
  const pad = (k: number) => random.integer(0, Math.min(2, k - 1))
  const outputZero = random.pick([-128, 127, 0, random.integer(-128, 127)])
  const float = random.integer(0, 4) === 0
  return {
    seed,
    height: random.integer(kernel[0], 11),
    width: random.integer(kernel[1], 11),
    inputChannels: depthwise ? 1 : random.pick([1, 2, 3, 4, 8, random.integer(1, 40)]),
    outputChannels: depthwise ? 1 : random.integer(1, 20),
    kernel,
    strides: [random.integer(1, 3), random.integer(1, 3)],
    pads: [pad(kernel[0]), pad(kernel[1]), pad(kernel[0]), pad(kernel[1])],
    groups: depthwise ? random.integer(2, 40) : random.pick([1, 1, 2, 3]),
    block: random.pick([4, 8, 16, 64]),
    slope: float ? 1 : random.pick([0, f(0.1), 1]),
    range: random.pick([
      [-128, 127],
      [outputZero, Math.min(127, outputZero + 40)],
    ]),
    zeroPoints: [random.pick([-128, 127, 0, random.integer(-128, 127)]), outputZero],
    float,
    saturated: random.integer(0, 5) === 0,
  }
}

describe('convS8', () => {
  test('every number of input channels from 1 to 70', () => {
    for (let inputChannels = 1; inputChannels <= 70; inputChannels++) {
      check('convS8', {
        height: 3,
        width: 5,
        inputChannels,
        outputChannels: 5,
        kernel: [1, 1],
        slope: f(0.1),
      })
    }
  })

  test('every number of output channels from 1 to 70, int8 and float32', () => {
    for (let outputChannels = 1; outputChannels <= 70; outputChannels++) {
      const shape = { height: 3, width: 3, inputChannels: 3, outputChannels, kernel: [3, 3] as const }
      check('convS8', { ...shape, pads: [1, 1, 1, 1] })
      check('convS8', { ...shape, float: true })
    }
  })

  test('extremes throughout a deep sum', () => {
    for (const zeroPoint of [-128, 127]) {
      check('convS8', {
        height: 4,
        width: 4,
        inputChannels: 300,
        outputChannels: 9,
        kernel: [3, 3],
        pads: [1, 1, 1, 1],
        zeroPoints: [zeroPoint, zeroPoint],
        saturated: true,
        float: true,
      })
    }
  })

  test('a window larger than the picture', () => {
    check('convS8', {
      height: 2,
      width: 1,
      inputChannels: 3,
      outputChannels: 4,
      kernel: [5, 5],
      pads: [2, 2, 2, 2],
    })
  })

  test('two hundred shapes drawn at random', () => {
    for (let seed = 0; seed < 200; seed++) check('convS8', draw(seed, false))
  })
})

describe('depthwiseS8', () => {
  test('every number of channels from 2 to 70', () => {
    for (let groups = 2; groups <= 70; groups++) {
      const shape = { height: 5, width: 6, inputChannels: 1, outputChannels: 1, groups }
      check('depthwiseS8', { ...shape, kernel: [3, 3], pads: [1, 1, 1, 1], slope: 0 })
    }
  })

  test('every kernel from 1x1 to 5x7, with strides', () => {
    for (let kernelHeight = 1; kernelHeight <= 5; kernelHeight++) {
      for (let kernelWidth = 1; kernelWidth <= 7; kernelWidth++) {
        check('depthwiseS8', {
          height: 9,
          width: 10,
          inputChannels: 1,
          outputChannels: 1,
          groups: 11,
          kernel: [kernelHeight, kernelWidth],
          strides: [(kernelHeight % 3) + 1, (kernelWidth % 3) + 1],
          pads: [kernelHeight >> 1, kernelWidth >> 1, kernelHeight >> 1, kernelWidth >> 1],
        })
      }
    }
  })

  test('a window larger than the picture', () => {
    check('depthwiseS8', {
      height: 2,
      width: 1,
      inputChannels: 1,
      outputChannels: 1,
      groups: 9,
      kernel: [5, 5],
      pads: [2, 2, 2, 2],
    })
  })

  test('two hundred shapes drawn at random', () => {
    for (let seed = 0; seed < 200; seed++) check('depthwiseS8', draw(seed, true))
  })
})
