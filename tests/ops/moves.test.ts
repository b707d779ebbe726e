import { describe, expect, test } from 'vitest'
import { resizeTable } from '../../src/host/graph/resize-table.js'
import { padModes } from '../../src/host/program/kinds.js'
import { Arena, type Random } from '../helpers/kernel.js'

const f = Math.fround
const int8 = (random: Random) => random.int8()
const float32 = (random: Random) => random.float()
const seeds = Array.from({ length: 60 }, (_, i) => i)

describe('rearrange', () => {
  test.each(seeds)('loops of chance, seed %i', (seed) => {
    const arena = new Arena(seed)
    const { random } = arena
    const size = random.pick([1, 4] as const)
    const loops = Array.from({ length: 6 }, () => random.pick([1, 1, 2, 3, 5]))
    const inputChannels = random.integer(1, 20)
    const inputPixels = random.integer(1, 30)
    const held = inputChannels * inputPixels
    // Steps of any sign that stay inside, however the loops run.
    const reach = Math.max(0, Math.floor((held - 1) / 12))
    const steps = loops.map((loop) =>
      loop === 1 ? 0 : random.integer(-1, 1) * random.integer(0, Math.floor(reach / (loop - 1))),
    )
    const low = steps.reduce((sum, step, d) => sum + Math.min(0, step * (loops[d] - 1)), 0)
    const high = steps.reduce((sum, step, d) => sum + Math.max(0, step * (loops[d] - 1)), 0)
    const offset = random.integer(-low, held - 1 - high)
    const count = loops.reduce((a, b) => a * b, 1)
    const outputChannels = random.pick([1, 2, 3, 5, count].filter((n) => count % n === 0))
    const packed = random.integer(0, 1) === 1
    const input = arena.view(inputPixels, inputChannels, size, packed)
    const output = arena.view(count / outputChannels, outputChannels, size, random.integer(0, 1) === 1)
    const values = arena.fill(input, inputPixels, size === 1 ? int8 : float32)
    const expected = Array.from({ length: count }, (_, n) => {
      let at = offset
      let rest = n
      for (let d = 5; d >= 0; d--) {
        at += (rest % loops[d]) * steps[d]
        rest = Math.floor(rest / loops[d])
      }
      return values[at]
    })
    const [loop0, loop1, loop2, loop3, loop4, loop5] = loops
    const [step0, step1, step2, step3, step4, step5] = steps
    arena.check(
      'rearrange',
      {
        input: input.address,
        output: output.address,
        pixels: count / outputChannels,
        outputChannels,
        outputStride: output.stride,
        inputChannels,
        inputStride: input.stride,
        elementBytes: size,
        offset,
        ...{ loop0, loop1, loop2, loop3, loop4, loop5 },
        ...{ step0, step1, step2, step3, step4, step5 },
      },
      output,
      expected,
    )
  })
})

describe('gatherRows', () => {
  test.each(seeds.slice(0, 20))('indices of chance and beyond, seed %i', (seed) => {
    const arena = new Arena(seed)
    const { random } = arena
    const size = random.pick([1, 4] as const)
    const channels = random.integer(1, 40)
    const rows = random.integer(1, 9)
    const input = arena.view(rows, channels, size)
    const values = arena.fill(input, rows, size === 1 ? int8 : float32)
    const indices = [
      0,
      rows - 1,
      -1,
      -rows,
      rows,
      -rows - 1,
      2 ** 31 - 1,
      -(2 ** 31),
      random.integer(0, rows - 1),
    ]
    const output = arena.view(indices.length, channels, size)
    const expected = indices.flatMap((index) => {
      const row = Math.min(rows - 1, Math.max(0, index < 0 ? index + rows : index))
      return values.slice(row * channels, (row + 1) * channels)
    })
    arena.check(
      'gatherRows',
      {
        input: input.address,
        rowIndices: arena.integers(indices),
        output: output.address,
        rows,
        count: indices.length,
        rowBytes: channels * size,
        inputStride: input.stride,
        indexStride: 4,
        outputStride: output.stride,
      },
      output,
      expected,
    )
  })
})

describe('constant', () => {
  test.each([1, 3, 16, 21])('%i channels', (channels) => {
    const arena = new Arena(channels)
    const list = Array.from({ length: channels * 5 }, () => arena.random.float())
    const output = arena.view(5, channels, 4)
    arena.check(
      'constant',
      {
        values: arena.floats(list),
        output: output.address,
        pixels: 5,
        pixelBytes: channels * 4,
        outputStride: output.stride,
      },
      output,
      list,
    )
  })
})

/** Where a padded position comes from, by walking there: a mirror turns round at the border. */
function source(at: number, side: number, mode: keyof typeof padModes): number | undefined {
  if (mode === 'edge') return Math.min(side - 1, Math.max(0, at))
  if (mode === 'constant') return at < 0 || at >= side ? undefined : at
  const mirrored = at < 0 ? -at : at
  return mirrored < side ? mirrored : 2 * (side - 1) - mirrored
}

describe.each(Object.keys(padModes) as (keyof typeof padModes)[])('pad, %s', (mode) => {
  test.each(seeds.slice(0, 20))('seed %i', (seed) => {
    const arena = new Arena(seed)
    const { random } = arena
    const size = random.pick([1, 4] as const)
    const channels = random.integer(1, 24)
    const [height, width] = [random.integer(2, 5), random.integer(2, 6)]
    const pad = (side: number) => random.integer(0, mode === 'reflect' ? side - 1 : side + 2)
    const [top, left, bottom, right] = [pad(height), pad(width), pad(height), pad(width)]
    const outputHeight = height + top + bottom
    const outputWidth = width + left + right
    const input = arena.view(height * width, channels, size)
    const values = arena.fill(input, height * width, size === 1 ? int8 : float32)
    const output = arena.view(outputHeight * outputWidth, channels, size)
    const border = size === 1 ? -17 : f(0.3)
    const expected: number[] = []
    for (let y = 0; y < outputHeight; y++) {
      for (let x = 0; x < outputWidth; x++) {
        const row = source(y - top, height, mode)
        const column = source(x - left, width, mode)
        for (let c = 0; c < channels; c++) {
          const outside = row === undefined || column === undefined
          expected.push(outside ? border : values[(row * width + column) * channels + c])
        }
      }
    }
    arena.check(
      'pad',
      {
        input: input.address,
        output: output.address,
        inputHeight: height,
        inputWidth: width,
        outputHeight,
        outputWidth,
        channels,
        elementBytes: size,
        inputStride: input.stride,
        outputStride: output.stride,
        padTop: top,
        padLeft: left,
        mode: padModes[mode],
        value: size === 1 ? border : new Int32Array(Float32Array.of(border).buffer)[0],
      },
      output,
      expected,
    )
  })
})

describe('resizeF32', () => {
  test.each(['nearest', 'linear', 'cubic'] as const)('%s', (mode) => {
    for (const channels of [1, 3, 4, 9]) {
      const arena = new Arena(channels * 7)
      const [height, width, outputHeight, outputWidth] = [4, 5, 7, 9]
      const axis = { mode, coordinates: 'half_pixel', nearest: 'floor', cubic: -0.75 }
      const rows = resizeTable({ ...axis, input: height, output: outputHeight, scale: outputHeight / height })
      const columns = resizeTable({ ...axis, input: width, output: outputWidth, scale: outputWidth / width })
      const taps = rows.length / 2 / outputHeight
      const weight = (table: Int32Array, at: number) => new Float32Array(table.buffer)[at * 2 + 1]
      const input = arena.view(height * width, channels, 4)
      const values = arena.fill(input, height * width, float32)
      const output = arena.view(outputHeight * outputWidth, channels, 4)
      const expected: number[] = []
      for (let y = 0; y < outputHeight; y++)
        for (let x = 0; x < outputWidth; x++)
          for (let c = 0; c < channels; c++) {
            let sum = 0
            for (let a = 0; a < taps; a++) {
              let line = 0
              for (let b = 0; b < taps; b++) {
                const at = rows[(y * taps + a) * 2] * width + columns[(x * taps + b) * 2]
                line = f(line + f(weight(columns, x * taps + b) * values[at * channels + c]))
              }
              sum = f(sum + f(weight(rows, y * taps + a) * line))
            }
            expected.push(sum)
          }
      arena.check(
        'resizeF32',
        {
          input: input.address,
          output: output.address,
          rowTable: arena.integers([...rows]),
          columnTable: arena.integers([...columns]),
          inputWidth: width,
          outputHeight,
          outputWidth,
          channels,
          inputStride: input.stride,
          outputStride: output.stride,
          taps,
        },
        output,
        expected,
      )
    }
  })

  test('weights of every output place sum to 1, and places lie inside', () => {
    for (const mode of ['linear', 'cubic'] as const)
      for (const coordinates of [
        'half_pixel',
        'align_corners',
        'asymmetric',
        'pytorch_half_pixel',
        'half_pixel_symmetric',
      ])
        for (const [input, output] of [
          [1, 4],
          [4, 1],
          [5, 13],
          [13, 5],
        ]) {
          const table = resizeTable({
            mode,
            coordinates,
            nearest: 'floor',
            cubic: -0.75,
            input,
            output,
            scale: output / input,
          })
          const floats = new Float32Array(table.buffer)
          const taps = table.length / 2 / output
          for (let n = 0; n < output; n++) {
            let sum = 0
            for (let t = 0; t < taps; t++) {
              const at = (n * taps + t) * 2
              expect(table[at]).toBeGreaterThanOrEqual(0)
              expect(table[at]).toBeLessThan(input)
              sum += floats[at + 1]
            }
            expect(sum).toBeCloseTo(1, 5)
          }
        }
  })
})
