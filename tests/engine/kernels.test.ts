import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { planKernels } from '../../src/host/engine/choose.js'
import { type Bench, choices, measureKernels } from '../../src/host/engine/measure.js'
import type { Model } from '../../src/host/graph/types.js'
import { verifyModel } from '../../src/host/graph/verify.js'
import { direct } from '../../src/host/plan/kernels.js'
import { notes } from '../../src/host/platform/node/notes.js'
import { loadEngine } from '../helpers/engine.js'
import { Random } from '../helpers/kernel.js'
import { int8Model, randomInt8Input, tinyModel } from '../helpers/models.js'
import { Builder } from '../helpers/random-model.js'
import { builds, differing, type Outputs, outputsOf, Session } from '../helpers/session.js'
import { everyLayer } from '../readers/tiny.js'

/** Layers of several widths, of which the first are the most work. */
const several = `[net]
width=32
height=32
channels=3
${[16, 32, 72]
  .map(
    (filters) => `
[convolutional]
batch_normalize=1
filters=${filters}
size=3
stride=1
pad=1
activation=leaky
`,
  )
  .join('')}
[convolutional]
filters=18
size=1
stride=1
activation=linear

[yolo]
anchors=10,14, 23,27, 37,58
num=3
mask=0,1,2
classes=1
`
const model = int8Model(tinyModel(several, 31), 32)
const every = int8Model(tinyModel(everyLayer, 20), 21)
const narrow = int8Model(tinyModel(several, 31), 32, true)
/** Transposed convolutions of a latent, of few and of many tiles, the last to three channels. */
function generator(): Model {
  const b = new Builder(new Random(34), 1, 1)
  let x = b.convTranspose(b.tensors[0], 24, 4, 4, 'relu')
  for (const channels of [40, 16]) x = b.convTranspose(x, channels, 4, 2, 'leaky')
  return b.model([b.activation(b.convTranspose(x, 3, 4, 2), 'tanh').name])
}
const drawn = int8Model(generator(), 35)
/** Of halves of odd and even sides: 33 to 17, to 9, to 5. */
const halving = int8Model(
  tinyModel(
    several
      .replace('width=32', 'width=33')
      .replace('height=32', 'height=30')
      .replaceAll('size=3\nstride=1', 'size=3\nstride=2'),
    36,
  ),
  37,
)
const kernels = ['winograd43', 'winograd43-mla', 'winograd23', 'winograd23-mla', 'direct-mla']

async function run(of: typeof model, options: Parameters<typeof Session.create>[1]): Promise<Outputs> {
  const session = await Session.create(of, options)
  await session.ready()
  session.setInput(randomInt8Input(of, 33))
  session.run()
  const outputs = outputsOf(session)
  session.close()
  return outputs
}

describe('every kernel that can be forced', () => {
  it.each(builds)('gives the same bytes, %s', async (build) => {
    for (const of of [model, every]) {
      const expected = await run(of, { build, kernel: direct })
      for (const kernel of kernels) {
        expect(differing(await run(of, { build, kernel }), expected), kernel).toBeUndefined()
      }
      expect(differing(await run(of, { build }), expected)).toBeUndefined()
    }
    const halved = await run(halving, { build, kernel: direct })
    for (const kernel of ['winograd42', 'winograd42-mla']) {
      for (const threads of build === 'scalar' ? [1] : [1, 3]) {
        const outputs = await run(halving, { build, kernel, threads })
        expect(differing(outputs, halved), `${kernel} ${threads}`).toBeUndefined()
      }
    }
    const expectedPicture = await run(drawn, { build, kernel: direct })
    for (const kernel of ['winograd42', 'winograd42-mla', 'winograd22', 'winograd22-mla']) {
      for (const threads of build === 'scalar' ? [1] : [1, 3]) {
        const picture = await run(drawn, { build, kernel, threads })
        expect(differing(picture, expectedPicture), `${kernel} ${threads}`).toBeUndefined()
      }
    }
    const expected = await run(narrow, { build, kernel: direct })
    expect(differing(await run(narrow, { build, kernel: 'relaxed' }), expected)).toBeUndefined()
  })

  it('is named, or refused', async () => {
    const plan = await planKernels(verifyModel(model), 1, { kernel: 'winograd23' })
    expect(plan.model.kernels).toEqual(['winograd23', 'winograd23', 'winograd23', direct])
    await expect(Session.create(model, { kernel: 'fastest' })).rejects.toThrow(/no layer of .* fastest/)
    await expect(Session.create(model, { tuneMs: -1 })).rejects.toMatchObject({ code: 'E_OPTION' })
    await expect(Session.create(model, { tuneMs: Number.NaN })).rejects.toMatchObject({ code: 'E_OPTION' })
  })
})

describe('a memory ceiling', () => {
  const planned = (maxMemory?: number) => planKernels(verifyModel(model), 1, { tuneMs: 0, maxMemory })

  it('leads to kernels of fewer bytes, no more of them than it takes', async () => {
    const most = await planned()
    const least = (await planKernels(verifyModel(model), 1, { kernel: direct })).end
    expect(least).toBeLessThan(most.end)
    let before = most.end
    for (let ceiling = most.end; ceiling >= least; ceiling -= Math.ceil((most.end - least) / 7)) {
      const { end } = await planned(ceiling)
      expect(end).toBeLessThanOrEqual(ceiling)
      expect(end).toBeLessThanOrEqual(before)
      before = end
    }
    expect((await planned(most.end)).model.kernels).toEqual(most.model.kernels)
    expect((await planned(most.end - 1)).model.kernels).toContain('winograd43')
  })

  it('that nothing fits is refused, and so is what is no number of bytes', async () => {
    await expect(planned(10_000)).rejects.toMatchObject({ code: 'E_MODEL_LIMIT' })
    await expect(planned(0)).rejects.toMatchObject({ code: 'E_OPTION' })
    await expect(planned(Number.NaN)).rejects.toMatchObject({ code: 'E_OPTION' })
  })
})

describe('measuring', () => {
  /** A bench on which an instruction takes the milliseconds that `msOf` says. */
  function fake(msOf: (kernel: string) => number) {
    let clock = 0
    const memory = new WebAssembly.Memory({ initial: 4 })
    const run = (at: number): number => {
      const [opcode] = new Int32Array(memory.buffer, at, 1)
      // Word 24 of a Winograd instruction is the product's form.
      const mla = new Int32Array(memory.buffer, at, 32)[24] === 1
      const name =
        opcode === 1
          ? direct
          : opcode === 21
            ? 'direct-mla'
            : `winograd${opcode === 19 ? '43' : '23'}${mla ? '-mla' : ''}`
      clock += msOf(name)
      return 0
    }
    return { bench: { memory, exports: { run } } as unknown as Bench, now: () => clock }
  }
  const kinds = choices(verifyModel(model))

  it('finds the kinds of layers, the most work first', () => {
    expect([...kinds.values()].map(({ view }) => view.output.shape[3])).toEqual([72, 32, 18, 16])
  })

  it('takes the fastest, when it is clearly faster than what was expected', () => {
    const found = (msOf: (kernel: string) => number) => {
      const { bench, now } = fake(msOf)
      return new Set(measureKernels(bench, kinds, 1000, now).values())
    }
    expect(found((kernel) => (kernel === direct ? 0.1 : 50))).toEqual(new Set([direct]))
    expect(found((kernel) => (kernel === 'winograd23-mla' ? 0.1 : 50))).toEqual(new Set(['winograd23-mla']))
  })

  it('stops when its time is up: what was not measured is as expected', () => {
    const { bench, now } = fake(() => 1)
    expect(measureKernels(bench, kinds, 0, now).size).toBe(0)
    expect(measureKernels(bench, kinds, 12, now).size).toBe(1)
  })

  it('measures the kind of most work even when there is no time for it, so that starts fill the notes in turn', () => {
    const { bench, now } = fake(() => 1)
    const left = new Map(kinds)
    while (left.size > 0) {
      const found = measureKernels(bench, left, 0.5, now)
      expect([...found.keys()]).toEqual([...left.keys()].slice(0, 1))
      for (const key of found.keys()) left.delete(key)
    }
  })

  it('runs every kernel of every kind within its memory', () => {
    for (const build of builds) {
      const { exports, memory } = loadEngine(build, 65536)
      const found = measureKernels({ exports, memory } as unknown as Bench, kinds, 1e6, () =>
        performance.now(),
      )
      expect([...found.keys()]).toEqual([...kinds.keys()])
    }
  })
})

describe('notes of this machine', () => {
  let folder: string
  const before = process.env.OCELLUS_CACHE
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ocellus-'))
    process.env.OCELLUS_CACHE = join(folder, 'cache')
  })
  afterEach(async () => {
    if (before === undefined) delete process.env.OCELLUS_CACHE
    else process.env.OCELLUS_CACHE = before
    await rm(folder, { recursive: true })
  })

  it('are kept from one process to the next, and leave nothing else behind', async () => {
    expect(await notes.read('topic')).toBeUndefined()
    await notes.write('topic', new Map([['a', 'b']]))
    expect(await notes.read('topic')).toEqual(new Map([['a', 'b']]))
    expect(await readdir(join(folder, 'cache'))).toEqual(['topic.json'])
  })

  it.each(['', '{', '[]', 'null', '{"machine":"another","values":{"a":"b"}}', '{"values":{"a":"b"}}'])(
    'that are %s are no notes',
    async (text) => {
      await mkdir(join(folder, 'cache'))
      await writeFile(join(folder, 'cache', 'topic.json'), text)
      expect(await notes.read('topic')).toBeUndefined()
    },
  )

  it('that can not be kept are done without', async () => {
    await writeFile(join(folder, 'cache'), 'a file, no folder')
    await notes.write('topic', new Map([['a', 'b']]))
    expect(await notes.read('topic')).toBeUndefined()
  })
})
