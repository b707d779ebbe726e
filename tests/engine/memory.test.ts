import { afterEach, describe, expect, it, vi } from 'vitest'
import type { Model } from '../../src/host/graph/types.js'
import { codeOfAsync } from '../helpers/code-of.js'
import { Random } from '../helpers/kernel.js'
import { int8Model, randomInput, tinyModel } from '../helpers/models.js'
import { Builder } from '../helpers/random-model.js'
import { builds, differing, outputsOf, runModel, Session } from '../helpers/session.js'
import { smallest } from '../readers/tiny.js'

const RealMemory = WebAssembly.Memory
const realGrow = Object.getOwnPropertyDescriptor(RealMemory.prototype, 'grow')!.value as (
  by: number,
) => number

afterEach(() => {
  WebAssembly.Memory = RealMemory
  vi.restoreAllMocks()
})

/** Refuses the k-th growth from now on; returns a count of those asked for. */
function refuseGrowth(k: number) {
  return vi.spyOn(RealMemory.prototype, 'grow').mockImplementation(function (this: WebAssembly.Memory, by) {
    if (vi.mocked(this.grow).mock.calls.length === k) throw new RangeError('no memory')
    return realGrow.call(this, by)
  })
}

/** Refuses every memory from now on: where a shared one is refused, one that is not may do. */
function refuseMemory(): void {
  WebAssembly.Memory = new Proxy(RealMemory, {
    construct() {
      throw new RangeError('no memory')
    },
  })
}

/** Little arena and many weights: loading them needs more memory than running. */
function heavy(): Model {
  const builder = new Builder(new Random(5), 1, 1)
  const first = builder.conv(builder.tensors[0], 200, 1, 1, 1, 'leaky')
  const second = builder.conv(first, 400, 1, 1, 1, 'leaky')
  return builder.model([builder.conv(second, 500, 1, 1, 1).name])
}

describe.each(['float', 'int8'])('refused memory, %s', (kind) => {
  const model = kind === 'float' ? heavy() : int8Model(heavy(), 1)
  const [{ dtype }] = model.graph.tensors
  const input = dtype === 'float32' ? randomInput(model, 2) : Int8Array.of(-128, 0, 127)

  it('is an error when the memory is made, and the next session works', async () => {
    refuseMemory()
    expect(await codeOfAsync(() => Session.create(model))).toBe('E_ENGINE_MEMORY')
    WebAssembly.Memory = RealMemory
    const session = await Session.create(model)
    session.setInput(input)
    session.run()
    expect(differing(outputsOf(session), await runModel(model, input, 'scalar'))).toBeUndefined()
  })

  it('is not asked for again while weights are loaded: it was sized for them', async () => {
    const expected = await runModel(model, input, 'scalar')
    for (const build of builds) {
      const grow = refuseGrowth(1)
      const session = await Session.create(model, { build })
      expect(grow).not.toHaveBeenCalled()
      grow.mockRestore()
      session.setInput(input)
      session.run()
      expect(differing(outputsOf(session), expected)).toBeUndefined()
    }
  })
})

describe('a picture that memory is refused for', () => {
  const model = tinyModel(smallest, 1)
  const fit = { resizedWidth: 4, resizedHeight: 4, offsetX: 0, offsetY: 0 }
  const picture = (side: number) => {
    const random = new Random(side)
    const data = Uint8Array.from({ length: side * side * 4 }, () => random.bits() >> 24)
    return { width: side, height: side, data }
  }

  it('is an error, after which the picture before it is still there', async () => {
    const session = await Session.create(model)
    session.setImage(picture(3), fit)
    session.run()
    const before = outputsOf(session)
    const grow = refuseGrowth(1)
    expect(await codeOfAsync(async () => session.setImage(picture(500), fit))).toBe('E_ENGINE_MEMORY')
    grow.mockRestore()
    session.run()
    expect(differing(outputsOf(session), before)).toBeUndefined()
    session.setImage(picture(500), fit)
    session.run()
    const fresh = await Session.create(model)
    fresh.setImage(picture(500), fit)
    fresh.run()
    expect(differing(outputsOf(fresh), outputsOf(session))).toBeUndefined()
  })
})

it('refuses a model past the cap before it asks for any memory', async () => {
  const builder = new Builder(new Random(1), 8192, 8192)
  const model = builder.model([builder.conv(builder.tensors[0], 15, 1, 1, 1).name])
  refuseMemory()
  expect(await codeOfAsync(() => Session.create(model))).toBe('E_MODEL_LIMIT')
})
