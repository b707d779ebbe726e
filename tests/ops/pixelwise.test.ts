import { describe, expect, test } from 'vitest'
import { activationKinds } from '../../src/host/program/instruction.js'
import { curves } from '../helpers/curves.js'
import { builds } from '../helpers/engine.js'
import {
  Arena,
  clamp,
  firstDifference,
  floatBits,
  type Random,
  roundEven,
  type View,
} from '../helpers/kernel.js'

const f = Math.fround
const channelCounts = Array.from({ length: 70 }, (_, i) => i + 1)

/** Input and output views, sometimes one and the same, sometimes without gaps. */
function views(arena: Arena, pixels: number, channels: number, sizes: readonly [1 | 4, 1 | 4]) {
  const packed = arena.random.integer(0, 3) === 0
  const input = arena.view(pixels, channels, sizes[0], packed)
  const same = sizes[0] === sizes[1] && arena.random.integer(0, 3) === 0
  const output = same ? input : arena.view(pixels, channels, sizes[1], packed)
  return { input, output }
}

function places({ input, output }: { input: View; output: View }, pixels: number) {
  return {
    input: input.address,
    output: output.address,
    pixels,
    channels: input.channels,
    inputStride: input.stride,
    outputStride: output.stride,
  }
}

const int8 = (random: Random) => random.int8()
const float32 = (random: Random) => random.float()
const zeroPoints = [-128, -3, 0, 17, 127]

/** Multipliers that reach ties, saturation and zero. */
const multipliers = (random: Random) =>
  f(random.pick([0.5, 1, 0.25, 2, 300, 1e-6, Math.abs(random.float()) + 0.01]))

describe('copy', () => {
  test.each(channelCounts)('%i bytes a pixel', (bytes) => {
    const arena = new Arena(bytes)
    const pixels = arena.random.integer(1, 9)
    const packed = bytes % 3 === 0
    const input = arena.view(pixels, bytes, 1, packed)
    const output = arena.view(pixels, bytes, 1, packed)
    const values = arena.fill(input, pixels, int8)
    arena.check(
      'copy',
      {
        input: input.address,
        output: output.address,
        pixels,
        pixelBytes: bytes,
        inputStride: input.stride,
        outputStride: output.stride,
      },
      output,
      values,
    )
  })
})

describe('upsample', () => {
  test.each([1, 2, 3, 4])('by %i', (scale) => {
    for (const bytes of [1, 2, 7, 16, 33, 64, 70]) {
      const arena = new Arena(bytes * 10 + scale)
      const inputHeight = arena.random.integer(1, 5)
      const inputWidth = arena.random.integer(1, 5)
      const input = arena.view(inputHeight * inputWidth, bytes, 1)
      const output = arena.view(inputHeight * inputWidth * scale * scale, bytes, 1)
      const values = arena.fill(input, inputHeight * inputWidth, int8)
      const expected: number[] = []
      for (let y = 0; y < inputHeight * scale; y++) {
        for (let x = 0; x < inputWidth * scale; x++) {
          const pixel = Math.floor(y / scale) * inputWidth + Math.floor(x / scale)
          expected.push(...values.slice(pixel * bytes, (pixel + 1) * bytes))
        }
      }
      arena.check(
        'upsample',
        {
          input: input.address,
          output: output.address,
          inputHeight,
          inputWidth,
          pixelBytes: bytes,
          inputStride: input.stride,
          outputStride: output.stride,
          scale,
        },
        output,
        expected,
      )
    }
  })
})

describe('requantizeS8', () => {
  test.each(channelCounts)('%i channels', (channels) => {
    const arena = new Arena(channels)
    const pixels = arena.random.integer(1, 9)
    const at = views(arena, pixels, channels, [1, 1])
    const values = arena.fill(at.input, pixels, int8)
    const inputZeroPoint = arena.random.pick(zeroPoints)
    const outputZeroPoint = arena.random.pick(zeroPoints)
    const multiplier = multipliers(arena.random)
    arena.check(
      'requantizeS8',
      { ...places(at, pixels), inputZeroPoint, multiplier, outputZeroPoint },
      at.output,
      values.map((q) => clamp(roundEven(f((q - inputZeroPoint) * multiplier)) + outputZeroPoint, -128, 127)),
    )
  })
})

describe('addS8', () => {
  test.each(channelCounts)('%i channels', (channels) => {
    const arena = new Arena(channels)
    const { random } = arena
    const pixels = random.integer(1, 9)
    const { input: a, output } = views(arena, pixels, channels, [1, 1])
    const b = random.integer(0, 2) ? arena.view(pixels, channels, 1, a.stride === channels) : output
    const valuesA = arena.fill(a, pixels, int8)
    const valuesB = b === a ? valuesA : arena.fill(b, pixels, int8)
    const [zeroPointA, zeroPointB, outputZeroPoint] = [0, 0, 0].map(() => random.pick(zeroPoints))
    const [multiplierA, multiplierB] = [multipliers(random), multipliers(random)]
    const slope = f(random.pick([0, 0.1, 1]))
    const high = random.pick([127, 127, clamp(outputZeroPoint + 40, -128, 127)])
    const low = -128
    const expected = valuesA.map((q, n) => {
      let y = f(f((q - zeroPointA) * multiplierA) + f((valuesB[n] - zeroPointB) * multiplierB))
      y = Math.max(y, f(y * slope))
      return roundEven(clamp(y, low - outputZeroPoint, high - outputZeroPoint)) + outputZeroPoint
    })
    arena.check(
      'addS8',
      {
        inputA: a.address,
        inputB: b.address,
        output: output.address,
        pixels,
        channels,
        strideA: a.stride,
        strideB: b.stride,
        outputStride: output.stride,
        zeroPointA,
        multiplierA: multiplierA,
        zeroPointB,
        multiplierB: multiplierB,
        outputZeroPoint,
        slope,
        low,
        high,
      },
      output,
      expected,
    )
  })
})

describe('addF32', () => {
  test.each(channelCounts)('%i channels', (channels) => {
    const arena = new Arena(channels)
    const { random } = arena
    const pixels = random.integer(1, 9)
    const { input: a, output } = views(arena, pixels, channels, [4, 4])
    const b = arena.view(pixels, channels, 4, a.stride === channels * 4)
    const valuesA = arena.fill(a, pixels, float32)
    const valuesB = arena.fill(b, pixels, float32)
    const slope = f(random.pick([0, 0.1, 1]))
    const high = f(random.pick([Number.POSITIVE_INFINITY, 0.5]))
    arena.check(
      'addF32',
      {
        inputA: a.address,
        inputB: b.address,
        output: output.address,
        pixels,
        channels,
        strideA: a.stride,
        strideB: b.stride,
        outputStride: output.stride,
        zeroPointA: 0,
        multiplierA: 0,
        zeroPointB: 0,
        multiplierB: 0,
        outputZeroPoint: 0,
        slope,
        low: Number.NEGATIVE_INFINITY,
        high: high,
      },
      output,
      valuesA.map((value, n) => {
        const y = f(value + valuesB[n])
        return Math.min(y < f(y * slope) ? f(y * slope) : y, high)
      }),
    )
  })
})

describe('tableS8', () => {
  test.each(channelCounts)('%i channels', (channels) => {
    const arena = new Arena(channels)
    const pixels = arena.random.integer(1, 9)
    const at = views(arena, pixels, channels, [1, 1])
    const table = { address: arena.allocate(256), stride: 256, channels: 256, size: 1 } as const
    const entries = arena.fill(table, 1, int8)
    const values = arena.fill(at.input, pixels, int8)
    arena.check(
      'tableS8',
      { ...places(at, pixels), table: table.address },
      at.output,
      values.map((q) => entries[q + 128]),
    )
  })
})

describe('quantizeS8', () => {
  const special = [
    Number.NaN,
    -Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    -0,
    3.4e38,
    -3.4e38,
    1e-45,
  ]
  test.each(channelCounts)('%i channels', (channels) => {
    const arena = new Arena(channels)
    const pixels = arena.random.integer(1, 9)
    const at = views(arena, pixels, channels, [4, 1])
    const values = arena.fill(at.input, pixels, (random) =>
      random.integer(0, 3) ? random.float() * 40 : random.pick([...special, random.integer(-300, 300) / 2]),
    )
    const zeroPoint = arena.random.pick(zeroPoints)
    const multiplier = multipliers(arena.random)
    arena.check(
      'quantizeS8',
      { ...places(at, pixels), multiplier, zeroPoint },
      at.output,
      values.map((x) => {
        const y = f(x * multiplier)
        return Number.isNaN(y)
          ? zeroPoint
          : roundEven(clamp(y, -128 - zeroPoint, 127 - zeroPoint)) + zeroPoint
      }),
    )
  })
})

describe('dequantizeS8', () => {
  test.each(channelCounts)('%i channels', (channels) => {
    const arena = new Arena(channels)
    const pixels = arena.random.integer(1, 9)
    const at = views(arena, pixels, channels, [1, 4])
    const values = arena.fill(at.input, pixels, int8)
    const zeroPoint = arena.random.pick(zeroPoints)
    const multiplier = multipliers(arena.random)
    arena.check(
      'dequantizeS8',
      { ...places(at, pixels), multiplier, zeroPoint },
      at.output,
      values.map((q) => f((q - zeroPoint) * multiplier)),
    )
  })
})

describe('activationF32', () => {
  const kinds = Object.keys(curves) as (keyof typeof curves)[]

  /** How many float32 lie between two values. */
  const ulps = (a: number, b: number) => Math.abs(ordered(a) - ordered(b))
  const ordered = (x: number) => {
    const bits = floatBits(x)
    return bits < 0 ? -(bits & 0x7fffffff) : bits
  }

  test.each(kinds)('%s is correct to a few ulp, and the same in every build', (kind) => {
    for (const [channels, packed] of [
      [4096, true],
      [61, false],
    ] as const) {
      const arena = new Arena(channels)
      const input = arena.view(3, channels, 4, packed)
      const output = arena.view(3, channels, 4, packed)
      const values = arena.fill(input, 3, (random) =>
        random.pick([
          random.float(),
          random.float() * 10,
          random.float() * 110,
          random.integer(-95, 30),
          0,
          -0,
          1e-40,
        ]),
      )
      const fields = { ...places({ input, output }, 3), kind: activationKinds[kind] }
      const [scalar, simd] = builds.map((build) => arena.run(build, 'activationF32', fields))
      expect(firstDifference(scalar, simd)).toBe(-1)
      const data = new DataView(scalar.buffer)
      let worst = 0
      values.forEach((x, n) => {
        const got = data.getFloat32(
          output.address - 0x10000 + Math.floor(n / channels) * output.stride + (n % channels) * 4,
          true,
        )
        const meant = curves[kind](x)
        // x times a logistic too small for a normal float32 keeps that one's absolute error.
        // Where gelu's 1/2 and erf cancel, what is left has 1/2's absolute error, times x.
        const absolute = kind === 'gelu' ? 3e-7 * Math.abs(x) : 1e-43
        if (Math.abs(got - meant) > absolute) worst = Math.max(worst, ulps(got, meant))
      })
      expect(worst).toBeLessThanOrEqual(6)
    }
  })

  test.each(kinds)('%s in place, with odd channels, touches nothing else', (kind) => {
    for (let channels = 1; channels <= 20; channels++) {
      const arena = new Arena(channels)
      const view = arena.view(5, channels, 4)
      arena.fill(view, 5, float32)
      const fields = { ...places({ input: view, output: view }, 5), kind: activationKinds[kind] }
      const scalar = arena.run('scalar', 'activationF32', fields)
      const data = new DataView(scalar.buffer)
      const results = Array.from({ length: 5 * channels }, (_, n) =>
        data.getFloat32(
          view.address - 0x10000 + Math.floor(n / channels) * view.stride + (n % channels) * 4,
          true,
        ),
      )
      arena.check('activationF32', fields, view, results)
    }
  })

  test('the ends of float32', () => {
    const arena = new Arena(1)
    const input = arena.view(1, 4, 4)
    const output = arena.view(1, 4, 4)
    arena.fill(input, 1, () => 0)
    const ends = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 3.4e38, -3.4e38]
    for (const [n, x] of ends.entries()) arena.put(arena.bytes, input, n, x)
    const fields = places({ input, output }, 1)
    arena.check('activationF32', { ...fields, kind: activationKinds.logistic }, output, [1, 0, 1, 0])
    // -Infinity times 0 is NaN, whose bits no standard fixes.
    arena.put(arena.bytes, input, 1, -3)
    const swished = [Number.POSITIVE_INFINITY, -0, 3.4e38, -0]
    arena.check('activationF32', { ...fields, kind: activationKinds.hardSwish }, output, swished.map(f))
  })
})
