import { describe, expect, it } from 'vitest'
import type { Model, Tensor } from '../../src/host/graph/types.js'
import { verifyModel } from '../../src/host/graph/verify.js'
import { planModel, preprocessScratch } from '../../src/host/plan/plan.js'
import { compileProgram } from '../../src/host/plan/program.js'
import { planStorage, type StoragePlan, slack } from '../../src/host/plan/storage.js'
import { type Fields, instructionWords, opcodes, wordOf } from '../../src/host/program/instruction.js'
import { exposeAll } from '../../tools/quantize/calibrate/expose.js'
import { Random } from '../helpers/kernel.js'
import { int8Model, randomInput, tinyModel } from '../helpers/models.js'
import { Builder, randomModel } from '../helpers/random-model.js'
import { runReference } from '../helpers/reference.js'
import { builds, runModel } from '../helpers/session.js'
import { yolov4Tiny } from './yolov4-tiny.js'

const plan = (model: Model): StoragePlan => planStorage(verifyModel(model))
const copies = ({ steps }: StoragePlan) => steps.flatMap((step) => (step.kind === 'copy' ? [step] : []))
const builder = (): Builder => new Builder(new Random(1), 4, 5)
const input = (b: Builder): Tensor => b.tensors[0]

/** Whether `inner` is channels from `channel` on of `outer`, float32. */
function isView({ storage }: StoragePlan, inner: Tensor, outer: Tensor, channel: number): boolean {
  const [a, b] = [storage.get(inner.name)!, storage.get(outer.name)!]
  return a.buffer === b.buffer && a.stride === b.stride && a.offset === b.offset + channel * 4
}

const inPlace = (storage: StoragePlan, before: Tensor, after: Tensor): boolean =>
  isView(storage, before, after, 0)

describe('views', () => {
  it('slices nothing but addresses', () => {
    const b = builder()
    const whole = b.conv(input(b), 12, 1, 1, 1)
    const part = b.slice(whole, 5, 6)
    const inner = b.slice(part, 2, 3)
    const made = plan(b.model([b.conv(inner, 2, 1, 1, 1).name]))
    expect(isView(made, part, whole, 5)).toBe(true)
    expect(isView(made, inner, whole, 7)).toBe(true)
    expect(made.steps).toHaveLength(2)
  })

  it('lets producers write into a concatenation, and into one of concatenations', () => {
    const b = builder()
    const parts = [3, 4, 5].map((channels) => b.conv(input(b), channels, 1, 1, 1))
    const inner = b.concat(parts[0], parts[1])
    const outer = b.concat(parts[2], inner)
    const made = plan(b.model([outer.name]))
    expect(copies(made)).toEqual([])
    expect(isView(made, inner, outer, 5)).toBe(true)
    expect(isView(made, parts[1], outer, 8)).toBe(true)
    expect(made.buffers).toHaveLength(2)
  })

  it('copies into the second of two concatenations, where it is read', () => {
    const b = builder()
    const [a, c] = [b.conv(input(b), 3, 1, 1, 1), b.conv(input(b), 4, 1, 1, 1)]
    const first = b.concat(a, c)
    const second = b.concat(c, first)
    const made = plan(b.model([first.name, second.name]))
    expect(isView(made, c, first, 3)).toBe(true)
    expect(copies(made)).toEqual([
      { kind: 'copy', from: c.name, into: second.name, channel: 0 },
      { kind: 'copy', from: first.name, into: second.name, channel: 4 },
    ])
  })

  it('copies a tensor that is joined to itself, a slice, the input and an output', () => {
    const b = builder()
    const a = b.conv(input(b), 3, 1, 1, 1)
    const part = b.slice(a, 1, 1)
    const out = b.conv(input(b), 2, 1, 1, 1)
    const joined = b.concat(a, a, part, input(b), out)
    const made = plan(b.model([joined.name, out.name]))
    expect(isView(made, a, joined, 0)).toBe(true)
    expect(copies(made).map(({ from, channel }) => [from, channel])).toEqual([
      [a.name, 3],
      [part.name, 6],
      ['input', 7],
      [out.name, 10],
    ])
  })
})

describe('in place', () => {
  it('writes over what nothing else reads', () => {
    const b = builder()
    const a = b.conv(input(b), 3, 1, 1, 1)
    const c = b.activation(a, 'mish')
    const d = b.add(c, b.conv(input(b), 3, 1, 1, 1))
    const made = plan(b.model([d.name]))
    expect([inPlace(made, a, c), inPlace(made, c, d)]).toEqual([true, true])
  })

  it('writes over what goes into a concatenation there', () => {
    const b = builder()
    const a = b.conv(input(b), 3, 1, 1, 1)
    const c = b.activation(a, 'mish')
    const joined = b.concat(b.conv(input(b), 2, 1, 1, 1), c)
    expect(isView(plan(b.model([joined.name])), a, joined, 2)).toBe(true)
  })

  const kept: Record<string, (b: Builder) => [before: Tensor, after: Tensor, outputs: Tensor[]]> = {
    'the input of the network': (b) => {
      const c = b.activation(input(b), 'mish')
      return [input(b), c, [c]]
    },
    'an output': (b) => {
      const a = b.conv(input(b), 3, 1, 1, 1)
      const c = b.activation(a, 'mish')
      return [a, c, [a, c]]
    },
    'what is read again': (b) => {
      const a = b.conv(input(b), 3, 1, 1, 1)
      const c = b.activation(a, 'mish')
      return [a, c, [c, b.pool('maxPool', a, 3, 1)]]
    },
    'what is added to itself': (b) => {
      const a = b.conv(input(b), 3, 1, 1, 1)
      const c = b.add(a, a)
      return [a, c, [c]]
    },
    'a slice': (b) => {
      const a = b.conv(input(b), 6, 1, 1, 1)
      const part = b.slice(a, 0, 3)
      const c = b.activation(part, 'mish')
      return [part, c, [c, b.slice(a, 2, 4)]]
    },
    'a concatenation whose part is read later': (b) => {
      const a = b.conv(input(b), 3, 1, 1, 1)
      const joined = b.concat(a, b.conv(input(b), 2, 1, 1, 1))
      const c = b.activation(joined, 'mish')
      return [joined, c, [c, b.pool('maxPool', a, 3, 1)]]
    },
  }
  it.each(Object.entries(kept))('never writes over %s', async (_what, make) => {
    const b = builder()
    const [before, after, outputs] = make(b)
    const model = b.model(outputs.map(({ name }) => name))
    const { storage } = plan(model)
    expect(storage.get(before.name)!.buffer).not.toBe(storage.get(after.name)!.buffer)
    const values = randomInput(model, 1)
    const reference = runReference(model, values)
    for (const build of builds) {
      for (const [name, computed] of await runModel(model, values, build)) {
        computed.forEach((value, i) => {
          expect(Math.abs(value - reference.get(name)![i])).toBeLessThan(1e-5)
        })
      }
    }
  })
})

/** Bytes of scratch, by the table of docs/engine.md, for the words of an instruction. */
function scratchOf(words: Int32Array): number {
  const field = (name: keyof Fields<'convS8'>): number => words[wordOf('convS8', name)]
  const taps = field('kernelHeight') * field('kernelWidth')
  const depth = taps * field('inputChannels')
  const block = Math.ceil(field('block') / 4) * 4
  switch (words[0]) {
    case opcodes.convS8:
      return block * Math.ceil(depth / 2) * 4 + 64
    case opcodes.convF32:
      return block * depth * 4 + 64
    case opcodes.depthwiseS8:
      return (taps + 1) * 4 + Math.ceil(field('groups') / 8) * 8
    default:
      return 0
  }
}

describe('memory', () => {
  const models = Array.from({ length: 60 }, (_, seed) => randomModel(seed, 25)).flatMap((model, seed) => [
    model,
    int8Model(model, seed),
    exposeAll(model),
  ])

  it('has room for every tensor, at strides that kernels may load words from', () => {
    for (const model of models) {
      const { storage, buffers } = plan(model)
      for (const { name, shape, dtype } of model.graph.tensors) {
        const { buffer, offset, stride } = storage.get(name)!
        const size = dtype === 'int8' ? 1 : 4
        const pixels = shape[1] * shape[2]
        expect(stride % 4).toBe(0)
        expect(offset % size).toBe(0)
        expect(offset + (pixels - 1) * stride + shape[3] * size).toBeLessThanOrEqual(buffer.bytes - slack)
        expect(offset + shape[3] * size).toBeLessThanOrEqual(stride)
        expect(buffers).toContain(buffer)
      }
    }
  })

  it('is disjoint: program, constants, then an arena that ends before the frame', () => {
    for (const model of models) {
      const verified = verifyModel(model)
      const { blocks, arenaStart, arenaBytes, end, places, preprocessing, steps } = planModel(verified)
      const constants = blocks.flatMap((addresses, node) => {
        const { view, operator } = verified.views[node]
        return operator.blocks(view).map(({ role, bytes }) => ({ address: addresses.get(role)!, bytes }))
      })
      let free = 0x10000 + (steps.length + 1) * 128
      for (const { address, bytes } of [{ address: preprocessing!.table, bytes: 3072 }, ...constants]) {
        expect(address % 64).toBe(0)
        expect(address).toBeGreaterThanOrEqual(free)
        free = address + bytes + slack
      }
      expect(arenaStart).toBeGreaterThanOrEqual(free)
      for (const { address } of places.values()) expect(address).toBeGreaterThanOrEqual(arenaStart)
      expect(end).toBeGreaterThanOrEqual(arenaStart + arenaBytes + slack)
    }
  })

  it('has the scratch that docs/engine.md asks for, apart from what the instruction reads and writes', () => {
    for (const model of models) {
      const verified = verifyModel(model)
      const threads = 3
      const made = planModel(verified, threads)
      const program = compileProgram(made)
      expect(program[instructionWords - 1]).toBe(made.preprocessing?.scratch.stride)
      expect(preprocessScratch(102)).toBeGreaterThanOrEqual(104 * 8 + 64)
      for (const [index, step] of made.steps.entries()) {
        const words = program.subarray((index + 1) * instructionWords, (index + 2) * instructionWords)
        const needed = scratchOf(words)
        if (step.kind === 'copy' || needed === 0) continue
        const { view, operator } = verified.views[step.index]
        expect(operator.scratchBytes(view)).toBeGreaterThanOrEqual(needed)
        const { address: from, stride: apart } = made.scratch[index]
        expect(apart % 64).toBe(0)
        expect(apart).toBeGreaterThanOrEqual(needed + slack)
        expect(words[instructionWords - 1]).toBe(apart)
        const to = from + (threads - 1) * apart + needed
        expect(from % 64).toBe(0)
        expect(from).toBeGreaterThanOrEqual(made.arenaStart)
        expect(to).toBeLessThanOrEqual(made.end)
        for (const { name, shape } of [...view.inputs, view.output]) {
          const { address, stride } = made.places.get(name)!
          expect(to <= address || from >= address + (shape[1] * shape[2] - 1) * stride).toBe(true)
        }
      }
    }
  })
})

describe('YOLOv4-tiny', () => {
  const model = tinyModel(yolov4Tiny, 1)

  it.each(['float', 'int8'])('copies one tensor, which two concatenations hold: %s', (kind) => {
    const made = plan(kind === 'float' ? model : int8Model(model, 1))
    const routes = model.graph.nodes.filter(({ op }) => op === 'concat' || op === 'slice')
    expect(routes.length).toBeGreaterThanOrEqual(10)
    expect(copies(made).map(({ from }) => from)).toEqual(['23_convolutional'])
  })

  it('needs no more memory than what lives at one time', () => {
    const { arenaBytes, arenaLowerBound } = planModel(verifyModel(model))
    expect(arenaBytes).toBe(arenaLowerBound)
  })
})

it.each(['activation', 'slice', 'concat', 'add'])(
  'plans the longest chain of %s that a file can hold',
  (op) => {
    const b = builder()
    let tensor = b.conv(input(b), 4, 1, 1, 1)
    while (b.nodes.length < 10_000) {
      if (op === 'activation') tensor = b.activation(tensor, 'swish')
      else if (op === 'slice') tensor = b.slice(tensor, 0, 4)
      else if (op === 'concat') tensor = b.concat(tensor)
      else tensor = b.add(tensor, b.tensors[1])
    }
    const { arenaBytes } = planModel(verifyModel(b.model([tensor.name])))
    expect(arenaBytes).toBeLessThan(4096)
  },
)
