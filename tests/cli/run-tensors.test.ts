import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, test } from 'vitest'
import { fileNames } from '../../cli/run.js'
import { writeModel } from '../../src/host/graph/file.js'
import type { Model } from '../../src/host/graph/types.js'
import { Generator } from '../../src/host/platform/node.js'
import { type NpyArray, readNpy } from '../../tools/npy/read.js'
import { writeNpy } from '../../tools/npy/write.js'
import { ocellus, type Ran, sample, temporaryFolder } from './run.js'

const folder = temporaryFolder()
const path = (name: string): string => join(folder, name)
const saved = (name: string, values: Float32Array | Int32Array | Int8Array, ...shape: number[]): string => {
  writeFileSync(path(name), writeNpy([values], shape))
  return path(name)
}
const loaded = (name: string): NpyArray => readNpy(readFileSync(path(name)), name)
const count = (length: number): Float32Array => Float32Array.from({ length }, (_, n) => n)

/** Adds two maps, and hands labels and an int8 map on. */
const model: Model = {
  graph: {
    name: 'sums',
    task: { kind: 'tensors', forms: [] },
    tensors: [
      { name: 'a', shape: [1, 2, 2, 3], dtype: 'float32' },
      { name: 'b', shape: [1, 2, 2, 3], dtype: 'float32' },
      { name: 'out/a:0', shape: [1, 2, 2, 3], dtype: 'float32' },
      { name: 'label', shape: [1], dtype: 'int32' },
      { name: 'labels', shape: [2], dtype: 'int32' },
      { name: 'q', shape: [4], dtype: 'int8', quantization: { scale: 0.5, zeroPoint: 1 } },
    ],
    inputs: ['a', 'b', 'label', 'q'],
    outputs: ['out/a:0', 'labels', 'q'],
    nodes: [
      { name: '0', op: 'add', inputs: ['a', 'b'], outputs: ['out/a:0'], constants: {}, attributes: {} },
      {
        name: '1',
        op: 'concat',
        inputs: ['label', 'label'],
        outputs: ['labels'],
        constants: {},
        attributes: {},
      },
    ],
    provenance: {},
  },
  constants: new Map(),
}
const file = path('sums.safetensors')

beforeAll(() => {
  mkdirSync(folder, { recursive: true })
  writeFileSync(file, writeModel(model))
  saved('a.npy', count(12), 1, 3, 2, 2)
  saved('batch.npy', count(36), 3, 3, 2, 2)
  saved('label.npy', Int32Array.of(7), 1)
  saved('labels.npy', Int32Array.of(7, 8, 9), 3)
  saved('two.npy', Int32Array.of(7, 8), 2)
  saved('one.npy', Float32Array.of(1), 1)
  saved('q.npy', Float32Array.of(-0.5, 0, 0.5, 100), 4)
  saved('raw.npy', Int8Array.of(0, 1, 2, 127), 4)
})

const given = (...words: string[]): string[] => words.flatMap((word) => ['--input', word])
const all = (): string[] =>
  given(`a=${path('a.npy')}`, `b=${path('a.npy')}`, `label=${path('label.npy')}`, `q=${path('q.npy')}`)

function expectLine(ran: Ran, code: string, exit: number, what: RegExp = /./): void {
  expect(ran.stderr).toMatch(new RegExp(`^${code}: [^\\n]+\\n$`))
  expect(ran.stderr).toMatch(what)
  expect(ran.code).toBe(exit)
}

describe('ocellus run', () => {
  it('writes each output, dequantised, in NCHW', async () => {
    const out = path('one')
    const ran = await ocellus('run', file, ...all(), '--out', out)
    expect(ran.stderr).toBe('')
    expect(readdirSync(out).sort()).toEqual(['labels.npy', 'out_a_0.npy', 'q.npy'])
    expect(loaded('one/out_a_0.npy')).toEqual({ shape: [1, 3, 2, 2], data: count(12).map((n) => 2 * n) })
    expect(loaded('one/labels.npy')).toEqual({ shape: [2], data: Int32Array.of(7, 7) })
    expect(loaded('one/q.npy')).toEqual({ shape: [4], data: Float32Array.of(-0.5, 0, 0.5, 63) })
    expect(ran.stdout).toMatch(/out_a_0\.npy +out\/a:0 +float32 +1x3x2x2 +0\.00000 +22\.0000 +11\.0000\n/)
  })

  it('keeps int8 with --raw, takes int8 as it is, and writes what is asked for', async () => {
    const out = path('raw')
    const words = given(`a=${path('a.npy')}`, `b=${path('a.npy')}`, `label=${path('label.npy')}`)
    const ran = await ocellus(
      'run',
      file,
      ...words,
      '-i',
      `q=${path('raw.npy')}`,
      '-o',
      out,
      '--raw',
      '--outputs',
      'q',
    )
    expect(ran.stderr).toBe('')
    expect(readdirSync(out)).toEqual(['q.npy'])
    expect(loaded('raw/q.npy')).toEqual({ shape: [4], data: Int8Array.of(0, 1, 2, 127) })
  })

  it('runs a batch, sample by sample, with inputs that serve all of it, and tells JSON', async () => {
    const out = path('batch')
    const words = given(`a=${path('batch.npy')}`, `b=${path('a.npy')}`, `label=${path('labels.npy')}`)
    const ran = await ocellus('run', file, ...words, ...given(`q=${path('q.npy')}`), '-o', out, '--json')
    expect(ran.stderr).toBe('')
    expect(loaded('batch/out_a_0.npy')).toEqual({
      shape: [3, 3, 2, 2],
      data: count(36).map((n) => n + (n % 12)),
    })
    expect(loaded('batch/labels.npy')).toEqual({ shape: [3, 2], data: Int32Array.of(7, 7, 8, 8, 9, 9) })
    const told = JSON.parse(ran.stdout) as { runs: number; task: string; outputs: { shape: number[] }[] }
    expect(told).toMatchObject({
      runs: 3,
      task: 'tensors',
      inputs: [{ name: 'a', from: path('batch.npy') }, {}, {}, {}],
    })
    expect(told.outputs.map(({ shape }) => shape)).toEqual([
      [3, 3, 2, 2],
      [3, 2],
      [3, 4],
    ])
  })

  it('draws what is not given with --random, the same for a seed: of a generator its latent', async () => {
    const ran = await ocellus('run', 'generator', '--random', '--seed', '5', '-o', path('drawn'))
    expect(ran.stderr).toBe('')
    const [name] = readdirSync(path('drawn'))
    const generator = await Generator.create()
    const [{ values }] = await generator.generate({ seed: 5 })
    generator.close()
    const { shape, data } = loaded(`drawn/${name}`)
    expect(shape).toEqual([1, 3, 64, 64])
    expect(Array.from(values, (_, i) => data[(i % 3) * 4096 + Math.floor(i / 3)])).toEqual([...values])
  })

  it('shows a picture through the preprocessing, the name left out', async () => {
    const ran = await ocellus('run', 'detector', '-i', sample('cat.jpg'), '-o', path('seen'), '--json')
    expect(ran.stderr).toBe('')
    const { outputs } = JSON.parse(ran.stdout) as { outputs: { shape: number[]; file: string }[] }
    expect(outputs.length).toBeGreaterThan(0)
    for (const { shape, file: written } of outputs) {
      expect(shape.slice(0, 2)).toEqual([1, 45])
      expect(readNpy(readFileSync(written), written).shape).toEqual(shape)
    }
  })

  it('shows an autoencoder the patches that are named', async () => {
    const words = ['-i', sample('cat.jpg'), '-o', path('patches'), '--visible', '0,5,9', '--json']
    const ran = await ocellus('run', 'autoencoder', ...words)
    expect(ran.stderr).toBe('')
    const { outputs } = JSON.parse(ran.stdout) as { outputs: { shape: number[] }[] }
    expect(outputs.map(({ shape }) => shape[1])).toEqual(expect.arrayContaining([4, 65]))
  })
})

const without = (name: string): string[] => {
  const words = all()
  const at = words.findIndex((word) => word.startsWith(`${name}=`))
  return words.filter((_, n) => n !== at && n !== at - 1)
}

test.each<[string, () => string[], string, number, RegExp]>([
  [
    'an input that is not given',
    () => without('b'),
    'E_OPTION',
    2,
    /b \(float32 \[1, 3, 2, 2\]\) is missing/,
  ],
  ['a name that is no input', () => [...all(), '-i', 'c=x.npy'], 'E_OPTION', 2, /c=x\.npy names no input/],
  ['an input twice', () => [...all(), '-i', `a=${path('a.npy')}`], 'E_OPTION', 2, /given twice/],
  ['a file that is not there', () => [...without('a'), '-i', 'a=none.npy'], 'E_FILE_MISSING', 1, /none\.npy/],
  [
    'a file that is no array',
    () => [...without('a'), '-i', `a=${file}.npy`],
    'E_NPY_FORMAT',
    1,
    /no NumPy array/,
  ],
  ['another shape', () => [...without('a'), '-i', `a=${path('q.npy')}`], 'E_INPUT_SHAPE', 1, /\[4\]/],
  [
    'floats for labels',
    () => [...without('label'), '-i', `label=${path('one.npy')}`],
    'E_INPUT_TYPE',
    1,
    /int32/,
  ],
  [
    'batches of two sizes',
    () => [
      ...given(`a=${path('batch.npy')}`, `b=${path('a.npy')}`, `label=${path('two.npy')}`),
      ...given(`q=${path('q.npy')}`),
    ],
    'E_INPUT_SHAPE',
    1,
    /3 and 2 samples/,
  ],
  [
    'a picture where there is none',
    () => [...without('a'), '-i', `a=${sample('cat.jpg')}`],
    'E_OPTION',
    2,
    /no picture/,
  ],
  ['an output that is not there', () => [...all(), '--outputs', 'x'], 'E_INPUT_NAME', 1, /x is no output/],
  ['patches of no autoencoder', () => [...all(), '--visible', '1'], 'E_OPTION', 2, /no autoencoder/],
])('%s: one line, a code, and no output', async (what, words, code, exit, message) => {
  writeFileSync(`${file}.npy`, 'hello')
  const out = path(`not ${what}`)
  expectLine(await ocellus('run', file, ...words(), '--out', out), code, exit, message)
  expect(existsSync(out)).toBe(false)
})

test('names of outputs become names of files, each its own', () => {
  expect(fileNames(['a', 'A', 'a/b', 'a:b', '../../etc', '.hidden', 'é', '/model/out'])).toEqual([
    'a.npy',
    'A_2.npy',
    'a_b.npy',
    'a_b_2.npy',
    '__.._etc.npy',
    '_hidden.npy',
    '_.npy',
    '_model_out.npy',
  ])
})
