import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { readModel } from '../../src/host/platform/node.js'
import { Control } from '../../src/host/platform/threads/control.js'
import { type Opcode, opcodes } from '../../src/host/program/instruction.js'
import { builds, differing, outputsOf, Session } from '../helpers/session.js'

/** The opcode that packs. */
const opcode: Opcode = 'pack'
const packing = opcodes[opcode]
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
  const session = await Session.create(model, { tuneMs: 0, threads, ...options }, true)
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
    if (session.memory.words[program / 4] === packing) found.count++
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
