import { describe, expect, it } from 'vitest'
import { attentionLimits } from '../../src/host/graph/ops/attention.js'
import type { Fields } from '../../src/host/program/instruction.js'
import { Arena, type Random, roundEven, type View } from '../helpers/kernel.js'

const f = Math.fround

/** A sum in the order that the kernels promise: four lanes, then what is left. */
function laneSum(values: readonly number[]): number {
  const lanes = [0, 0, 0, 0]
  const whole = values.length & ~3
  for (let n = 0; n < whole; n++) lanes[n & 3] = f(lanes[n & 3] + values[n])
  const pairs = f(f(lanes[0] + lanes[2]) + f(lanes[1] + lanes[3]))
  return values.slice(whole).reduce((sum, v) => f(sum + v), pairs)
}

/** exp as assembly/lib/exp.ts says, step by step in float32. */
function exp(x: number): number {
  const limited = Math.max(x, -104)
  const scaled = f(limited * f(Math.LOG2E))
  const n = f(f(scaled + 12582912) - 12582912)
  const r = f(f(limited - f(n * f(0.693359375))) - f(n * f(-2.1219444e-4)))
  let p = f(1 / 5040)
  for (const term of [1 / 720, 1 / 120, 1 / 24, 1 / 6, 0.5, 1, 1]) p = f(f(p * r) + f(term))
  const half = Math.floor(n / 2)
  return f(f(p * 2 ** half) * 2 ** (n - half))
}

/** 2^x as assembly/lib/power.ts says. */
function power(x: number): number {
  const limited = Math.max(x, -30)
  const n = f(f(limited + 12582912) - 12582912)
  const r = f(limited - n)
  let p = f(0.00958277192)
  for (const term of [0.0559063591, 0.240240991, 0.693124175, 1]) p = f(f(p * r) + f(term))
  return p * 2 ** n
}

const rowsOf = (values: readonly number[], length: number): number[][] =>
  Array.from({ length: values.length / length }, (_, t) => values.slice(t * length, (t + 1) * length))

const pixelwise = (input: View, output: View, pixels: number, channels: number) => ({
  input: input.address,
  output: output.address,
  pixels,
  channels,
  inputStride: input.stride,
  outputStride: output.stride,
})

const wide = (random: Random): number => f(random.float() * random.pick([1, 1, 30]))

describe.each([1, 3, 4, 5, 8, 23, 192])('%i channels', (channels) => {
  it('layerNormF32', () => {
    const arena = new Arena(channels)
    const input = arena.view(5, channels, 4)
    const output = arena.view(5, channels, 4)
    const x = arena.fill(input, 5, wide)
    const gamma = Array.from({ length: channels }, () => arena.random.float())
    const beta = Array.from({ length: channels }, () => arena.random.float())
    const expected = rowsOf(x, channels).flatMap((row) => {
      const mean = f(laneSum(row) / channels)
      const squares = laneSum(row.map((v) => f(f(v - mean) * f(v - mean))))
      const factor = f(1 / f(Math.sqrt(f(f(squares / channels) + f(1e-6)))))
      return row.map((v, c) => f(f(f(f(v - mean) * factor) * gamma[c]) + beta[c]))
    })
    const fields = {
      ...pixelwise(input, output, 5, channels),
      gamma: arena.floats(gamma),
      beta: arena.floats(beta),
      epsilon: 1e-6,
    }
    arena.check('layerNormF32', fields, output, expected)
  })

  it('softmaxF32', () => {
    const arena = new Arena(channels + 100)
    const input = arena.view(5, channels, 4)
    const output = arena.view(5, channels, 4)
    const x = arena.fill(input, 5, (random) => f(random.float() * random.pick([1, 10, 200])))
    const expected = rowsOf(x, channels).flatMap((row) => {
      const largest = Math.max(...row)
      const e = row.map((v) => exp(f(v - largest)))
      const factor = f(1 / laneSum(e))
      return e.map((v) => f(v * factor))
    })
    arena.check('softmaxF32', pixelwise(input, output, 5, channels), output, expected)
  })
})

it('layerNormF32 and softmaxF32 in place', () => {
  const arena = new Arena(7)
  const view = arena.view(3, 6, 4)
  const x = arena.fill(view, 3, wide)
  const expected = rowsOf(x, 6).flatMap((row) => {
    const e = row.map((v) => exp(f(v - Math.max(...row))))
    return e.map((v) => f(v * f(1 / laneSum(e))))
  })
  arena.check('softmaxF32', pixelwise(view, view, 3, 6), view, expected)
})

describe('attentionF32', () => {
  it.each([
    [1, 1, 1, 1],
    [2, 4, 1, 8],
    [3, 5, 2, 3],
    [4, 8, 3, 16],
    [5, 17, 3, 64],
    [6, 13, 2, 20],
    [7, 3, 4, 9],
  ])('%i: %i tokens, %i heads of %i channels', (seed, tokens, heads, d) => {
    const arena = new Arena(seed)
    const width = heads * d
    const input = arena.view(tokens, 3 * width, 4)
    const output = arena.view(tokens, width, 4)
    const x = arena.fill(input, tokens, (random) => f(random.float() * 3))
    const scale = f(1 / Math.sqrt(d))
    const at = (t: number, part: number, h: number, c: number): number =>
      x[t * 3 * width + part * width + h * d + c]
    const expected = Array<number>(tokens * width)
    for (let h = 0; h < heads; h++) {
      for (let t = 0; t < tokens; t++) {
        const scores = Array.from({ length: tokens }, (_, j) => {
          let sum = 0
          for (let c = 0; c < d; c++) sum = f(sum + f(at(t, 0, h, c) * at(j, 1, h, c)))
          return f(sum * scale)
        })
        const largest = Math.max(...scores)
        const p = scores.map((s) => exp(f(s - largest)))
        const factor = f(1 / laneSum(p))
        for (let c = 0; c < d; c++) {
          let sum = 0
          for (let j = 0; j < tokens; j++) sum = f(sum + f(p[j] * at(j, 2, h, c)))
          expected[t * width + h * d + c] = f(sum * factor)
        }
      }
    }
    const padded = Math.ceil(tokens / 8) * 8
    const fields = {
      input: input.address,
      output: output.address,
      tokens,
      heads,
      headChannels: d,
      inputStride: input.stride,
      outputStride: output.stride,
      scale,
      scratch: arena.scratch(4 * (padded * d + tokens * Math.ceil(d / 8) * 8 + 4 * (padded + d)) + 192),
    }
    arena.check('attentionF32', fields, output, expected)
  })
})

/** A row by its largest value, as linear_s8 quantises. */
function quantized(row: readonly number[], limit: number): { q: number[]; scale: number } {
  const largest = row.reduce((most, v) => Math.max(most, Math.abs(v)), 0)
  if (largest < 2 ** -100) return { q: row.map(() => 0), scale: 0 }
  const factor = f(limit / largest)
  return { q: row.map((v) => roundEven(f(v * factor))), scale: f(largest / limit) }
}

const dot = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, v, n) => sum + v * b[n], 0)

describe('attentionS16', () => {
  it.each([
    [1, 1, 1, 1],
    [2, 4, 1, 8],
    [3, 5, 2, 3],
    [4, 8, 3, 16],
    [5, 50, 3, 64],
    [6, 13, 2, 20],
    [7, 3, 4, 9],
    [8, 197, 1, 32],
  ])('%i: %i tokens, %i heads of %i channels', (seed, tokens, heads, d) => {
    const arena = new Arena(seed, 1 << 20)
    const width = heads * d
    const input = arena.view(tokens, 3 * width, 4)
    const output = arena.view(tokens, width, 4)
    // Some values are far larger than others, and some rows zero.
    let n = 0
    const x = arena.fill(input, tokens, (random) =>
      Math.floor(n++ / d) % 11 === 4 ? 0 : f(random.float() * random.pick([1, 1, 9])),
    )
    const scale = f(1 / Math.sqrt(d))
    const row = (t: number, part: number, h: number): number[] => {
      const at = t * 3 * width + part * width + h * d
      return x.slice(at, at + d)
    }
    const limits = attentionLimits(tokens, d)
    const all = Array.from({ length: tokens }, (_, t) => t)
    const expected = Array<number>(tokens * width)
    for (let h = 0; h < heads; h++) {
      const keys = all.map((j) => quantized(row(j, 1, h), limits.limit))
      const values = Array.from({ length: d }, (_, c) =>
        quantized(
          all.map((j) => row(j, 2, h)[c]),
          limits.valueLimit,
        ),
      )
      for (const t of all) {
        const query = quantized(row(t, 0, h), limits.limit)
        const factor = f(f(query.scale * scale) * f(Math.LOG2E))
        const scores = keys.map((key) => f(f(dot(query.q, key.q)) * key.scale))
        const largest = Math.max(...scores)
        const p = scores.map((s) => roundEven(f(power(f(f(s - largest) * factor)) * limits.weightLimit)))
        const inverse = f(1 / f(p.reduce((sum, v) => sum + v, 0)))
        values.forEach((value, c) => {
          expected[t * width + h * d + c] = f(f(dot(p, value.q)) * f(value.scale * inverse))
        })
      }
    }
    const padded = Math.ceil(tokens / 8) * 8
    const [depth, channels] = [Math.ceil(d / 8) * 8, Math.ceil(d / 16) * 16]
    const fields = {
      input: input.address,
      output: output.address,
      tokens,
      heads,
      headChannels: d,
      inputStride: input.stride,
      outputStride: output.stride,
      scale,
      scratch: arena.scratch(padded * (2 * depth + 2 * channels + 36) + 16 * depth + 4 * channels + 224),
      ...limits,
    }
    arena.check('attentionS16', fields, output, expected)
  })

  it('no sum leaves int32, and each factor int16, of any size', () => {
    for (let n = 1; n < 70000; n = Math.ceil(n * 1.3)) {
      const { limit, weightLimit, valueLimit } = attentionLimits(n, n)
      expect(n * limit * limit).toBeLessThan(2 ** 31)
      expect(n * weightLimit * valueLimit).toBeLessThan(2 ** 31)
      expect(Math.min(limit, valueLimit)).toBeGreaterThan(100)
      expect(weightLimit).toBeGreaterThan(100)
      expect(Math.max(limit, weightLimit, valueLimit)).toBeLessThan(2 ** 13)
    }
  })
})

/** Some of the places, in any order, each at most once. */
function choose(random: Random, places: number, count: number): number[] {
  const left = Array.from({ length: places }, (_, p) => p)
  return Array.from({ length: count }, () => left.splice(random.integer(0, left.length - 1), 1)[0])
}

describe('patchesF32', () => {
  it.each([
    [1, 1, 1, 1, 3, false],
    [2, 2, 3, 4, 3, false],
    [3, 3, 2, 2, 3, true],
    [4, 2, 5, 3, 1, true],
  ])(
    '%i: patches of %i pixels, %i rows of %i, %i channels, among others: %s',
    (seed, patch, rows, columns, channels, among) => {
      const arena = new Arena(seed)
      const width = columns * patch
      const input = arena.view(rows * patch * width, channels, 4, !among)
      const x = arena.fill(input, rows * patch * width, wide)
      const indices = choose(arena.random, rows * columns, Math.ceil((rows * columns) / 2))
      const output = arena.view(indices.length, patch * patch * channels, 4)
      const expected: number[] = []
      for (const place of indices) {
        for (let y = 0; y < patch; y++) {
          for (let n = 0; n < patch * channels; n++) {
            const row = Math.floor(place / columns) * patch + y
            expected.push(x[(row * width + (place % columns) * patch) * channels + n])
          }
        }
      }
      const fields = {
        input: input.address,
        output: output.address,
        tokens: indices.length,
        outputStride: output.stride,
        inputStride: input.stride,
        inputWidth: width,
        patch,
        columns,
        places: rows * columns,
        indices: arena.integers(indices),
        channels,
      }
      arena.check('patchesF32', fields, output, expected)
    },
  )
})

describe.each([
  [1, 1, 1],
  [4, 2, 5],
  [9, 9, 8],
  [30, 7, 13],
])('%i places, %i tokens of %i channels', (places, tokens, channels) => {
  const setUp = (seed: number, before: number, after: number) => {
    const arena = new Arena(seed + places)
    const input = arena.view(before, channels, 4)
    const output = arena.view(after, channels, 4)
    const x = rowsOf(arena.fill(input, before, wide), channels)
    const row = (): number[] => Array.from({ length: channels }, () => arena.random.float())
    const indices = choose(arena.random, places, tokens)
    const common = {
      input: input.address,
      output: output.address,
      tokens,
      channels,
      inputStride: input.stride,
      outputStride: output.stride,
      places,
      indices: arena.integers(indices),
    }
    return { arena, output, x, row, indices, common }
  }
  const sum = (a: readonly number[], b: readonly number[]): number[] => a.map((v, c) => f(v + b[c]))

  it('embedTokensF32', () => {
    const { arena, output, x, row, indices, common } = setUp(1, tokens, tokens + 1)
    const first = row()
    const positions = Array.from({ length: places }, row)
    const fields: Fields<'embedTokensF32'> = {
      ...common,
      first: arena.floats(first),
      positions: arena.floats(positions.flat()),
    }
    const expected = [first, ...indices.map((place, n) => sum(x[n], positions[place]))].flat()
    arena.check('embedTokensF32', fields, output, expected)
  })

  it('scatterTokensF32', () => {
    const { arena, output, x, row, indices, common } = setUp(2, tokens + 1, places + 1)
    const mask = row()
    const positions = Array.from({ length: places + 1 }, row)
    const fields: Fields<'scatterTokensF32'> = {
      ...common,
      mask: arena.floats(mask),
      positions: arena.floats(positions.flat()),
    }
    const expected = positions.map((position, t) => {
      const n = indices.indexOf(t - 1)
      return sum(t === 0 ? x[0] : n < 0 ? mask : x[1 + n], position)
    })
    arena.check('scatterTokensF32', fields, output, expected.flat())
  })
})
