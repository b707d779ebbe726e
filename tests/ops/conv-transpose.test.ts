import { describe, expect, test } from 'vitest'
import type { Model } from '../../src/host/graph/types.js'
import { verifyModel } from '../../src/host/graph/verify.js'
import { candidatesOf, direct } from '../../src/host/plan/kernels.js'
import { codeOf } from '../helpers/code-of.js'
import { guardedRun } from '../helpers/guarded.js'
import { Random } from '../helpers/kernel.js'
import { int8Model, randomInput, randomInt8Input } from '../helpers/models.js'
import { Builder } from '../helpers/random-model.js'
import { runReference } from '../helpers/reference.js'
import { runInt8Reference } from '../helpers/reference-int8.js'
import { differing } from '../helpers/session.js'

// The instructions 'convTransposeS8', 'convTransposeF32', 'transposedWinograd42S8' and
// 'transposedWinograd22S8', as graphs run them: every layer of the packing is in it.

interface Case {
  readonly height: number
  readonly width: number
  readonly inputs: number
  readonly outputs: number
  readonly kernel: readonly [number, number]
  readonly strides: readonly [number, number]
  readonly pads: readonly [number, number, number, number]
  readonly activation?: string
  /** A bias for each phase. */
  readonly biases?: boolean
}

/**
 * A network of one transposed convolution, its input a convolution's output so that it lies among
 * other channels.
 */
function network(shape: Case, seed = 1): Model {
  const { height, width, inputs, outputs, kernel, strides, pads, activation = 'linear' } = shape
  const b = new Builder(new Random(seed), height, width)
  const before = b.conv(b.tensors[0], inputs + 3, 1, 1, 1)
  const input = b.slice(before, 2, inputs)
  const rows = (height - 1) * strides[0] + kernel[0] - pads[0] - pads[2]
  const columns = (width - 1) * strides[1] + kernel[1] - pads[1] - pads[3]
  const phases = (size: number, axis: 0 | 1, output: number): number =>
    Math.min(output, size === 1 ? kernel[axis] : strides[axis])
  const grid = shape.biases ? [phases(height, 0, rows), phases(width, 1, columns)] : []
  const constants = {
    weight: b.constant('weight', [outputs, ...kernel, inputs], 1 / Math.sqrt(inputs)),
    bias: b.constant('bias', [...grid, outputs], 0.5),
  }
  const attributes = { kernel, strides, pads, activation, ...(activation === 'leaky' ? { slope: 0.2 } : {}) }
  const made = b.node('convTranspose', [input], [1, rows, columns, outputs], attributes, constants)
  // A reader keeps the output int8; another output lies beside it.
  const after = b.concat(before.shape[1] === rows && before.shape[2] === columns ? before : made, made)
  // A last convolution: what comes after the last weights would stay float32.
  return b.model([b.conv(b.activation(after, 'tanh'), 3, 1, 1, 1).name, made.name])
}

async function check(shape: Case, seed = 1): Promise<void> {
  const what = JSON.stringify(shape)
  const float = network(shape, seed)
  const input = randomInput(float, seed)
  const simd = await guardedRun(float, input, 'simd')
  const scalar = await guardedRun(float, input, 'scalar')
  expect([simd.strayed, scalar.strayed], what).toEqual([undefined, undefined])
  expect(differing(scalar.outputs, simd.outputs), what).toBeUndefined()
  const byDefinition = runReference(float, input)
  for (const [name, values] of simd.outputs) {
    const expected = byDefinition.get(name)!
    let worst = 0
    for (let n = 0; n < values.length; n++) worst = Math.max(worst, Math.abs(values[n] - expected[n]))
    expect(worst, what).toBeLessThan(1e-5 * Math.sqrt(shape.inputs * shape.kernel[0] * shape.kernel[1]))
  }
  const model = int8Model(float, seed)
  const bytes = randomInt8Input(model, seed)
  const exact = runInt8Reference(model, bytes)
  for (const kernel of kernelsOf(model)) {
    for (const build of ['simd', 'scalar'] as const) {
      const { outputs, strayed } = await guardedRun(model, bytes, build, kernel)
      expect(strayed, what).toBeUndefined()
      expect(differing(outputs, exact), `${kernel} ${build} ${what}`).toBeUndefined()
    }
  }
}

/** The names of what the transposed convolution of a network can be computed by. */
function kernelsOf(model: Model): string[] {
  const { view, operator } = verifyModel(model).views.find(({ operator: { op } }) => op === 'convTranspose')!
  return candidatesOf(view, operator).map(({ name }) => name)
}

const winograd = ['winograd42', 'winograd42-mla', 'winograd22', 'winograd22-mla']

const dcgan = { kernel: [4, 4], strides: [2, 2], pads: [1, 1, 1, 1] } as const

describe('convTranspose', () => {
  test.each([
    [
      'of a latent',
      { height: 1, width: 1, inputs: 20, outputs: 12, kernel: [4, 4], strides: [1, 1], pads: [0, 0, 0, 0] },
    ],
    [
      'of a latent, with a bias for each position',
      {
        height: 1,
        width: 1,
        inputs: 9,
        outputs: 7,
        kernel: [5, 3],
        strides: [1, 1],
        pads: [0, 0, 0, 0],
        biases: true,
      },
    ],
    [
      'of a latent, padded',
      { height: 1, width: 1, inputs: 5, outputs: 8, kernel: [4, 4], strides: [2, 2], pads: [1, 1, 1, 1] },
    ],
    ['4x4 stride 2', { ...dcgan, height: 4, width: 4, inputs: 16, outputs: 8, activation: 'relu' }],
    [
      '4x4 stride 2, odd everything',
      { ...dcgan, height: 5, width: 3, inputs: 7, outputs: 3, activation: 'leaky' },
    ],
    [
      '4x4 stride 2, a bias for each phase',
      { ...dcgan, height: 3, width: 4, inputs: 4, outputs: 9, biases: true },
    ],
    [
      '3x3 stride 2, no padding',
      { height: 3, width: 3, inputs: 8, outputs: 5, kernel: [3, 3], strides: [2, 2], pads: [0, 0, 0, 0] },
    ],
    [
      '4x4 stride 1',
      { height: 3, width: 3, inputs: 8, outputs: 5, kernel: [4, 4], strides: [1, 1], pads: [0, 0, 0, 0] },
    ],
    [
      'a kernel smaller than the stride',
      { height: 3, width: 4, inputs: 3, outputs: 5, kernel: [2, 1], strides: [3, 3], pads: [0, 0, 0, 0] },
    ],
    [
      'a kernel as large as the stride, padded',
      { height: 4, width: 4, inputs: 3, outputs: 5, kernel: [2, 2], strides: [2, 2], pads: [1, 1, 1, 1] },
    ],
    [
      'uneven padding, as an output padding gives',
      { height: 4, width: 4, inputs: 3, outputs: 5, kernel: [3, 3], strides: [2, 2], pads: [1, 1, 0, 0] },
    ],
    [
      'one row',
      { height: 1, width: 6, inputs: 3, outputs: 5, kernel: [3, 4], strides: [2, 2], pads: [0, 1, 1, 1] },
    ],
  ] satisfies [string, Case][])('%s', async (_what, shape) => {
    await check(shape)
  })

  test('shapes drawn at random', async () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = new Random(seed)
      const kernel = [random.integer(1, 5), random.integer(1, 5)] as const
      const strides = [random.integer(1, 4), random.integer(1, 4)] as const
      const pad = (k: number): number => random.integer(0, Math.min(2, k - 1))
      const pads = [pad(kernel[0]), pad(kernel[1]), pad(kernel[0]), pad(kernel[1])] as const
      const [height, width] = [random.integer(1, 7), random.integer(1, 7)]
      const rows = (height - 1) * strides[0] + kernel[0] - pads[0] - pads[2]
      const columns = (width - 1) * strides[1] + kernel[1] - pads[1] - pads[3]
      if (rows < 1 || columns < 1) continue
      const inputs = random.pick([1, 2, 3, 8, random.integer(1, 40)])
      const activation = random.pick(['linear', 'relu', 'relu6', 'leaky'])
      await check(
        {
          height,
          width,
          inputs,
          outputs: random.integer(1, 20),
          kernel,
          strides,
          pads,
          activation,
          biases: random.integer(0, 2) === 0,
        },
        seed,
      )
    }
  })

  test('Winograd kernels take what falls into convolutions of two by two, and nothing else', () => {
    const shape = { height: 3, width: 4, inputs: 4, outputs: 3, pads: [1, 1, 1, 1] } as const
    const names = (kernel: [number, number], strides: [number, number]): string[] =>
      kernelsOf(int8Model(network({ ...shape, kernel, strides }), 1))
    expect(names([4, 4], [2, 2])).toEqual([direct, ...winograd])
    expect(names([2, 2], [1, 1])).toEqual([direct, ...winograd])
    expect(names([6, 4], [3, 2])).toEqual([direct, ...winograd])
    expect(names([3, 3], [2, 2])).toEqual([direct])
    expect(names([4, 4], [1, 1])).toEqual([direct])
    expect(names([5, 4], [2, 2])).toEqual([direct])
    expect(names([4, 6], [2, 2])).toEqual([direct])
    expect(kernelsOf(network({ ...shape, kernel: [4, 4], strides: [2, 2] }))).toEqual([direct])
    expect(kernelsOf(int8Model(network({ ...dcgan, ...shape, height: 1 }), 1))).toEqual([direct])
  })

  test('Winograd kernels at every size of a phase, and numbers of channels around multiples of 8', async () => {
    for (let side = 2; side <= 9; side++) {
      await check({ ...dcgan, height: side, width: 11 - side, inputs: side + 6, outputs: 17 - side })
    }
    for (const pads of [
      [0, 0, 0, 0],
      [3, 2, 1, 0],
      [0, 1, 2, 3],
    ] as const) {
      await check({ ...dcgan, pads, height: 5, width: 4, inputs: 9, outputs: 8, biases: true })
    }
    await check({
      height: 7,
      width: 5,
      inputs: 3,
      outputs: 9,
      kernel: [2, 2],
      strides: [1, 1],
      pads: [1, 0, 1, 1],
    })
    await check({
      height: 4,
      width: 6,
      inputs: 8,
      outputs: 4,
      kernel: [6, 4],
      strides: [3, 2],
      pads: [2, 1, 2, 1],
    })
  })

  test('more tiles than are worked on at a time', async () => {
    await check({ ...dcgan, height: 30, width: 17, inputs: 264, outputs: 3 })
  })

  test('extremes throughout a deep sum, and the bound of F(4x4,2x2)', async () => {
    const most = (inputs: number): Model => {
      const model = int8Model(network({ ...dcgan, height: 3, width: 2, inputs, outputs: 2 }), 1)
      const { weight } = model.graph.nodes.find(({ op }) => op === 'convTranspose')!.constants
      const constant = model.constants.get(weight)!
      const data = new Int8Array(constant.data.length).fill(-128)
      return { ...model, constants: new Map(model.constants).set(weight, { ...constant, data }) }
    }
    // 255 * 128 * 16 * 1028 is below 2^29, and with one more channel beyond it; biases are small.
    expect(kernelsOf(most(1027))).toEqual([direct, ...winograd])
    expect(kernelsOf(most(1029))).toEqual([direct, ...winograd.slice(2)])
    const model = most(1027)
    const bytes = randomInt8Input(model, 1)
    const exact = runInt8Reference(model, bytes)
    for (const kernel of winograd) {
      const { outputs } = await guardedRun(model, bytes, 'simd', kernel)
      expect(differing(outputs, exact), kernel).toBeUndefined()
    }
  })

  const sound = network({ ...dcgan, height: 3, width: 3, inputs: 4, outputs: 8 })

  const changed = (attributes: Record<string, number[]>): Model => {
    const nodes = sound.graph.nodes.map((node) =>
      node.op === 'convTranspose' ? { ...node, attributes: { ...node.attributes, ...attributes } } : node,
    )
    return { ...sound, graph: { ...sound.graph, nodes } }
  }

  const withBias = (model: Model, shape: number[]): Model => {
    const name = model.graph.nodes.find(({ op }) => op === 'convTranspose')!.constants.bias
    const bias = model.constants.get(name)!
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1))
    return { ...model, constants: new Map(model.constants).set(name, { ...bias, shape, data }) }
  }

  test.each([
    ['a kernel of another size than the weights', changed({ kernel: [3, 4] }), 'E_MODEL_SHAPE'],
    ['padding as large as the kernel', changed({ pads: [4, 0, 0, 0] }), 'E_MODEL_SHAPE'],
    ['another stride than its output says', changed({ strides: [3, 2] }), 'E_MODEL_SHAPE'],
    ['a stride of 0', changed({ strides: [0, 2] }), 'E_MODEL_OPERATOR'],
    ['groups', changed({ groups: [1] }), 'E_MODEL_OPERATOR'],
    ['too many biases', withBias(sound, [3, 2, 8]), 'E_MODEL_SHAPE'],
    ['too few biases', withBias(sound, [7]), 'E_MODEL_SHAPE'],
    ['a bias for each phase', withBias(sound, [2, 2, 8]), 'none'],
  ])('%s: %#', (_what, model, code) => {
    expect(codeOf(() => verifyModel(model))).toBe(code)
  })

  test('a result beyond all bounds is refused, however little it is made of', () => {
    const b = new Builder(new Random(1), 1000, 1000)
    const constants = { weight: b.constant('weight', [1, 1, 1, 3], 1), bias: b.constant('bias', [1], 1) }
    const attributes = { kernel: [1, 1], strides: [64, 64], pads: [0, 0, 0, 0] }
    b.node('convTranspose', [b.tensors[0]], [1, 63937, 63937, 1], attributes, constants)
    expect(codeOf(() => verifyModel(b.model(['0_convTranspose.out'])))).toBe('E_MODEL_SHAPE')
  })
})
