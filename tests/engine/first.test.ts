import { readFileSync } from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { foldedBias } from '../../src/host/graph/kernels/convolution.js'
import { verifyModel } from '../../src/host/graph/verify.js'
import { planFirst } from '../../src/host/plan/first.js'
import { cheapestChoice, withKernels } from '../../src/host/plan/kernels.js'
import { memoryOf, planModel } from '../../src/host/plan/plan.js'
import { Detector, readModel } from '../../src/host/platform/node.js'
import { builds, differing, outputsOf, Session } from '../helpers/session.js'

const file = new URL('../../models/quantized/detector.safetensors', import.meta.url)
const model = readModel(readFileSync(file), 'detector')
const pixels = {
  width: 200,
  height: 150,
  data: Uint8Array.from({ length: 120_000 }, (_, i) => (i * 7919) >> 5),
}
const fit = { resizedWidth: 352, resizedHeight: 264, offsetX: 0, offsetY: 44 }
const plan = planModel(withKernels(verifyModel(model), cheapestChoice(verifyModel(model))))
const first = planFirst(plan)!

/** A session that may leave packing for later, or not. */
async function sessionOf(frozenModel: boolean, options = {}): Promise<Session> {
  const session = await Session.create(model, { tuneMs: 0, ...options, frozenModel })
  onTestFinished(() => session.close())
  return session
}

const expected = await Session.create(model, { kernel: 'direct', build: 'simd' }).then((session) => {
  session.setImage(pixels, fit)
  session.run()
  return outputsOf(session)
})

/**
 * Bytes, in KiB that are not empty, where weights of kernels are to lie, behind what a first run
 * uses.
 */
function packed({ plan, memory }: Session): number {
  const { nodes, blocks } = planFirst(plan)!
  const end = Math.max(...[...nodes.keys()].flatMap((index) => [...plan.blocks[index].values()]))
  const empty = Buffer.alloc(1024)
  let bytes = 0
  for (let at = blocks + (768 << 10); at + 1024 <= end; at += 1024)
    if (!empty.equals(memory.bytes.subarray(at, at + 1024))) bytes += 1024
  return bytes
}

describe.each(builds)('a first run without packed weights, %s', (build) => {
  it.each([1, 2])('gives the bytes of all others, %d threads', async (threads) => {
    const session = await sessionOf(true, { build, threads: build === 'scalar' ? 1 : threads })
    expect(packed(session)).toBe(0)
    session.setImage(pixels, fit)
    session.run()
    expect(packed(session), 'nothing is packed for the first run').toBe(0)
    expect(differing(outputsOf(session), expected)).toBeUndefined()
    session.run()
    expect(packed(session), 'all is packed for the second run').toBeGreaterThan(1e6)
    expect(differing(outputsOf(session), expected)).toBeUndefined()
    await session.ready()
    session.setImage(pixels, fit)
    session.run()
    expect(differing(outputsOf(session), expected)).toBeUndefined()
    const grown = memoryOf(session.plan, pixels)
    expect(session.memoryBytes).toBe(grown)
  })
})

describe('weights are packed', () => {
  const cases: [string, (session: Session) => unknown][] = [
    ['for an input that is set directly', (s) => s.setInput(new Int8Array(352 * 352 * 3))],
    ['for a part of the network', (s) => s.run(s.outputs[0].name)],
    ['for a profile', (s) => s.profile()],
    ['for threads that are waited for', (s) => s.ready()],
    ['for another picture after the first run', (s) => [s.run(), s.setImage(pixels, fit)]],
  ]
  it.each(cases)('%s', async (_, use) => {
    const session = await sessionOf(true)
    session.setImage(pixels, fit)
    expect(packed(session)).toBe(0)
    await use(session)
    expect(packed(session)).toBeGreaterThan(1e6)
    session.setImage(pixels, fit)
    session.run()
    expect(differing(outputsOf(session), expected)).toBeUndefined()
  })

  it('at once for a model that others may change', async () => {
    expect(packed(await sessionOf(false))).toBeGreaterThan(1e6)
  })

  it('by the second run, and the first results stay readable until then', async () => {
    const session = await sessionOf(true)
    session.setImage(pixels, fit)
    session.run()
    await session.ready()
    expect(differing(outputsOf(session), expected)).toBeUndefined()
  })
})

it.each(['winograd43', 'winograd43-mla', 'winograd23', 'winograd42', 'direct-mla', 'direct'])(
  'computes with %s in parts as it does with all weights',
  async (kernel) => {
    const session = await sessionOf(true, { kernel })
    session.setImage(pixels, fit)
    session.run()
    expect(differing(outputsOf(session), expected)).toBeUndefined()
  },
)

it('computes with the kernels that are chosen for many layers, and with what is as good for few', () => {
  const names = [...first.nodes].map(([index, by]) => [
    plan.model.kernels![index],
    'name' in by ? by.name : 'direct',
  ])
  expect(new Set(names.map(([chosen, used]) => `${chosen}: ${used}`))).toEqual(
    new Set(['winograd43: winograd43', 'winograd42: direct', 'direct: direct']),
  )
})

it('knows the sums of a part of the weights by those of all', () => {
  const { views } = verifyModel(model)
  const { view, operator } = views.find(({ view }) => view.node.name === '10_convolutional')!
  const part = operator.slice!(view, 16, 24)!
  const all = foldedBias(view)
  const { values, largest } = foldedBias(part)
  expect(values).toEqual(all.values.subarray(16, 40))
  const again = foldedBias({ ...part })
  expect({ values, largest }).toEqual({ values: again.values, largest: again.largest })
})

it('detects the same at first as later, with what is embedded', async () => {
  const detector = await Detector.create({ scoreThreshold: 0.05 })
  onTestFinished(() => detector.close())
  expect(packed(detector.session)).toBe(0)
  const found = await detector.detect(pixels)
  expect(await detector.detect(pixels)).toEqual(found)
  expect(packed(detector.session)).toBeGreaterThan(1e6)
})

it('uses the place of the packed weights, and half of it at most', () => {
  const starts = [...first.nodes.keys()].flatMap((index) => [...plan.blocks[index].values()])
  const start = Math.min(...starts)
  expect(first.instruction).toBe(start)
  const { scratch, staging, blocks } = first
  expect([first.instruction, scratch, staging, blocks].map((at) => at % 64)).toEqual([0, 0, 0, 0])
  expect(first.nodes.size).toBe(24)
  const foreign = plan.model.views.flatMap((_, index) =>
    first.nodes.has(index) ? [] : [...plan.blocks[index].values()],
  )
  expect(foreign.filter((at) => at > start && at < Math.max(...starts))).toEqual([])
  expect(blocks - start).toBeLessThan((Math.max(...starts) - start) / 2)
})

it('packs a small network at once', () => {
  const small = readModel(readFileSync(new URL('detector-small.safetensors', file)), 'small')
  const direct = planModel(verifyModel(small))
  expect(direct.packedBytes).toBeLessThan(1 << 20)
  expect(planFirst(direct)).toBeUndefined()
})
