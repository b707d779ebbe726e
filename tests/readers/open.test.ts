import { execFileSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { writeModel } from '../../src/host/graph/file.js'
import { detectionOf } from '../../src/host/graph/task.js'
import type { Model } from '../../src/host/graph/types.js'
import { openModel } from '../../tools/index.js'
import { formats, openFormat } from '../../tools/quantize/readers/open.js'
import { tinyModel } from '../format/tiny.js'
import { codeOfAsync } from '../helpers/code-of.js'
import { everyLayer, randomWeights } from './tiny.js'

const folder = mkdtempSync(join(tmpdir(), 'ocellus-open-'))
afterAll(() => rmSync(folder, { recursive: true }))
const path = (name: string): string => join(folder, name)
const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/gan/${name}`, import.meta.url))
const write = (name: string, data: string | Uint8Array): string => {
  writeFileSync(path(name), data)
  return path(name)
}
const formatOf = async (file: string): Promise<string> => (await openFormat({ file })).format.name
const taskOf = ({ graph }: Model): string => graph.task.kind

/**
 * A float checkpoint as the safetensors package writes one: names, types and values, no metadata of
 * ours.
 */
function safetensorsOf(tensors: Readonly<Record<string, readonly number[]>>): Uint8Array {
  let at = 0
  const entries = Object.entries(tensors).map(([name, shape]) => {
    const begin = at
    at += 2 * shape.reduce((a, b) => a * b, 1)
    return [name, { dtype: 'F16', shape, data_offsets: [begin, at] }]
  })
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.length))
  return Buffer.concat([length, header, Buffer.alloc(at)])
}

/** DCGAN's discriminator for pictures of 16x16, by the names of the PyTorch examples. */
const discriminator = safetensorsOf({
  'main.0.weight': [4, 3, 4, 4],
  'main.2.weight': [4, 4, 4, 4],
  'main.3.weight': [4],
  'main.3.bias': [4],
  'main.3.running_mean': [4],
  'main.3.running_var': [4],
  'main.5.weight': [1, 4, 4, 4],
})

describe('openModel', () => {
  it('knows a file by its first bytes, whatever it is called', async () => {
    const ours = write('ours.pth', writeModel(tinyModel()))
    expect(await formatOf(ours)).toBe('Ocellus model')
    copyFileSync(fixture('examples-generator.pth'), path('generator.weights'))
    expect(await formatOf(path('generator.weights'))).toBe('PyTorch checkpoint')
    expect(await formatOf(write('d.weights', discriminator))).toBe('safetensors checkpoint')
    write('net.cfg', everyLayer)
    write('net.bin', randomWeights(everyLayer, 1))
    expect(await formatOf(path('net.bin'))).toBe('darknet weights')
  })

  it('finds the weights of a cfg, and the cfg of weights', async () => {
    write('tiny.cfg', `\n# made by hand\r\n; not trained\n${everyLayer}`)
    write('tiny.weights', randomWeights(everyLayer, 2))
    expect(await formatOf(path('tiny.cfg'))).toBe('darknet configuration')
    const models = [await openModel(path('tiny.cfg')), await openModel(path('tiny.weights'))]
    expect(models[0]).toEqual(models[1])
    copyFileSync(path('tiny.weights'), path('moved.weights'))
    expect(await codeOfAsync(() => openModel(path('moved.weights')))).toBe('E_FILE_MISSING')
    const moved = await openModel(path('moved.weights'), { config: path('tiny.cfg') })
    expect(moved.graph.nodes).toEqual(models[0].graph.nodes)
  })

  it('goes by the name where the bytes say nothing, so that the reader says what is wrong', async () => {
    const codes = await Promise.all(
      ['a.safetensors', 'a.pth', 'a.weights', 'a.cfg', 'a.jpg'].map((name) =>
        codeOfAsync(() => openModel(write(name, 'neither one nor the other'), { config: path('a.cfg') })),
      ),
    )
    expect(codes).toEqual([
      'E_MODEL_HEADER',
      'E_CHECKPOINT_FORMAT',
      'E_CFG_SYNTAX',
      'E_CFG_SYNTAX',
      'E_MODEL_FORMAT',
    ])
    const empty = await codeOfAsync(() => openModel(write('empty.safetensors', '')))
    expect(empty).toBe('E_MODEL_EMPTY')
    await expect(openModel(path('a.jpg'))).rejects.toThrow(/none of the formats .*\.pth.*\.cfg/)
  })

  it('takes bytes, addresses of files and names of models', async () => {
    const bytes = writeModel(tinyModel())
    const file = write('bytes.safetensors', bytes)
    const fromBytes = await openModel(bytes)
    expect(fromBytes).toEqual(await openModel(file))
    expect(await openModel(pathToFileURL(file))).toEqual(fromBytes)
    expect(taskOf(await openModel('generator'))).toBe('generation')
    expect(taskOf(await openModel(discriminator))).toBe('discrimination')
    expect(taskOf(await openModel(readFileSync(fixture('examples-generator.pth'))))).toBe('generation')
    write('loose.cfg', everyLayer)
    const weights = randomWeights(everyLayer, 3)
    expect(taskOf(await openModel(weights, { config: path('loose.cfg') }))).toBe('detection')
  })

  it('names the classes of any detector anew', async () => {
    const labelsOf = async (names: string) =>
      detectionOf((await openModel('detector', { names: write('own.names', names) })).graph).labels
    const own = Array.from({ length: 10 }, (_, n) => `own ${n}`)
    expect(await labelsOf(own.join('\n'))).toEqual(own)
    await expect(labelsOf('one\ntwo\n')).rejects.toThrow(/own\.names names 2 classes, and .* has 10/)
    const generator = openModel('generator', { names: write('own.names', 'one') })
    await expect(generator).rejects.toMatchObject({ code: 'E_OPTION' })
  })

  it('tells one of our models that is damaged from a checkpoint', async () => {
    const bytes = writeModel(tinyModel())
    const text = Buffer.from(bytes).toString('latin1').replace('"version":"1"', '"version":"9"')
    expect(await codeOfAsync(() => openModel(Buffer.from(text, 'latin1')))).toBe('E_MODEL_VERSION')
    expect(await codeOfAsync(() => openModel(bytes.subarray(0, bytes.length - 1)))).toBe('E_MODEL_TRUNCATED')
    const other = safetensorsOf({ 'conv1.weight': [2, 2] })
    expect(await codeOfAsync(() => openModel(other))).toBe('E_CHECKPOINT_NETWORK')
  })

  it.runIf(process.platform === 'linux')('reads regular files only', async () => {
    mkdirSync(path('folder.pth'))
    execFileSync('mkfifo', [path('pipe.pth')])
    for (const file of ['/dev/zero', path('folder.pth'), path('pipe.pth')])
      expect(await codeOfAsync(() => openModel(file)), file).toBe('E_FILE_READ')
    expect(await codeOfAsync(() => openModel(path('none.pth')))).toBe('E_FILE_MISSING')
    // A file that does not know its size: what is read counts.
    expect(await codeOfAsync(() => openModel('/proc/self/status'))).toBe('E_MODEL_FORMAT')
  })
})

describe('the formats', () => {
  it('have names of their own, and endings', () => {
    expect(new Set(formats.map(({ name }) => name)).size).toBe(formats.length)
    for (const { endings } of formats) for (const ending of endings) expect(ending).toMatch(/^\.[a-z]+$/)
  })

  it('do not take each other for themselves', () => {
    const files: Readonly<Record<string, Uint8Array>> = {
      'Ocellus model': writeModel(tinyModel()),
      'safetensors checkpoint': discriminator,
      'PyTorch checkpoint': readFileSync(fixture('examples-generator.pth')),
      // The version of the format, then the producer's name.
      ONNX: Uint8Array.of(0x08, 8, 0x12, 1, 0x61),
      'darknet weights': randomWeights(everyLayer, 1),
      'darknet configuration': Buffer.from(everyLayer),
    }
    expect(Object.keys(files)).toEqual(formats.map(({ name }) => name))
    for (const [name, bytes] of Object.entries(files)) {
      const known = formats.filter(({ begins }) => begins(bytes.subarray(0, 4096))).map((f) => f.name)
      const safetensors = ['Ocellus model', 'safetensors checkpoint']
      expect(known).toEqual(safetensors.includes(name) ? safetensors : [name])
    }
    for (const { begins } of formats)
      for (let length = 0; length < 16; length++) expect(begins(new Uint8Array(length))).toBe(false)
  })
})
