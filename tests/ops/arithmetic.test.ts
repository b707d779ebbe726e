import { describe, expect, test } from 'vitest'
import { arithmeticKinds, curveKinds, reduceKinds } from '../../src/host/program/kinds.js'
import { builds } from '../helpers/engine.js'
import { Arena, firstDifference, type Random } from '../helpers/kernel.js'

const f = Math.fround
const float32 = (random: Random) => random.float()

const operations: Readonly<Record<keyof typeof arithmeticKinds, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  min: (a, b) => (b < a ? b : a),
  max: (a, b) => (a < b ? b : a),
  pow: (a, b) => a ** b,
  slope: (a, b) => (a < 0 ? a * b : a),
}

describe.each(Object.keys(arithmeticKinds) as (keyof typeof arithmeticKinds)[])(
  'arithmeticF32, %s',
  (kind) => {
    test.each([
      ['of one shape', true, true],
      ['one value a channel', false, true],
      ['one value a pixel', true, false],
      ['one value', false, false],
    ])('%s', (_name, pixelMoves, channelMoves) => {
      for (const channels of [1, 3, 4, 7, 18]) {
        for (const reversed of [0, 1]) {
          const arena = new Arena(channels * 2 + reversed)
          const pixels = 6
          const a = arena.view(pixels, channels, 4)
          const b = arena.view(pixelMoves ? pixels : 1, channelMoves ? channels : 1, 4)
          const output = arena.view(pixels, channels, 4)
          // pow goes by logarithms: bases and exponents whose results are exact.
          const base = kind === 'pow' ? (random: Random) => random.pick([1, 2, 4]) : float32
          const left = arena.fill(a, pixels, base)
          const right = arena.fill(
            b,
            pixelMoves ? pixels : 1,
            kind === 'pow' ? (r) => r.pick([1, 2, 3]) : float32,
          )
          const expected = left.map((x, n) => {
            const [p, c] = [Math.floor(n / channels), n % channels]
            const y = right[(pixelMoves ? p : 0) * b.channels + (channelMoves ? c : 0)]
            return f(reversed ? operations[kind](y, x) : operations[kind](x, y))
          })
          arena.check(
            'arithmeticF32',
            {
              inputA: a.address,
              inputB: b.address,
              output: output.address,
              pixels,
              channels,
              strideA: a.stride,
              pixelStep: pixelMoves ? b.stride : 0,
              channelStep: channelMoves ? 4 : 0,
              outputStride: output.stride,
              kind: arithmeticKinds[kind],
              reversed,
            },
            output,
            expected,
          )
        }
      }
    })
  },
)

const curves: Readonly<
  Partial<Record<keyof typeof curveKinds, (x: number, a: number, b: number) => number>>
> = {
  relu: (x) => Math.max(x, 0),
  leakyRelu: (x, a) => (x < 0 ? x * a : x),
  clip: (x, a, b) => Math.min(Math.max(x, a), b),
  affine: (x, a, b) => f(a * x) + b,
  square: (x) => x * x,
  sqrt: Math.sqrt,
  reciprocal: (x) => 1 / x,
  abs: Math.abs,
  exp: Math.exp,
  log: Math.log,
  elu: (x, a) => (x < 0 ? a * Math.expm1(x) : x),
  celu: (x, a) => (x < 0 ? a * Math.expm1(x / a) : x),
  selu: (x, a, b) => b * (x < 0 ? a * Math.expm1(x) : x),
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  softsign: (x) => x / (1 + Math.abs(x)),
  hardSigmoid: (x, a, b) => Math.min(Math.max(f(a * x) + b, 0), 1),
  power: (x, a) => x ** a,
  // Exact in float64; in float32 the parabola has the error of its 2.
  hardMish: (x) => (x > 0 ? x : x > -2 ? (x * x) / 2 + x : 0),
}

describe.each(Object.entries(curves))('curveF32, %s', (name, curve) => {
  test('within a few ulp, the same bytes in every build', () => {
    const kind = name as keyof typeof curveKinds
    const arena = new Arena(curveKinds[kind])
    const channels = 13
    const [alpha, beta] = [f(kind === 'clip' ? -0.5 : 0.3), f(0.7)]
    const positive = kind === 'log' || kind === 'sqrt' || kind === 'power'
    const input = arena.view(20, channels, 4)
    const values = arena.fill(input, 20, (random) => {
      const x = random.float() * random.pick([1, 10, 60])
      return positive ? Math.abs(x) : x
    })
    const output = arena.view(20, channels, 4)
    const fields = {
      input: input.address,
      output: output.address,
      pixels: 20,
      channels,
      inputStride: input.stride,
      outputStride: output.stride,
      kind: curveKinds[kind],
      parameterA: alpha,
      parameterB: beta,
    }
    const results = builds.map((build) => arena.run(build, 'curveF32', fields))
    for (const result of results) expect(firstDifference(result, results[0])).toBe(-1)
    const data = new DataView(results[0].buffer)
    for (const [n, x] of values.entries()) {
      const at = arena.offsetOf(output, n)
      const got = data.getFloat32(at, true)
      const want = curve(x, alpha, beta)
      expect(Math.abs(got - want), `${x}: ${got}, not ${want}`).toBeLessThanOrEqual(
        Math.max(Math.abs(want) * 5e-7, 1e-7),
      )
    }
  })
})

const reductions: Readonly<Record<keyof typeof reduceKinds, (list: readonly number[]) => number>> = {
  mean: (list) => list.reduce((a, b) => a + b, 0) / list.length,
  sum: (list) => list.reduce((a, b) => a + b, 0),
  max: (list) => Math.max(...list),
  min: (list) => Math.min(...list),
  prod: (list) => list.reduce((a, b) => a * b, 1),
  l1: (list) => list.reduce((a, b) => a + Math.abs(b), 0),
  l2: (list) => Math.sqrt(list.reduce((a, b) => a + b * b, 0)),
  sumSquare: (list) => list.reduce((a, b) => a + b * b, 0),
  argMax: (list) => list.indexOf(Math.max(...list)),
  argMin: (list) => list.indexOf(Math.min(...list)),
}

describe.each(Object.keys(reduceKinds) as (keyof typeof reduceKinds)[])('reduceF32, %s', (kind) => {
  test.each([1, 2, 5, 33])('%i channels', (channels) => {
    const arena = new Arena(channels)
    const input = arena.view(7, channels, 4)
    const values = arena.fill(input, 7, float32)
    const output = arena.view(7, 1, 4)
    const expected = Array.from({ length: 7 }, (_, r) =>
      f(reductions[kind](values.slice(r * channels, (r + 1) * channels))),
    )
    arena.check(
      'reduceF32',
      {
        input: input.address,
        output: output.address,
        rows: 7,
        channels,
        inputStride: input.stride,
        outputStride: output.stride,
        kind: reduceKinds[kind],
      },
      output,
      expected,
    )
  })
})

describe('groupNormF32', () => {
  test.each([
    [1, 1],
    [6, 1],
    [6, 2],
    [6, 6],
    [32, 8],
  ])('%i channels in %i groups', (channels, groups) => {
    const arena = new Arena(channels + groups)
    const pixels = 11
    const input = arena.view(pixels, channels, 4)
    const values = arena.fill(input, pixels, float32)
    const output = arena.view(pixels, channels, 4)
    const gamma = Array.from({ length: channels }, () => arena.random.float())
    const beta = Array.from({ length: channels }, () => arena.random.float())
    const epsilon = f(1e-5)
    const each = channels / groups
    const expected = new Array<number>(pixels * channels)
    for (let g = 0; g < groups; g++) {
      // Channel by channel, as the kernel adds up: the sums are float64, and all the rest is
      // rounded once.
      const sums = Array.from({ length: each }, (_, c) => {
        let sum = 0
        for (let p = 0; p < pixels; p++) sum += values[p * channels + g * each + c]
        return sum
      })
      const mean = sums.reduce((a, b) => a + b, 0) / (pixels * each)
      const squares = Array.from({ length: each }, (_, c) => {
        let sum = 0
        for (let p = 0; p < pixels; p++) sum += (values[p * channels + g * each + c] - mean) ** 2
        return sum
      })
      const deviation = Math.sqrt(squares.reduce((a, b) => a + b, 0) / (pixels * each) + epsilon)
      for (let c = g * each; c < (g + 1) * each; c++) {
        const scale = f(gamma[c]) / deviation
        const shift = f(f(beta[c]) - mean * scale)
        for (let p = 0; p < pixels; p++)
          expected[p * channels + c] = f(f(values[p * channels + c] * f(scale)) + shift)
      }
    }
    arena.check(
      'groupNormF32',
      {
        input: input.address,
        output: output.address,
        pixels,
        channels,
        inputStride: input.stride,
        outputStride: output.stride,
        groups,
        gamma: arena.floats(gamma),
        beta: arena.floats(beta),
        epsilon,
        scratch: arena.scratch(channels * 16),
      },
      output,
      expected,
    )
  })
})

describe('matmulF32', () => {
  test.each([
    [1, 1, 1, 1],
    [2, 3, 5, 7],
    [3, 4, 8, 16],
    [1, 9, 33, 21],
  ])('%i of [%i, %i] times [.., %i]', (batch, rows, depth, columns) => {
    const arena = new Arena(rows)
    const left = arena.view(batch * rows, depth, 4)
    const right = arena.view(batch * depth, columns, 4)
    const output = arena.view(batch * rows, columns, 4)
    const a = arena.fill(left, batch * rows, float32)
    const b = arena.fill(right, batch * depth, float32)
    const expected: number[] = []
    for (let r = 0; r < batch * rows; r++)
      for (let n = 0; n < columns; n++) {
        let sum = 0
        for (let k = 0; k < depth; k++)
          sum = f(sum + f(a[r * depth + k] * b[(Math.floor(r / rows) * depth + k) * columns + n]))
        expected.push(sum)
      }
    arena.check(
      'matmulF32',
      {
        left: left.address,
        right: right.address,
        output: output.address,
        batch,
        rows,
        depth,
        columns,
        leftStride: left.stride,
        rightStride: right.stride,
        outputStride: output.stride,
      },
      output,
      expected,
    )
  })
})
