import { afterEach, describe, expect, it } from 'vitest'
import '../../src/host/platform/node.js'
import type { Build } from '../../src/host/engine/engine.js'
import { platform, usePlatform } from '../../src/host/engine/platform.js'
import { expectedProbe } from '../../src/host/engine/probe.js'
import { OcellusError } from '../../src/host/errors.js'
import { threadParts } from '../../src/host/platform/node/engine.js'
import { compiledOnce, instantiate, instantiateNow } from '../../src/host/platform/wasm/instances.js'
import { numbers } from '../../src/host/program/sizes.js'
import { loadEngine } from '../helpers/engine.js'
import { randomInput, tinyModel } from '../helpers/models.js'
import { builds, differing, outputsOf, runModel, Session } from '../helpers/session.js'
import { type Body, tinyModule } from '../helpers/tiny-wasm.js'
import { smallest } from '../readers/tiny.js'

const { programVersion } = numbers
const model = tinyModel(smallest, 1)
const input = randomInput(model, 1)
const node = platform()
afterEach(() => usePlatform(node))

/** Replaces some builds by others. */
function replace(modules: Partial<Record<Build, () => WebAssembly.Module>>): void {
  usePlatform({
    ...node,
    instantiate(build, bytes) {
      const module = modules[build]?.()
      return module === undefined ? node.instantiate(build, bytes) : instantiateNow(module, bytes)
    },
  })
}

const engine = (changes: Readonly<Record<string, readonly [number, Body]>> = {}) =>
  tinyModule({
    version: [0, programVersion],
    probe: [1, expectedProbe],
    run: [4, 0],
    pack_conv_s8: [8, 0],
    pack_depthwise_s8: [7, 0],
    pack_conv_f32: [5, 0],
    pack_depthwise_f32: [4, 0],
    ...changes,
  })

const broken: Readonly<Record<string, () => WebAssembly.Module>> = {
  'computes wrongly': () => engine({ probe: [1, expectedProbe ^ 1] }),
  'is of another version': () => engine({ version: [0, programVersion + 1] }),
  'traps when it is asked': () => engine({ probe: [1, 'trap'] }),
  'has no exports': () => tinyModule({}),
  'wants imports that there are not': () => {
    const wanting = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 2, 8, 1, 1, 0x65, 1, 0x66, 3, 0x7f, 0]
    return new WebAssembly.Module(Uint8Array.from(wanting))
  },
  'does not compile': () => {
    throw new WebAssembly.CompileError('no SIMD here')
  },
}

async function refusal(promise: Promise<unknown>): Promise<OcellusError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (error instanceof OcellusError) return error
  throw error ?? new Error('nothing was refused')
}

describe('the choice of a build', () => {
  it('takes SIMD where nothing speaks against it', async () => {
    expect((await Session.create(model)).build).toBe('simd')
  })

  it.each(builds)('finds that %s computes correctly here', (build) => {
    expect(loadEngine(build, 4096).exports.probe(0x10000) >>> 0).toBe(expectedProbe)
  })

  it.each(builds)('uses %s when it is asked for', async (build) => {
    expect((await Session.create(model, { build })).build).toBe(build)
  })

  it.each(Object.entries(broken))('steps down from one that %s, and computes', async (_what, make) => {
    replace({ simd: make })
    const session = await Session.create(model)
    expect(session.build).toBe('scalar')
    session.setInput(input)
    session.run()
    expect(differing(outputsOf(session), await runModel(model, input, 'scalar'))).toBeUndefined()
  })

  it.each(Object.entries(broken))('never replaces one that was asked for and %s', async (_what, make) => {
    replace({ simd: make })
    const { code, message } = await refusal(Session.create(model, { build: 'simd' }))
    expect(code).toBe('E_ENGINE_BUILD')
    expect(message).toMatch(/simd: ./)
    expect(message).not.toContain('scalar')
  })

  it('says what is wrong with each when none works', async () => {
    replace({ simd: broken['computes wrongly'], scalar: broken['is of another version'] })
    const { code, message } = await refusal(Session.create(model))
    expect(code).toBe('E_ENGINE_BUILD')
    expect(message).toMatch(
      new RegExp(
        `simd: a known computation gives \\d+ instead of \\d+; scalar: version ${programVersion + 1}, expected ${programVersion}`,
      ),
    )
  })

  it('refuses a build that is missing', async () => {
    const { code, message } = await refusal(Session.create(model, { build: 'quick' as Build }))
    expect(code).toBe('E_ENGINE_BUILD')
    expect(message).toContain('ocellus.quick.wasm')
  })
})

describe('an engine that stops', () => {
  it.each([
    ['traps', 'trap', /the engine stopped: RuntimeError/],
    ['does not know an instruction', 1, /^0_convolutional.*: the simd build has no such instruction/],
  ] as const)(
    'because it %s is an error with a code, and the session can be closed',
    async (_what, run, message) => {
      replace({ simd: () => engine({ run: [4, run] }) })
      const session = await Session.create(model)
      session.setInput(input)
      const error = await refusal((async () => session.run())())
      expect(error.code).toBe('E_ENGINE_TRAP')
      expect(error.message).toMatch(message)
      session.close()
    },
  )
})

describe('a compiled build', () => {
  it('serves every session, and is asked for again after it could not be had', async () => {
    let asked = 0
    const compile = compiledOnce(async (build, threads) => {
      if (++asked === 1) throw new OcellusError('E_FILE_READ', 'the server is away')
      return threadParts.compile(build, threads)
    })
    usePlatform({
      ...node,
      instantiate: async (build, bytes) => instantiate(await compile(build, false), bytes),
    })
    const options = { build: 'simd', threads: 1 } as const
    expect((await refusal(Session.create(model, options))).code).toBe('E_FILE_READ')
    const [one, two] = await Promise.all([Session.create(model, options), Session.create(model, options)])
    await Session.create(model, options)
    expect(asked).toBe(2)
    // Each has a memory of its own all the same.
    expect(one.memory.memory).not.toBe(two.memory.memory)
  })
})
