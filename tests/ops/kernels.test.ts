import { describe, expect, test } from 'vitest'
import type { Kernel, NodeView, Placement } from '../../src/host/graph/descriptor.js'
import { conv } from '../../src/host/graph/ops/conv.js'
import type { Constant } from '../../src/host/graph/types.js'
import type { Fields, Opcode } from '../../src/host/program/instruction.js'
import { type Case, outputSide, reference } from '../helpers/convolution.js'
import { Arena, type Random } from '../helpers/kernel.js'

const f = Math.fround

const kernels = new Map(conv.kernels!.map((kernel) => [kernel.name, kernel]))

/** The node that a model would hold, its weights within `most`. */
function nodeOf(shape: Case, weights: Int8Array, bias: Int32Array, scales: Float32Array): NodeView {
  const { height, width, inputChannels, outputChannels, groups = 1, kernel, strides = [1, 1] } = shape
  const { pads = [0, 0, 0, 0], zeroPoints = [-3, 5], slope = 1, float = false } = shape
  const constant = (
    name: string,
    dims: number[],
    dtype: Constant['dtype'],
    data: Constant['data'],
  ): Constant => ({
    name,
    shape: dims,
    dtype,
    data,
  })
  const outputs = groups * outputChannels
  return {
    node: {
      name: 'node',
      op: 'conv',
      inputs: ['x'],
      outputs: ['y'],
      constants: {},
      attributes: { kernel, strides, pads, groups, ...(slope === 1 ? {} : { activation: 'leaky', slope }) },
    },
    inputs: [
      {
        name: 'x',
        shape: [1, height, width, groups * inputChannels],
        dtype: 'int8',
        quantization: { scale: 1, zeroPoint: zeroPoints[0] },
      },
    ],
    output: {
      name: 'y',
      shape: [1, outputSide(shape, 0), outputSide(shape, 1), outputs],
      dtype: float ? 'float32' : 'int8',
      ...(float ? {} : { quantization: { scale: 1, zeroPoint: zeroPoints[1] } }),
    },
    constants: {
      weight: constant('w', [outputs, kernel[0], kernel[1], inputChannels], 'int8', weights),
      bias: constant('b', [outputs], 'int32', bias),
      weightScale: constant('s', [outputs], 'float32', scales),
    },
  }
}

/**
 * Loads and runs a kernel in memory that it must leave as it was, but for its output, its blocks
 * and its scratch.
 */
function check<O extends Opcode>(
  kernel: Kernel,
  expected: O,
  shape: Case,
  weightOf: (random: Random) => number,
): void {
  const { height, width, inputChannels, outputChannels, groups = 1, kernel: window } = shape
  const outputs = groups * outputChannels
  const depth = window[0] * window[1] * inputChannels
  const arena = new Arena((shape.seed ?? 1) * 7919 + height * 100 + width, 1 << 20)
  const int8 = (random: Random) => (shape.saturated ? random.pick([-128, 127]) : random.int8())
  const input = arena.view(height * width, groups * inputChannels, 1)
  const output = arena.view(outputSide(shape, 0) * outputSide(shape, 1), outputs, shape.float ? 4 : 1)
  const values = arena.fill(input, height * width, int8)
  const weights = Int8Array.from({ length: outputs * depth }, () => weightOf(arena.random))
  const bias = Int32Array.from({ length: outputs }, () => arena.random.integer(-50_000, 50_000))
  const scales = Float32Array.from(
    { length: outputs },
    () => (arena.random.integer(1, 1000) / 1000) * (0.05 / Math.sqrt(depth)),
  )
  const view = nodeOf(shape, weights, bias, scales)
  expect(kernel.fits(view)).toBe(true)
  const blocks = new Map(kernel.blocks(view).map(({ role, bytes }) => [role, arena.scratch(bytes)]))
  const scratch = arena.scratch(kernel.scratchBytes(view))
  const place: Placement = {
    input: () => input,
    output,
    block: (role) => blocks.get(role)!,
    scratch,
  }
  // Staged once for both builds: what the kernel is loaded from lies in the arena, and may change.
  const staging = new Map<number, number>()
  const { opcode, fields } = kernel.emit(view, place)
  if (opcode !== expected) expect.fail(`${kernel.name} emits ${opcode}`)
  arena.check(
    expected,
    fields as Fields<O>,
    output,
    reference(shape, input, values, [...weights], [...bias], [...scales].map(f)),
    (exports, memory) => {
      const write = (data: Int8Array | Int32Array | Float32Array, address: number): number => {
        new Uint8Array(memory.buffer).set(
          new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
          address,
        )
        return address
      }
      let staged = 0
      const stage = (bytes: number): number => {
        const address = staging.get(staged) ?? arena.scratch(bytes)
        staging.set(staged++, address)
        return address
      }
      kernel.load(view, {
        engine: exports,
        block: place.block,
        stage(values) {
          const data = 'shape' in values ? values.data : values
          return write(data, stage(data.byteLength))
        },
        write: (role, data) => {
          write(data, place.block(role))
        },
      })
    },
  )
}

/** A shape drawn at random; `seed` repeats it. */
function draw(seed: number, random: Random): Case {
  const pad = () => random.integer(0, 2)
  const outputZero = random.pick([-128, 127, 0, random.integer(-128, 127)])
  const float = random.integer(0, 4) === 0
  return {
    seed,
    height: random.integer(3, 17),
    width: random.integer(3, 17),
    inputChannels: random.pick([3, 8, 16, random.integer(1, 40)]),
    outputChannels: random.integer(1, 80),
    kernel: [3, 3],
    pads: random.pick([
      [1, 1, 1, 1],
      [pad(), pad(), pad(), pad()],
    ]),
    slope: float ? 1 : random.pick([0.1, 1]),
    zeroPoints: [random.pick([-128, 127, 0, random.integer(-128, 127)]), outputZero],
    float,
    saturated: random.integer(0, 5) === 0,
  }
}

const int7 = (random: Random): number => Math.max(-127, random.int8())

describe.each([
  ['winograd43', 'winograd43S8', 1],
  ['winograd43-mla', 'winograd43S8', 1],
  ['winograd23', 'winograd23S8', 1],
  ['winograd23-mla', 'winograd23S8', 1],
  ['winograd42', 'stridedWinograd42S8', 2],
  ['winograd42-mla', 'stridedWinograd42S8', 2],
] as const)('%s', (name, opcode, stride) => {
  const kernel = kernels.get(name)!
  const strides = [stride, stride] as const

  test('every side from 1 to 13', () => {
    for (let side = 1; side <= 13; side++) {
      const shape = { height: side, width: 14 - side, inputChannels: 8, outputChannels: 8, slope: 0.1 }
      check(kernel, opcode, { ...shape, strides, kernel: [3, 3], pads: [1, 1, 1, 1] }, int7)
    }
  })

  test('numbers of channels around multiples of 8 and 16', () => {
    for (const n of [1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 32, 33, 40]) {
      const shape = { height: 5, width: 6, kernel: [3, 3], pads: [1, 1, 1, 1], strides } as const
      check(kernel, opcode, { ...shape, inputChannels: n, outputChannels: 5 }, int7)
      check(kernel, opcode, { ...shape, inputChannels: 3, outputChannels: n, float: n % 2 === 0 }, int7)
    }
  })

  test('extremes throughout a deep sum', () => {
    for (const zeroPoint of [-128, 127]) {
      const shape = {
        height: 6 * stride,
        width: 6 * stride,
        strides,
        inputChannels: 200,
        outputChannels: 9,
        saturated: true,
        float: true,
      }
      const zeroPoints = [zeroPoint, zeroPoint] as const
      check(kernel, opcode, { ...shape, kernel: [3, 3], pads: [1, 1, 1, 1], zeroPoints }, (random) =>
        random.pick([-127, 127]),
      )
    }
  })

  test('forty shapes drawn at random', () => {
    const { random } = new Arena(5, 64)
    for (let seed = 0; seed < 40; seed++) check(kernel, opcode, { ...draw(seed, random), strides }, int7)
  })

  test('is refused where its sums could be misread, and what it was not made for', () => {
    const shape: Case = { height: 5, width: 5, inputChannels: 300, outputChannels: 1, kernel: [3, 3] }
    const view = (change: Partial<Case>, weight: number, bias = 0) => {
      const all = { ...shape, strides, ...change }
      const depth = all.kernel[0] * all.kernel[1] * all.inputChannels
      const weights = new Int8Array(all.outputChannels * (all.groups ?? 1) * depth).fill(weight)
      const outputs = all.outputChannels * (all.groups ?? 1)
      return nodeOf(all, weights, new Int32Array(outputs).fill(bias), new Float32Array(outputs).fill(1))
    }
    expect(kernel.fits(view({}, 1))).toBe(true)
    expect(kernel.fits(view({ strides: [3 - stride, 3 - stride] }, 1))).toBe(false)
    expect(kernel.fits(view({ kernel: [1, 3] }, 1))).toBe(false)
    expect(kernel.fits(view({ groups: 2 }, 1))).toBe(false)
    const bound = name.startsWith('winograd43') ? 2 ** 25 : 2 ** 29
    // 2700 weights of 1: 128 * 2700 + |bias - zeroPoint * 2700| is the largest sum.
    const rest = bound - 128 * 2700 - 3 * 2700
    expect(kernel.fits(view({}, 1, rest - 1))).toBe(true)
    expect(kernel.fits(view({}, 1, rest))).toBe(false)
    // A multiplier that would lose bits when it is divided by 2^31 / bound.
    const tiny = (scale: number): NodeView => {
      const all = view({}, 1)
      return {
        ...all,
        constants: {
          ...all.constants,
          weightScale: { ...all.constants.weightScale, data: new Float32Array([scale]) },
        },
      }
    }
    expect(kernel.fits(tiny(2 ** (31 - 126) / bound))).toBe(true)
    expect(kernel.fits(tiny(2 ** (31 - 127) / bound))).toBe(false)
  })
})

describe.each([
  ['direct-mla', 'convMlaS8', int7],
  ['relaxed', 'convRelaxedS8', (random: Random) => random.pick([-64, 63, random.integer(-64, 63)])],
] as const)('%s', (name, opcode, weightOf) => {
  const kernel = kernels.get(name)!

  test('numbers of channels from 1 to 40', () => {
    for (let n = 1; n <= 40; n++) {
      const shape = { height: 3, width: 5, inputChannels: n, outputChannels: 5, slope: 0.1 }
      check(kernel, opcode, { ...shape, kernel: [1, 1] }, weightOf)
      check(
        kernel,
        opcode,
        { ...shape, kernel: [3, 3], pads: [1, 1, 1, 1], float: n % 2 === 0, slope: 1 },
        weightOf,
      )
    }
  })

  test('extremes throughout a deep sum', () => {
    for (const zeroPoint of [-128, 127]) {
      const shape = {
        height: 5,
        width: 5,
        inputChannels: 200,
        outputChannels: 9,
        saturated: true,
        float: true,
      }
      const zeroPoints = [zeroPoint, zeroPoint] as const
      check(kernel, opcode, { ...shape, kernel: [3, 3], pads: [1, 1, 1, 1], zeroPoints }, (random) =>
        random.pick(name === 'relaxed' ? [-64, 63] : [-127, 127]),
      )
    }
  })

  test('sixty shapes drawn at random, of any kernel, stride and groups', () => {
    const { random } = new Arena(6, 64)
    for (let seed = 0; seed < 60; seed++) {
      const sides = [random.integer(1, 5), random.integer(1, 5)] as const
      const pad = (side: number) => random.integer(0, Math.min(2, side - 1))
      const shape = {
        ...draw(seed, random),
        kernel: sides,
        height: random.integer(5, 12),
        width: random.integer(5, 12),
        strides: [random.integer(1, 3), random.integer(1, 3)] as const,
        pads: [pad(sides[0]), pad(sides[1]), pad(sides[0]), pad(sides[1])] as const,
        outputChannels: random.integer(1, 20),
        groups: random.pick([1, 1, 2, 3]),
      }
      check(kernel, opcode, shape, weightOf)
    }
  })
})

test('the relaxed kernel takes weights of 7 bits only', () => {
  const kernel = kernels.get('relaxed')!
  const shape: Case = { height: 5, width: 5, inputChannels: 4, outputChannels: 1, kernel: [1, 1] }
  const fits = (weight: number) =>
    kernel.fits(nodeOf(shape, Int8Array.of(0, 0, 0, weight), new Int32Array(1), new Float32Array(1).fill(1)))
  expect([-65, -64, 63, 64].map(fits)).toEqual([false, true, true, false])
})
