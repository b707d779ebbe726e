import { readFileSync } from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { loadEngine } from '../../src/host/engine/build.js'
import { platform, usePlatform } from '../../src/host/engine/platform.js'
import type { SessionOptions } from '../../src/host/engine/session.js'
import { warmUp } from '../../src/host/engine/warm.js'
import { verifyModel } from '../../src/host/graph/verify.js'
import { programStart } from '../../src/host/plan/plan.js'
import { readModel } from '../../src/host/platform/node.js'
import { instructionWords, opcodes } from '../../src/host/program/instruction.js'

const modelOf = (name: string) =>
  verifyModel(
    readModel(readFileSync(new URL(`../../models/quantized/${name}.safetensors`, import.meta.url)), name),
  )

/** The opcodes of what is run for a model. */
async function runs(name: string, options: SessionOptions = {}): Promise<number[]> {
  const engine = await loadEngine(0, { build: 'simd' })
  const found: number[] = []
  const run = (program: number, count: number, thread: number, threads: number): number => {
    expect([program, count, thread, threads]).toEqual([programStart, 1, 0, 1])
    const words = engine.memory.words.subarray(program / 4, program / 4 + instructionWords)
    found.push(words[0])
    return engine.exports.run(program, count, thread, threads)
  }
  warmUp({ ...engine, exports: { ...engine.exports, run } }, modelOf(name), options)
  return found
}

/** As if the machine had so many processors. */
function withProcessors(count: number): void {
  const here = platform()
  usePlatform({ ...here, threads: { ...here.threads!, processors: () => count } })
  onTestFinished(() => usePlatform(here))
}

describe('warming up', () => {
  it('runs the kernel that most of the work is expected to be for, a few times', async () => {
    withProcessors(2)
    const found = await runs('detector')
    expect(new Set(found)).toEqual(new Set([opcodes.winograd43S8]))
    expect(found.length).toBeLessThan(20)
  })

  it('runs nothing when another kernel is asked for, or the work needs no choice', async () => {
    withProcessors(2)
    expect(await runs('detector', { kernel: 'direct' })).toEqual([])
    expect(await runs('autoencoder')).toEqual([])
  })

  it('runs nothing where a compiler would have to share the only processor', async () => {
    withProcessors(1)
    expect(await runs('detector')).toEqual([])
  })

  it('does without where memory does not grow', async () => {
    withProcessors(2)
    const engine = await loadEngine(0, { build: 'simd' })
    const memory = {
      buffer: engine.memory.memory.buffer,
      grow() {
        throw new RangeError('no memory')
      },
    }
    const refused = Object.create(engine.memory, { memory: { value: memory } })
    expect(() => warmUp({ ...engine, memory: refused }, modelOf('detector'), {})).not.toThrow()
  })
})
