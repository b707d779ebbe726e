import { describe, expect, test } from 'vitest'
import { Arena, clamp, type Random, roundEven } from '../helpers/kernel.js'

const f = Math.fround

interface Window {
  readonly height: number
  readonly width: number
  readonly kernel: readonly [number, number]
  readonly strides: readonly [number, number]
  /** top, left, bottom, right */
  readonly pads: readonly [number, number, number, number]
}

const darknet = (side: number, size: number, stride: number): Window => {
  // darknet: padding = size - 1, its smaller half before
  const before = Math.floor((size - 1) / 2)
  const pads = [before, before, size - 1 - before, size - 1 - before] as const
  return { height: side, width: side, kernel: [size, size], strides: [stride, stride], pads }
}

const windows: readonly [string, Window][] = [
  ['darknet 2x2 stride 2', darknet(8, 2, 2)],
  ['darknet 2x2 stride 2, odd side', darknet(7, 2, 2)],
  ['darknet 2x2 stride 1', darknet(5, 2, 1)],
  ['darknet 5x5 stride 1', darknet(6, 5, 1)],
  ['darknet 9x9 stride 1', darknet(6, 9, 1)],
  ['darknet 13x13 stride 1', darknet(13, 13, 1)],
  ['3x3 stride 2', { height: 9, width: 6, kernel: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }],
  ['2x4 stride 3x1', { height: 7, width: 5, kernel: [2, 4], strides: [3, 1], pads: [0, 3, 1, 0] }],
  ['the whole input', { height: 5, width: 7, kernel: [5, 7], strides: [1, 1], pads: [0, 0, 0, 0] }],
  ['one pixel', { height: 1, width: 1, kernel: [1, 1], strides: [1, 1], pads: [0, 0, 0, 0] }],
]

const side = (size: number, kernel: number, stride: number, before: number, after: number) =>
  Math.floor((size + before + after - kernel) / stride) + 1

/** Values of each window of each channel, outputs in order. */
function* windowsOf(window: Window, channels: number, values: readonly number[]): Generator<number[]> {
  const { height, width, kernel, strides, pads } = window
  for (let y = 0; y < side(height, kernel[0], strides[0], pads[0], pads[2]); y++) {
    for (let x = 0; x < side(width, kernel[1], strides[1], pads[1], pads[3]); x++) {
      for (let c = 0; c < channels; c++) {
        const inside: number[] = []
        for (let ky = 0; ky < kernel[0]; ky++) {
          for (let kx = 0; kx < kernel[1]; kx++) {
            const row = y * strides[0] - pads[0] + ky
            const column = x * strides[1] - pads[1] + kx
            if (row < 0 || row >= height || column < 0 || column >= width) continue
            inside.push(values[(row * width + column) * channels + c])
          }
        }
        yield inside
      }
    }
  }
}

type Pool = 'maxPoolS8' | 'maxPoolF32' | 'averagePoolS8' | 'averagePoolF32'

function check(opcode: Pool, window: Window, channels: number, meaning: (inside: number[]) => number): void {
  const { height, width, kernel, strides, pads } = window
  const size = opcode.endsWith('S8') ? 1 : 4
  const arena = new Arena(channels + height, 1 << 19)
  const outputHeight = side(height, kernel[0], strides[0], pads[0], pads[2])
  const outputWidth = side(width, kernel[1], strides[1], pads[1], pads[3])
  const input = arena.view(height * width, channels, size)
  const output = arena.view(outputHeight * outputWidth, channels, size)
  const value = (random: Random) => (size === 1 ? random.int8() : random.float())
  const values = arena.fill(input, height * width, value)
  arena.check(
    opcode,
    {
      input: input.address,
      output: output.address,
      inputHeight: height,
      inputWidth: width,
      channels,
      inputStride: input.stride,
      outputHeight,
      outputWidth,
      outputStride: output.stride,
      kernelHeight: kernel[0],
      kernelWidth: kernel[1],
      strideY: strides[0],
      strideX: strides[1],
      padTop: pads[0],
      padLeft: pads[1],
    },
    output,
    [...windowsOf(window, channels, values)].map(meaning),
  )
}

const largest = (inside: number[]) => inside.reduce((a, b) => Math.max(a, b))

function averageS8(inside: number[]): number {
  const sum = inside.reduce((a, b) => a + b, 0)
  return clamp(roundEven(f(f(sum) * f(1 / inside.length))), -128, 127)
}

const averageF32 = (inside: number[]) => f(inside.reduce((a, b) => f(a + b), 0) * f(1 / inside.length))

describe.each(windows)('%s', (_, window) => {
  const some = [1, 2, 3, 4, 5, 15, 16, 17, 64, 70]
  test.each(some)('%i channels', (channels) => {
    check('maxPoolS8', window, channels, largest)
    check('maxPoolF32', window, channels, largest)
    check('averagePoolS8', window, channels, averageS8)
    check('averagePoolF32', window, channels, averageF32)
  })
})

test('every channel count from 1 to 70', () => {
  const window = windows[6][1]
  for (let channels = 1; channels <= 70; channels++) {
    check('maxPoolS8', window, channels, largest)
    check('averagePoolS8', window, channels, averageS8)
  }
})

test('the smallest int8 wins over padding, and ties round to even', () => {
  const arena = new Arena(0)
  expect(averageS8([1, 2])).toBe(2)
  expect(averageS8([0, 1])).toBe(0)
  const input = arena.view(2, 3, 1)
  const output = arena.view(2, 3, 1)
  arena.fill(input, 2, () => -128)
  const fields = {
    input: input.address,
    output: output.address,
    inputHeight: 1,
    inputWidth: 2,
    channels: 3,
    inputStride: input.stride,
    outputHeight: 1,
    outputWidth: 2,
    outputStride: output.stride,
    kernelHeight: 3,
    kernelWidth: 3,
    strideY: 1,
    strideX: 1,
    padTop: 1,
    padLeft: 1,
  }
  arena.check('maxPoolS8', fields, output, Array(6).fill(-128))
  arena.check('averagePoolS8', fields, output, Array(6).fill(-128))
})
