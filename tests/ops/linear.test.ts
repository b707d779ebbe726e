import { describe, it } from 'vitest'
import { Arena, roundEven, type View } from '../helpers/kernel.js'

const f = Math.fround

/** The quantised rows and their scales, by the words of docs/engine.md. */
function quantizeRows(
  x: readonly number[],
  tokens: number,
  depth: number,
  limit: number,
): { q: number[]; scales: number[] } {
  const q: number[] = []
  const scales: number[] = []
  for (let t = 0; t < tokens; t++) {
    const row = x.slice(t * depth, (t + 1) * depth)
    const largest = row.reduce((most, v) => Math.max(most, Math.abs(v)), 0)
    const zero = largest < 2 ** -100
    const inverse = zero ? 0 : f(limit / largest)
    scales.push(zero ? 0 : f(largest / limit))
    for (const v of row) q.push(roundEven(f(v * inverse)))
  }
  return { q, scales }
}

interface Shape {
  readonly tokens: number
  readonly depth: number
  readonly outputs: number
  readonly block: number
  readonly seven?: number
  /** Values and weights as large as they may be, their signs by token and channel. */
  readonly extreme?: boolean
}

function check(
  seed: number,
  { tokens, depth, outputs, block, seven = 0, extreme = false }: Shape,
  silent = -1,
  limit = 127,
): void {
  const arena = new Arena(seed, 1 << 20)
  const { random } = arena
  const input = arena.view(tokens, depth, 4)
  const output: View = arena.view(tokens, outputs, 4)
  // Rows of very different size, as those of a vision transformer are.
  let n = 0
  let size = 1
  const x = arena.fill(input, tokens, () => {
    if (n++ % depth === 0) size = (n - 1) / depth === silent ? 0 : random.pick([1, 1000, 1e-6])
    if (extreme) return ((n - 1) / depth) & 1 ? -size : size
    return f(random.float() * size)
  })
  const weights = Array.from({ length: outputs * depth }, (_, k) =>
    extreme ? ((k / depth) & 1 ? -limit : limit) : Math.max(-limit, Math.min(limit, random.int8())),
  )
  const bias = Array.from({ length: outputs }, () => random.float())
  const scale = Array.from({ length: outputs }, () => f(Math.abs(random.float()) + 1e-3))
  const source = arena.allocate(weights.length)
  arena.bytes.set(
    weights.map((w) => w & 255),
    source - 0x10000,
  )
  const padded = Math.ceil(outputs / 8) * 8
  const packed = arena.scratch(padded * Math.ceil(depth / 8) * 8)
  const rows = Math.ceil(block / 4) * 4
  const half = Math.ceil(block / 8) * 4
  const scratch = arena.scratch(
    seven > 0
      ? half * (7 * depth + 456) + depth * 16 + 14 * (seven * 32 + 64)
      : rows * (Math.ceil(depth / 16) * 32 + 36) + 16384,
  )
  const zeros = Array<number>(padded - outputs).fill(0)
  const { q, scales } = quantizeRows(x, tokens, depth, limit)
  const expected: number[] = []
  for (let t = 0; t < tokens; t++) {
    for (let o = 0; o < outputs; o++) {
      let acc = 0
      for (let k = 0; k < depth; k++) acc += q[t * depth + k] * weights[o * depth + k]
      expected.push(f(f(f(acc) * f(scales[t] * scale[o])) + bias[o]))
    }
  }
  arena.check(
    'linearS8',
    {
      input: input.address,
      output: output.address,
      weights: packed,
      bias: arena.floats([...bias, ...zeros]),
      scales: arena.floats([...scale, ...zeros]),
      tokens,
      inputChannels: depth,
      inputStride: input.stride,
      outputChannels: outputs,
      outputStride: output.stride,
      scratch,
      block,
      limit,
      seven,
    },
    output,
    expected,
    (engine) => engine.pack_linear_s8(source, packed, outputs, depth, limit),
  )
}

describe('linearS8', () => {
  it.each<[number, Shape]>([
    [1, { tokens: 1, depth: 1, outputs: 1, block: 4 }],
    [2, { tokens: 4, depth: 8, outputs: 8, block: 4 }],
    [3, { tokens: 5, depth: 7, outputs: 9, block: 4 }],
    [4, { tokens: 17, depth: 192, outputs: 30, block: 64 }],
    [5, { tokens: 11, depth: 33, outputs: 21, block: 8 }],
    [6, { tokens: 3, depth: 1024, outputs: 8, block: 4 }],
    [7, { tokens: 6, depth: 2503, outputs: 12, block: 8 }],
    [8, { tokens: 65, depth: 64, outputs: 16, block: 64 }],
    [10, { tokens: 1, depth: 16, outputs: 32, block: 2, seven: 64 }],
    [11, { tokens: 50, depth: 64, outputs: 96, block: 50, seven: 64 }],
    [12, { tokens: 35, depth: 528, outputs: 32, block: 34, seven: 64 }],
    [13, { tokens: 19, depth: 1040, outputs: 64, block: 8, seven: 64 }],
    [14, { tokens: 7, depth: 1064, outputs: 19, block: 8, extreme: true }],
    [16, { tokens: 19, depth: 2064, outputs: 64, block: 20, seven: 256, extreme: true }],
    [17, { tokens: 9, depth: 1040, outputs: 32, block: 10, seven: 256 }],
    [15, { tokens: 9, depth: 1040, outputs: 32, block: 8, seven: 64, extreme: true }],
    [18, { tokens: 6, depth: 64, outputs: 32, block: 8, seven: 64 }],
    [19, { tokens: 13, depth: 64, outputs: 32, block: 14, seven: 64 }],
    [20, { tokens: 22, depth: 1040, outputs: 32, block: 22, seven: 256 }],
  ])('%i: %o', (seed, shape) => {
    check(seed, shape)
    check(seed, shape, -1, 63)
  })

  it('a token of zeros gives the bias', () => check(9, { tokens: 4, depth: 20, outputs: 8, block: 4 }, 2))
})
