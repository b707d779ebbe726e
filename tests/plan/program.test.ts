import { describe, expect, it } from 'vitest'
import { preprocessingOf } from '../../src/host/graph/task.js'
import type { Model, Preprocessing, Quantization } from '../../src/host/graph/types.js'
import { verifyModel } from '../../src/host/graph/verify.js'
import { planModel } from '../../src/host/plan/plan.js'
import { compileProgram, preprocessTables, roundHalfEven } from '../../src/host/plan/program.js'
import { encode } from '../../src/host/program/encode.js'
import type { Layout } from '../../src/host/program/field.js'
import {
  fields,
  type Instruction,
  instructionWords,
  type Opcode,
  opcodes,
} from '../../src/host/program/instruction.js'
import { enumerations } from '../../src/host/program/kinds.js'
import { int8Model, tinyModel } from '../helpers/models.js'
import { builds, differing, outputsOf, runModel, Session } from '../helpers/session.js'
import { everyLayer, smallest } from '../readers/tiny.js'

const float = tinyModel(smallest, 1)
const int8 = int8Model(float, 1)

const withPreprocessing = (model: Model, changes: Partial<Preprocessing>): Model => ({
  ...model,
  graph: { ...model.graph, preprocessing: { ...preprocessingOf(model.graph), ...changes } },
})

function withInput(model: Model, quantization: Quantization): Model {
  const tensors = model.graph.tensors.map((tensor, i) => (i === 0 ? { ...tensor, quantization } : tensor))
  return { ...model, graph: { ...model.graph, tensors } }
}

const tablesOf = (model: Model) => preprocessTables(planModel(verifyModel(model)))

/** An instruction with these values, in the order of its fields. */
const instruction = (opcode: Opcode, values: readonly number[]): Instruction =>
  ({
    opcode,
    fields: Object.fromEntries(Object.keys(fields[opcode]).map((name, i) => [name, values[i]])),
  }) as unknown as Instruction

describe('an instruction', () => {
  it.each(Object.keys(opcodes) as Opcode[])('%s has its fields in their order', (opcode) => {
    const layout: Layout = fields[opcode]
    const names = Object.keys(layout)
    const values = names.map((name, i) => {
      const kind = layout[name]
      return kind in enumerations ? Object.values(enumerations[kind as 'phase'])[0] : 1000 + i
    })
    const words = encode(instruction(opcode, values))
    expect(words).toHaveLength(instructionWords)
    const floats = new Float32Array(words.buffer)
    expect(words[0]).toBe(opcodes[opcode])
    names.forEach((name, i) => {
      expect(layout[name] === 'float' ? floats[i + 1] : words[i + 1], name).toBe(values[i])
    })
    expect(words.subarray(names.length + 1).every((word) => word === 0)).toBe(true)
  })

  it.each([
    ['activationF32', 'kind', 0],
    ['activationF32', 'kind', 99],
    ['suppress', 'kind', 2],
    ['winograd43S8', 'product', 2],
    ['winograd23S8', 'phase', -1],
    ['convS8', 'outputType', 2],
    ['packWinograd', 'size', 3],
    ['activationF32', 'kind', Number.NaN],
  ] as const)('%s is not written with the unknown %s %d', (opcode, field, value) => {
    const layout: Layout = fields[opcode]
    const values = Object.entries(layout).map(([name, kind]) => {
      if (name === field) return value
      return kind in enumerations ? Object.values(enumerations[kind as 'phase'])[0] : 1
    })
    expect(() => encode(instruction(opcode, values))).toThrow(
      new RangeError(`${opcode}: ${field} is ${value}, which is no ${layout[field]}`),
    )
  })

  it('holds addresses of 2 GiB and more', () => {
    const values = {
      input: 0x90000040,
      output: 0xffff0000,
      pixels: 1,
      pixelBytes: 1,
      inputStride: 4,
      outputStride: 4,
    }
    const words = encode({ opcode: 'copy', fields: values })
    expect([words[1] >>> 0, words[2] >>> 0]).toEqual([0x90000040, 0xffff0000])
  })
})

it('is one instruction a step, after the preprocessing', () => {
  for (const model of [tinyModel(everyLayer, 1), int8Model(tinyModel(everyLayer, 1), 1)]) {
    const plan = planModel(verifyModel(model))
    const words = compileProgram(plan)
    expect(words).toHaveLength((plan.steps.length + 1) * instructionWords)
    expect(words[0]).toBe(opcodes.preprocess)
    const known: readonly number[] = Object.values(opcodes)
    for (let at = 0; at < words.length; at += instructionWords) expect(known).toContain(words[at])
  }
})

describe('tables of the preprocessing', () => {
  it('hold the bytes of a picture exactly where int8 can', () => {
    const table = tablesOf(withInput(int8, { scale: Math.fround(1 / 255), zeroPoint: -128 }))
    expect([...table]).toEqual(Array.from({ length: 768 }, (_, i) => (i % 256) - 128))
  })

  it('normalise each channel, in float32', () => {
    const model = withPreprocessing(float, { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] })
    const table = tablesOf(model)
    expect(table).toBeInstanceOf(Float32Array)
    expect(table[0]).toBe(Math.fround(-0.485 / 0.229))
    expect(table[256 + 128]).toBe(Math.fround((128 / 255 - 0.456) / 0.224))
    expect(table[767]).toBe(Math.fround((1 - 0.406) / 0.225))
  })

  it('saturate', () => {
    const model = withPreprocessing(withInput(int8, { scale: 2 ** -10, zeroPoint: 3 }), {
      mean: [0.5, 0.5, 0.5],
    })
    const table = tablesOf(model)
    expect([table[0], table[127], table[128], table[255]]).toEqual([-128, 1, 5, 127])
  })
})

it.each([
  [0.5, 0],
  [1.5, 2],
  [2.5, 2],
  [-0.5, 0],
  [-1.5, -2],
  [-2.5, -2],
  [0.49999999999999994, 0],
  [2.5000000000000004, 3],
  [-3.2, -3],
])('rounds %f to %i', (value, expected) => {
  expect(roundHalfEven(value) + 0).toBe(expected)
})

describe.each([
  ['float', float],
  ['int8', int8],
])('a picture of the size of the input, %s', (_kind, model) => {
  const pixels = { width: 4, height: 4, data: Uint8Array.from({ length: 64 }, (_, i) => (i * 37) % 256) }
  const fit = { resizedWidth: 4, resizedHeight: 4, offsetX: 0, offsetY: 0 }

  it('is surrounded by the pad where it is smaller', async () => {
    const changed = withPreprocessing(model, { pad: 200, mean: [0.1, 0.2, 0.3] })
    const table = tablesOf(changed)
    const values = table.slice(0, 48).map((_, i) => table[(i % 3) * 256 + 200])
    const small = { width: 2, height: 1, data: Uint8Array.of(10, 20, 30, 255, 40, 50, 60, 0) }
    for (const [i, byte] of [10, 20, 30, 40, 50, 60].entries()) {
      values[(2 * 4 + 1) * 3 + i] = table[(i % 3) * 256 + byte]
    }
    for (const build of builds) {
      const session = await Session.create(changed, { build })
      session.setImage(small, { resizedWidth: 2, resizedHeight: 1, offsetX: 1, offsetY: 2 })
      session.run()
      expect(differing(outputsOf(session), await runModel(changed, values, build))).toBeUndefined()
    }
  })

  it.each(['rgb', 'bgr'] as const)('gives what its values give, %s', async (channels) => {
    const changed = withPreprocessing(model, { channels, mean: [0.1, 0.2, 0.3] })
    const table = tablesOf(changed)
    const values = table.slice(0, 48)
    values.forEach((_, i) => {
      const channel = i % 3
      const byte = pixels.data[Math.floor(i / 3) * 4 + (channels === 'rgb' ? channel : 2 - channel)]
      values[i] = table[channel * 256 + byte]
    })
    for (const build of builds) {
      const session = await Session.create(changed, { build })
      session.setImage(pixels, fit)
      session.run()
      expect(differing(outputsOf(session), await runModel(changed, values, build))).toBeUndefined()
    }
  })
})
