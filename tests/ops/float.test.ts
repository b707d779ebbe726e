import { describe, test } from 'vitest'
import type { EngineExports } from '../helpers/engine.js'
import { Arena, type View } from '../helpers/kernel.js'

const f = Math.fround
const roundUp = (value: number, multiple: number) => Math.ceil(value / multiple) * multiple
const sideOf = (size: number, kernel: number, stride: number, pad: number) =>
  Math.floor((size + 2 * pad - kernel) / stride) + 1

interface Case {
  readonly height: number
  readonly width: number
  /** Of one group. */
  readonly inputChannels: number
  readonly outputChannels: number
  readonly kernel: readonly [number, number]
  readonly strides?: readonly [number, number]
  readonly pads?: readonly [number, number]
  readonly groups?: number
  readonly block?: number
  readonly slope?: number
  readonly high?: number
}

function check(kind: 'convF32' | 'depthwiseF32', shape: Case): void {
  const { height, width, inputChannels, outputChannels, kernel, groups = 1, block = 16, slope = 1 } = shape
  const { strides = [1, 1], pads = [0, 0], high = Number.POSITIVE_INFINITY } = shape
  const arena = new Arena(height * 1000 + width * 100 + inputChannels * 10 + outputChannels, 1 << 19)
  const outputHeight = sideOf(height, kernel[0], strides[0], pads[0])
  const outputWidth = sideOf(width, kernel[1], strides[1], pads[1])
  const depth = kernel[0] * kernel[1] * inputChannels
  const outputs = groups * outputChannels
  const input = arena.view(height * width, groups * inputChannels, 4)
  const output = arena.view(outputHeight * outputWidth, outputs, 4)
  const values = arena.fill(input, height * width, (random) => random.float())
  const draw = (count: number) => Array.from({ length: count }, () => arena.random.float())
  const weights = draw(outputs * depth)
  const bias = draw(outputs)
  const depthwise = kind === 'depthwiseF32'
  const perGroup = roundUp(outputChannels, 8)
  const paddedBias: number[] = depthwise ? bias.concat(Array(roundUp(groups, 8) - groups).fill(0)) : []
  if (!depthwise) {
    for (let g = 0; g < groups; g++) {
      for (let o = 0; o < perGroup; o++) {
        paddedBias.push(o < outputChannels ? bias[g * outputChannels + o] : 0)
      }
    }
  }
  const source = arena.floats(weights)
  const packed = arena.scratch(
    depthwise ? depth * roundUp(groups, 8) * 4 : groups * Math.ceil(outputChannels / 8) * depth * 32,
  )
  const prepare = (engine: EngineExports) => {
    if (depthwise) engine.pack_depthwise_f32(source, packed, groups, depth)
    else engine.pack_conv_f32(source, packed, outputChannels, depth, groups)
  }
  const fields = {
    input: input.address,
    output: output.address,
    weights: packed,
    bias: arena.floats(paddedBias),
    multipliers: 0,
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
    inputZeroPoint: 0,
    outputZeroPoint: 0,
    slope,
    low: Number.NEGATIVE_INFINITY,
    high: high,
    outputType: 1,
    scratch: depthwise ? 0 : arena.scratch(roundUp(block, 4) * depth * 4 + 64),
    block,
  }
  arena.check(kind, fields, output, reference(shape, input, values, weights, bias), prepare)
}

/** A plain loop in the order (ky, kx, channel), every step rounded to float32. */
function reference(shape: Case, input: View, values: number[], weights: number[], bias: number[]): number[] {
  const { height, width, inputChannels, outputChannels, kernel, groups = 1 } = shape
  const { strides = [1, 1], pads = [0, 0], high = Number.POSITIVE_INFINITY } = shape
  const slope = f(shape.slope ?? 1)
  const result: number[] = []
  for (let y = 0; y < sideOf(height, kernel[0], strides[0], pads[0]); y++) {
    for (let x = 0; x < sideOf(width, kernel[1], strides[1], pads[1]); x++) {
      for (let o = 0; o < groups * outputChannels; o++) {
        const group = Math.floor(o / outputChannels)
        let acc = bias[o]
        let weight = o * kernel[0] * kernel[1] * inputChannels
        for (let ky = 0; ky < kernel[0]; ky++) {
          for (let kx = 0; kx < kernel[1]; kx++) {
            const row = y * strides[0] - pads[0] + ky
            const column = x * strides[1] - pads[1] + kx
            const inside = row >= 0 && row < height && column >= 0 && column < width
            for (let c = 0; c < inputChannels; c++) {
              const at = (row * width + column) * input.channels + group * inputChannels + c
              acc = f(acc + f((inside ? values[at] : 0) * weights[weight++]))
            }
          }
        }
        const y2 = f(acc * slope)
        result.push(Math.min(acc < y2 ? y2 : acc, f(high)))
      }
    }
  }
  return result
}

describe('convF32', () => {
  test('every number of input channels from 1 to 70', () => {
    for (let inputChannels = 1; inputChannels <= 70; inputChannels++) {
      check('convF32', { height: 3, width: 5, inputChannels, outputChannels: 5, kernel: [1, 1], slope: 0.1 })
    }
  })

  test('every number of output channels from 1 to 70', () => {
    for (let outputChannels = 1; outputChannels <= 70; outputChannels++) {
      check('convF32', {
        height: 3,
        width: 3,
        inputChannels: 3,
        outputChannels,
        kernel: [3, 3],
        pads: [1, 1],
      })
    }
  })

  const shapes: readonly [string, Case][] = [
    [
      '3x3 same',
      { height: 7, width: 9, inputChannels: 6, outputChannels: 12, kernel: [3, 3], pads: [1, 1], slope: 0.1 },
    ],
    [
      '3x3 stride 2',
      {
        height: 9,
        width: 8,
        inputChannels: 3,
        outputChannels: 9,
        kernel: [3, 3],
        strides: [2, 2],
        pads: [1, 1],
      },
    ],
    [
      '2x5 stride 1x3',
      {
        height: 6,
        width: 11,
        inputChannels: 5,
        outputChannels: 8,
        kernel: [2, 5],
        strides: [1, 3],
        pads: [1, 4],
      },
    ],
    [
      '7x7 on 2x2',
      { height: 2, width: 2, inputChannels: 4, outputChannels: 3, kernel: [7, 7], pads: [6, 6], slope: 0 },
    ],
    [
      '1x1 stride 2',
      { height: 5, width: 5, inputChannels: 8, outputChannels: 16, kernel: [1, 1], strides: [2, 2] },
    ],
    [
      'groups of 5 to 3',
      { height: 5, width: 4, inputChannels: 5, outputChannels: 3, groups: 4, kernel: [3, 3], pads: [1, 1] },
    ],
    [
      'groups of 8 to 16, ReLU6',
      {
        height: 4,
        width: 4,
        inputChannels: 8,
        outputChannels: 16,
        groups: 3,
        kernel: [1, 1],
        slope: 0,
        high: 0.5,
      },
    ],
    ['one pixel', { height: 1, width: 1, inputChannels: 33, outputChannels: 10, kernel: [1, 1] }],
  ]
  test.each(shapes)('%s', (_, shape) => {
    for (const block of [4, 12, 64]) check('convF32', { ...shape, block })
  })
})

describe('depthwiseF32', () => {
  test('every number of channels from 1 to 70', () => {
    for (let groups = 1; groups <= 70; groups++) {
      check('depthwiseF32', {
        height: 4,
        width: 5,
        inputChannels: 1,
        outputChannels: 1,
        groups,
        kernel: [3, 3],
        pads: [1, 1],
        slope: 0.1,
      })
    }
  })

  const one = { inputChannels: 1, outputChannels: 1 } as const
  const shapes: readonly [string, Case][] = [
    [
      '3x3 stride 2',
      {
        ...one,
        height: 9,
        width: 6,
        groups: 24,
        kernel: [3, 3],
        strides: [2, 2],
        pads: [1, 1],
        slope: 0,
        high: 0.7,
      },
    ],
    ['5x5', { ...one, height: 7, width: 7, groups: 13, kernel: [5, 5], pads: [2, 2] }],
    [
      '2x3 stride 3x1',
      { ...one, height: 7, width: 4, groups: 8, kernel: [2, 3], strides: [3, 1], pads: [1, 0] },
    ],
    ['7x7 on 3x2', { ...one, height: 3, width: 2, groups: 5, kernel: [7, 7], pads: [6, 6] }],
  ]
  test.each(shapes)('%s', (_, shape) => check('depthwiseF32', shape))
})
