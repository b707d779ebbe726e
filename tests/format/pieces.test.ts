import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { readModel, writeModel } from '../../src/host/graph/file.js'
import type { Constant, Model } from '../../src/host/graph/types.js'
import { verifyModel } from '../../src/host/graph/verify.js'
import { memoryOf } from '../../src/host/plan/plan.js'
import { openModel } from '../../src/host/platform/node/files.js'
import { quantizeLinears } from '../../tools/quantize/passes/linear.js'
import { codeOfAsync } from '../helpers/code-of.js'
import { randomInput } from '../helpers/models.js'
import { differing, runModel, Session } from '../helpers/session.js'
import { transformer } from '../helpers/transformer.js'

const folder = mkdtempSync(join(tmpdir(), 'ocellus-pieces-'))
afterAll(() => rmSync(folder, { recursive: true }))
let files = 0

function lay(bytes: Uint8Array): string {
  const path = join(folder, `${files++}.safetensors`)
  writeFileSync(path, bytes)
  return path
}

/** The model of a file whose weights stay there. */
const inPieces = async (path: string): Promise<Model> => readModel(await openModel(path, 0), 'm')

const float = transformer(31)
const models: Readonly<Record<string, Model>> = {
  float,
  'int8, 8 bits': quantizeLinears(float, 8),
  'int8, 7 bits': quantizeLinears(float, 7),
}

/** A model file with one value of its largest weights put wrong. */
function spoilt(model: Model, at: number, value: number): Uint8Array {
  const weights = [...model.constants.values()].filter(({ shape }) => shape.length === 2)
  const largest = weights
    .filter(({ name }) => model.graph.nodes.some(({ constants }) => constants.weight === name))
    .reduce((a, b) => (a.data.length > b.data.length ? a : b))
  const written = writeModel(model)
  const { data } = readModel(written, 'm').constants.get(largest.name)!
  data[at < 0 ? data.length + at : at] = value
  return written
}

describe.each(Object.entries(models))('a file that is read in pieces, %s', (_, model) => {
  const bytes = writeModel(model)
  const path = lay(bytes)

  it('holds what it holds when it is read as a whole', async () => {
    const read = await inPieces(path)
    const late = [...read.constants.values()].filter((constant) => constant.read !== undefined)
    expect(late.map(({ name }) => name).sort()).toEqual(
      model.graph.nodes
        .filter(({ op }) => op === 'linear')
        .map(({ constants }) => constants.weight)
        .sort(),
    )
    const values = ({ constants }: Model) =>
      [...constants.values()].map(({ name, shape, dtype, data }) => ({ name, shape, dtype, data }))
    const byName = (a: Pick<Constant, 'name'>, b: Pick<Constant, 'name'>) => (a.name < b.name ? -1 : 1)
    expect(values(read).sort(byName)).toEqual(values(readModel(bytes, 'm')).sort(byName))
    expect(writeModel(read)).toEqual(bytes)
  })

  it.each([1, 2])('computes the same bytes in the memory that is foretold, %d threads', async (threads) => {
    const input = randomInput(model, 5)
    const expected = await runModel(model, input, 'simd')
    const read = await inPieces(path)
    expect(differing(await runModel(read, input, 'simd', threads), expected)).toBeUndefined()
    const session = await Session.create(read, { threads })
    expect(session.memoryBytes).toBe(memoryOf(session.plan))
    session.close()
  })

  it('fails in the same way wherever it is cut', async () => {
    for (let n = 0; n < bytes.length; n += Math.ceil(bytes.length / 97)) {
      const cut = lay(bytes.subarray(0, n))
      const code = await codeOfAsync(() => readModel(bytes.subarray(0, n), 'm'))
      expect(await codeOfAsync(() => inPieces(cut)), `${n} bytes`).toBe(code)
      expect(code).toMatch(/^E_MODEL_/)
    }
  })

  it('is refused when it changes before its weights are read', async () => {
    const changing = lay(bytes)
    const read = await inPieces(changing)
    truncateSync(changing, bytes.length - 1)
    await expect(Session.create(read, { threads: 1 })).rejects.toThrow(/E_FILE_READ|has changed/)
    expect(() => writeModel(read)).toThrow(/has changed/)
    rmSync(changing)
    await expect(Session.create(read, { threads: 1 })).rejects.toThrow(/no such file|can't be read: ENOENT/)
  })
})

describe.each([0, 7, 100, -1])('a weight that must not be there, at %d', (at) => {
  it.each<[string, Model, number]>([
    ['-128', models['int8, 8 bits'], -128],
    ['beyond 7 bits', models['int8, 7 bits'], 64],
    ['beyond 7 bits, negative', models['int8, 7 bits'], -64],
    ['no number', float, Number.NaN],
    ['infinite', float, Number.NEGATIVE_INFINITY],
  ])('%s', async (_, model, value) => {
    const bytes = spoilt(model, at, value)
    expect(await codeOfAsync(() => verifyModel(readModel(bytes, 'm')))).toBe('E_MODEL_QUANTIZATION')
    const read = await inPieces(lay(bytes))
    expect(verifyModel(read).views.length).toBeGreaterThan(0)
    for (const build of ['scalar', 'simd'] as const)
      expect(await codeOfAsync(() => Session.create(read, { threads: 1, build }))).toBe(
        'E_MODEL_QUANTIZATION',
      )
  })
})

it('a constant made of one that stays in the file holds its values itself', async () => {
  const read = await inPieces(lay(writeModel(float)))
  const stored = [...read.constants.values()].find((constant) => constant.read !== undefined)!
  const copy = { ...stored, name: 'copy' }
  expect(copy.read).toBeUndefined()
  expect(copy.data).toEqual(float.constants.get(stored.name)!.data)
})
