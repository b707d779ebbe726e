import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { platform, usePlatform } from '../../src/host/engine/platform.js'
import { expectedProbe } from '../../src/host/engine/probe.js'
import { OcellusError } from '../../src/host/errors.js'
import { programStart } from '../../src/host/plan/plan.js'
import { threadParts } from '../../src/host/platform/node/engine.js'
import { loadModel } from '../../src/host/platform/node.js'
import type { WorkerHandle } from '../../src/host/platform/threads/crew.js'
import { type ThreadParts, workerThreads } from '../../src/host/platform/threads/pool.js'
import { Watch } from '../../src/host/platform/threads/watch.js'
import type { WorkerWords } from '../../src/host/platform/threads/worker.js'
import { opcodes } from '../../src/host/program/instruction.js'
import { numbers } from '../../src/host/program/sizes.js'
import { codeOf } from '../helpers/code-of.js'
import { Random } from '../helpers/kernel.js'
import { int8Model, randomInt8Input, tinyModel } from '../helpers/models.js'
import { differing, outputsOf, runModel, Session, threaded } from '../helpers/session.js'
import { tinyModule } from '../helpers/tiny-wasm.js'
import { everyLayer, smallest } from '../readers/tiny.js'

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
const model = int8Model(tinyModel(everyLayer, 20), 21)
const input = randomInt8Input(model, 23)
const expected = await runModel(model, input, 'simd')

const node = platform()
const { startWorker } = threadParts

/** Node's threads, but for some of what they are made of. */
const replace = (parts: Partial<ThreadParts>): void =>
  usePlatform({ ...node, threads: workerThreads({ ...threadParts, ...parts }) })

afterEach(() => {
  usePlatform(node)
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

const once = (session: Session) => {
  session.setInput(input)
  session.run()
  return outputsOf(session)
}

/**
 * Runs with an instruction in the place of the first after the preprocessing, by itself, as then
 * all threads are waited for; afterwards the program is what it was.
 */
function runInstead(session: Session, words: readonly number[]): OcellusError {
  const at = programStart / 4
  const before = session.memory.words.slice(at, at + 64)
  // With values set and no picture, the run begins with the second instruction.
  session.memory.words.set(words, at + 32)
  try {
    session.setInput(input)
    session.profile()
  } catch (error) {
    session.memory.words.set(before, at)
    if (error instanceof OcellusError) return error
    throw error
  }
  throw new Error('nothing went wrong')
}

/** A copy of two pixels, one a thread, `stride` bytes apart from `from`. */
const copyTwo = (session: Session, from: number, stride: number) => [
  opcodes.copy,
  from | 0,
  session.plan.arenaStart,
  2,
  1,
  stride,
  1,
]

describe('the number of threads', () => {
  it.each([0, -1, 1000, 33, 1.5, Number.NaN])('%d is refused, and the range is told', async (threads) => {
    await expect(Session.create(model, { threads })).rejects.toMatchObject({
      code: 'E_OPTION',
      message: expect.stringMatching(/from 1 to 32/),
    })
  })

  it('is one, unasked, for a small model, and always for the scalar build', async () => {
    const start = vi.fn(startWorker)
    replace({ startWorker: start })
    const sessions = [
      await Session.create(model),
      await Session.create(model, { build: 'scalar', threads: 4 }),
    ]
    for (const session of sessions) {
      expect(await session.ready()).toBe(1)
      expect(differing(once(session), expected)).toBeUndefined()
    }
    expect(start).not.toHaveBeenCalled()
  })
})

describe('a thread that fails', () => {
  const failures = [
    ['a worker', programStart, 0x7fff0000, /stopped in a worker: RuntimeError/],
    ['the caller', 0xf0000000, 0x10020000, /the engine stopped: RuntimeError/],
  ] as const

  it.each(failures)(
    'because %s traps: the run is lost, not the session',
    async (_who, from, stride, message) => {
      const session = await threaded(model, 'simd', 2)
      for (let round = 0; round < 2; round++) {
        const error = runInstead(session, copyTwo(session, from, stride))
        expect(error.code).toBe('E_ENGINE_TRAP')
        expect(error.message).toMatch(message)
        expect(differing(once(session), expected), 'alone').toBeUndefined()
        expect(await session.ready()).toBe(2)
        expect(differing(once(session), expected), 'together').toBeUndefined()
      }
      session.close()
    },
  )

  it('because it is gone: nobody waits for it, but where all are needed: time-out, error, a new one', async () => {
    const handles: WorkerHandle[] = []
    replace({
      startWorker(words, lost) {
        handles.push(startWorker(words, lost))
        return handles[handles.length - 1]
      },
    })
    const session = await Session.create(model, { threads: 3, threadTimeoutMs: 100 })
    await session.ready()
    handles[1].stop()
    await new Promise((done) => setTimeout(done, 50))
    expect(differing(once(session), expected), 'without it').toBeUndefined()
    session.setInput(input)
    expect(codeOf(() => session.profile())).toBe('E_ENGINE_THREAD')
    expect(differing(once(session), expected)).toBeUndefined()
    expect(await session.ready()).toBe(3)
    expect(handles).toHaveLength(4)
    expect(differing(once(session), expected)).toBeUndefined()
    session.close()
  })

  it('between two runs is replaced, and nothing is lost', async () => {
    let kill = (): void => {}
    const start = vi.fn((words: WorkerWords, lost: (why: string) => void) => {
      const handle = startWorker(words, lost)
      kill = () => {
        handle.stop()
        lost('killed')
      }
      return handle
    })
    replace({ startWorker: start })
    const session = await threaded(model, 'simd', 2)
    kill()
    expect(differing(once(session), expected)).toBeUndefined()
    expect(await session.ready()).toBe(2)
    expect(start).toHaveBeenCalledTimes(2)
    expect(differing(once(session), expected)).toBeUndefined()
    session.close()
  })
})

describe('where there are no threads', () => {
  const warnings = () => vi.spyOn(console, 'warn').mockImplementation(() => {})

  it.each([
    ['SharedArrayBuffer', undefined, /no SharedArrayBuffer/],
    ['crossOriginIsolated', false, /Cross-Origin-Opener-Policy/],
  ])('without %s there is one warning, and one thread', async (name, value, message) => {
    const warned = warnings()
    vi.stubGlobal(name, value)
    for (let n = 0; n < 2; n++) {
      const session = await Session.create(model, { threads: 2 })
      expect(await session.ready()).toBe(1)
      expect(differing(once(session), expected)).toBeUndefined()
    }
    expect(warned).toHaveBeenCalledTimes(1)
    expect(warned.mock.calls[0][0]).toMatch(message)
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('no workers by policy')
      },
    ],
    [
      'ends at once',
      (_words: WorkerWords, lost: (why: string) => void) => {
        setTimeout(() => lost('its script is missing'), 0)
        return { stop: () => undefined }
      },
    ],
  ])('a worker that %s when it is started leaves one thread', async (_what, startWorker) => {
    const warned = warnings()
    replace({ startWorker })
    const session = await Session.create(model, { threads: 3 })
    expect(await session.ready()).toBe(1)
    expect(differing(once(session), expected)).toBeUndefined()
    expect(warned).toHaveBeenCalledTimes(1)
    session.close()
  })

  it('a worker that never gets ready is not waited for', async () => {
    replace({ startWorker: () => ({ stop: () => undefined }) })
    const session = await Session.create(model, { threads: 2 })
    expect(differing(once(session), expected)).toBeUndefined()
    expect(session.threads).toBe(1)
    session.close()
  })

  it('a build with threads that computes wrongly steps down to the one without', async () => {
    const warned = warnings()
    const wrong = tinyModule({ version: [0, numbers.programVersion], probe: [1, expectedProbe ^ 1] })
    replace({ compile: (build, threads) => (threads ? wrong : threadParts.compile(build, threads)) })
    const session = await Session.create(model, { threads: 2 })
    expect([session.build, await session.ready()]).toEqual(['simd', 1])
    expect(differing(once(session), expected)).toBeUndefined()
    expect(warned.mock.calls[0][0]).toMatch(/simd with threads: a known computation gives/)
  })
})

describe('a session with threads', () => {
  it('grows its memory for a larger picture while workers are parked', async () => {
    const random = new Random(2)
    const data = Uint8Array.from({ length: 900 * 700 * 4 }, () => random.bits() >> 24)
    const [, resizedHeight, resizedWidth] = (await Session.create(model)).inputs[0].shape
    const look = async (threads: number) => {
      const session = await threaded(model, 'simd', threads)
      once(session)
      session.setImage(
        { width: 900, height: 700, data },
        { resizedWidth, resizedHeight, offsetX: 0, offsetY: 0 },
      )
      session.run()
      const outputs = outputsOf(session)
      session.close()
      return outputs
    }
    expect(differing(await look(3), await look(1))).toBeUndefined()
  })

  it('gives the same whenever its workers wake: with more threads than processors, at once or after pauses', async () => {
    const detector = await loadModel(path('../../models/quantized/detector-small.safetensors'))
    const values = randomInt8Input(detector, 7)
    const want = await runModel(detector, values, 'simd')
    const session = await threaded(detector, 'simd', 5)
    for (let n = 0; n < 60; n++) {
      session.setInput(values)
      session.run()
      expect(differing(outputsOf(session), want)).toBeUndefined()
      if (n % 4 === 0) await new Promise((done) => setTimeout(done, n % 8))
    }
    expect(session.threads).toBe(5)
    session.close()
  })

  it('gives the same when threads are dropped and regained, which only the default does', async () => {
    const detector = await loadModel(path('../../models/quantized/detector-small.safetensors'))
    const values = randomInt8Input(detector, 7)
    const want = await runModel(detector, values, 'simd')
    let shared = false
    const begin = vi.spyOn(Watch.prototype, 'begin').mockImplementation(() => {
      shared = !shared
      return shared
    })
    replace({ processors: () => 2 })
    const session = await Session.create(detector, { build: 'simd', tuneMs: 0 })
    expect(await session.ready()).toBe(2)
    for (let n = 0; n < 20; n++) {
      session.setInput(values)
      session.run()
      expect(differing(outputsOf(session), want)).toBeUndefined()
    }
    expect(begin).toHaveBeenCalledTimes(20)
    vi.spyOn(Watch.prototype, 'shared', 'get').mockReturnValue(false)
    expect(session.threads).toBe(1)
    session.close()
    const asked = await threaded(detector, 'simd', 2)
    asked.setInput(values)
    asked.run()
    expect(begin).toHaveBeenCalledTimes(20)
    asked.close()
  })

  it('tells the time of each step', async () => {
    const session = await threaded(model, 'simd', 2)
    session.setInput(input)
    expect(session.profile()).toHaveLength(session.plan.steps.length)
    expect(differing(outputsOf(session), expected)).toBeUndefined()
    session.close()
  })

  it('ends its workers when it is closed', async () => {
    const stop = vi.fn()
    replace({
      startWorker(words, lost) {
        const handle = startWorker(words, lost)
        return {
          stop() {
            stop()
            return handle.stop()
          },
        }
      },
    })
    const session = await threaded(model, 'simd', 3)
    session.close()
    session.close()
    expect(stop).toHaveBeenCalledTimes(2)
    expect(codeOf(() => session.threads)).toBe('E_SESSION_CLOSED')
  })

  it('gives the same in 10,000 runs, with the memory and the workers that it had', async () => {
    const start = vi.fn(startWorker)
    replace({ startWorker: start })
    const tiny = int8Model(tinyModel(smallest, 1), 4)
    const values = randomInt8Input(tiny, 5)
    const session = await threaded(tiny, 'simd', 2)
    const run = () => {
      session.setInput(values)
      session.run()
    }
    run()
    const first = outputsOf(session)
    const bytes = session.memoryBytes
    const before = process.memoryUsage()
    for (let n = 1; n < 10_000; n++) run()
    const after = process.memoryUsage()
    expect(differing(outputsOf(session), first)).toBeUndefined()
    expect(session.memoryBytes).toBe(bytes)
    expect(start).toHaveBeenCalledTimes(1)
    expect(session.threads).toBe(2)
    expect(after.external + after.arrayBuffers - before.external - before.arrayBuffers).toBeLessThan(1 << 20)
    session.close()
  })

  it('keeps no process alive, closed or not', async () => {
    const library = fileURLToPath(new URL('../../dist/src/host/platform/node.js', import.meta.url))
    const code = `
      const { Session, loadModel } = await import(${JSON.stringify(library)})
      const session = await Session.create(await loadModel(), { threads: 2, tuneMs: 0 })
      console.log(await session.ready())`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], {
      timeout: 60_000,
    })
    expect(stdout.trim()).toBe('2')
  })
})
