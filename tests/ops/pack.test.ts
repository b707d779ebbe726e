import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { readModel } from '../../src/host/platform/node.js'
import { Control } from '../../src/host/platform/threads/control.js'
import { encode } from '../../src/host/program/encode.js'
import { type Instruction, opcodes, scratchStrideWord } from '../../src/host/program/instruction.js'
import { products, winogradSizes } from '../../src/host/program/kinds.js'
import { sizes } from '../../src/host/program/sizes.js'
import { type Build, type EngineExports, loadEngine, programStart } from '../helpers/engine.js'
import { Random } from '../helpers/kernel.js'
import { builds, differing, outputsOf, Session } from '../helpers/session.js'

/** The opcodes that pack. */
const packing: readonly number[] = (['packWinograd', 'packStrided', 'packLinear'] as const).map(
  (opcode) => opcodes[opcode],
)
const file = new URL('../../models/quantized/detector.safetensors', import.meta.url)
const model = readModel(readFileSync(file), 'detector')
const pixels = {
  width: 200,
  height: 150,
  data: Uint8Array.from({ length: 120_000 }, (_, i) => (i * 7919) >> 5),
}
const fit = { resizedWidth: 352, resizedHeight: 264, offsetX: 0, offsetY: 44 }

afterEach(() => {
  vi.restoreAllMocks()
})

/** A session that has run once, without packed weights, and whose threads are all there. */
async function afterFirst(options: object, threads: number): Promise<Session> {
  const session = await Session.create(model, { tuneMs: 0, threads, ...options, frozenModel: true })
  onTestFinished(() => session.close())
  session.setImage(pixels, fit)
  session.run()
  await vi.waitUntil(() => session.threads === threads, { timeout: 10_000 })
  return session
}

/** All nodes' constants, one after the other. */
const constants = ({ memory, plan }: Session): Buffer =>
  Buffer.concat(
    plan.model.views.flatMap(({ view, operator }, index) =>
      operator.blocks(view).map(({ role, bytes }) => {
        const at = plan.blocks[index].get(role)!
        return memory.bytes.slice(at, at + bytes)
      }),
    ),
  )

/** Counts the instructions that pack. */
function countPacking(session: Session): { count: number } {
  const found = { count: 0 }
  const begin = Control.prototype.begin
  vi.spyOn(Control.prototype, 'begin').mockImplementation(function (this: Control, program, count, quorum) {
    if (packing.includes(session.memory.words[program / 4])) found.count++
    begin.call(this, program, count, quorum)
  })
  return found
}

describe.each(builds.filter((build) => build !== 'scalar'))('packing among threads, %s', (build) => {
  it.each(['winograd43', 'winograd23', 'cost'])('writes the bytes of one thread: %s', async (kernel) => {
    const options = { build, ...(kernel === 'cost' ? {} : { kernel }) }
    const alone = await afterFirst(options, 1)
    alone.run()
    for (const threads of [2, 4]) {
      const session = await afterFirst(options, threads)
      const counted = countPacking(session)
      const before = session.memoryBytes
      session.run()
      vi.restoreAllMocks()
      expect(counted.count).toBeGreaterThan(0)
      expect(session.memoryBytes).toBe(before)
      expect(Buffer.compare(constants(session), constants(alone))).toBe(0)
      expect(differing(outputsOf(session), outputsOf(alone))).toBeUndefined()
    }
  })
})

it('is done anew when it failed on the way', async () => {
  const alone = await afterFirst({}, 1)
  alone.run()
  const session = await afterFirst({}, 2)
  vi.spyOn(Control.prototype, 'begin').mockImplementationOnce(() => {
    throw new Error('lost')
  })
  expect(() => session.run()).toThrow('lost')
  vi.restoreAllMocks()
  session.setImage(pixels, fit)
  session.run()
  expect(Buffer.compare(constants(session), constants(alone))).toBe(0)
  expect(differing(outputsOf(session), outputsOf(alone))).toBeUndefined()
})

/**
 * The bytes at `target` after an instruction that `threads` threads share in turn, or after the
 * export of the same arguments.
 */
function packed(
  build: Build,
  instruction: Instruction,
  pack: (exports: EngineExports) => void,
  threads: number,
): [shared: Buffer, alone: Buffer] {
  const bytes = [true, false].map((shares) => {
    const { memory, exports } = loadEngine(build, 1 << 18)
    const random = new Random(7)
    new Uint8Array(memory.buffer, source, 1 << 15).forEach((_, n, all) => {
      all[n] = random.integer(-63, 63)
    })
    const words = encode(instruction)
    words[scratchStrideWord] = sizes.packingStrideBytes
    new Int32Array(memory.buffer, programStart, words.length).set(words)
    if (!shares) pack(exports)
    else {
      for (let thread = threads - 1; thread >= 0; thread--)
        expect(exports.run(programStart, 1, thread, threads)).toBe(0)
    }
    return Buffer.from(memory.buffer.slice(target, work))
  })
  return [bytes[0], bytes[1]]
}

const source = programStart + 0x400
const target = source + (1 << 15)
const work = programStart + (1 << 17)

describe.each(builds)('shares of packing, %s', (build) => {
  const common = { source, target, outputChannels: 37 }
  const foldedBias = source + 64
  const cases: readonly [string, Instruction, (exports: EngineExports) => void][] = [
    ...(['dot', 'mla'] as const).flatMap(
      (name): [string, Instruction, (exports: EngineExports) => void][] => {
        const fields = { ...common, foldedBias, channels: 11, chunk: 2, product: products[name] }
        const [strided, size] = [fields, winogradSizes.f43]
        return [
          [
            `packWinograd ${name}`,
            { opcode: 'packWinograd', fields: { ...fields, size, work } },
            (e) => e.pack_winograd_s8(size, source, foldedBias, target, 37, 11, 2, products[name], work),
          ],
          [
            `packStrided ${name}`,
            { opcode: 'packStrided', fields: strided },
            (e) => e.pack_strided_s8(source, foldedBias, target, 37, 11, 2, products[name]),
          ],
        ]
      },
    ),
    ...[127, 63].map((limit): [string, Instruction, (exports: EngineExports) => void] => [
      `packLinear ${limit}`,
      { opcode: 'packLinear', fields: { ...common, depth: 45, limit } },
      (e) => e.pack_linear_s8(source, target, 37, 45, limit),
    ]),
  ]

  it.each(cases)('%s gives the bytes of the export', (_name, instruction, pack) => {
    for (const threads of [1, 2, 5, 9]) {
      const [shared, alone] = packed(build, instruction, pack, threads)
      expect(alone.some((byte) => byte !== 0)).toBe(true)
      expect(Buffer.compare(shared, alone)).toBe(0)
    }
  })
})
