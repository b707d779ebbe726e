import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { readModel } from '../../src/host/graph/file.js'
import { Detector } from '../../src/host/platform/node.js'
import { everyLayer, randomWeights } from '../readers/tiny.js'
import { fewPhotos, ocellus, root, sample, temporaryFolder } from './run.js'

/**
 * A network of every layer, and photos labelled with what it is asked to find; random, so it finds
 * nothing.
 */
const folder = temporaryFolder()
const weights = join(folder, 'tiny.weights')
const model = join(folder, 'tiny.safetensors')
const data = join(folder, 'data')

beforeAll(async () => {
  writeFileSync(join(folder, 'tiny.cfg'), everyLayer)
  writeFileSync(weights, randomWeights(everyLayer, 7))
  mkdirSync(join(data, 'images'), { recursive: true })
  mkdirSync(join(data, 'labels'))
  for (const name of ['cat', 'astronaut']) {
    writeFileSync(join(data, 'images', `${name}.jpg`), readFileSync(sample(`${name}.jpg`)))
    writeFileSync(join(data, 'labels', `${name}.txt`), '0 0.5 0.5 0.6 0.7\n')
  }
  const { code, stderr, stdout } = await ocellus(
    'quantize',
    weights,
    '--calibrate',
    sample('.'),
    '--out',
    model,
  )
  expect(stderr).toMatch(fewPhotos)
  expect(code).toBe(0)
  expect(stdout).toMatch(/layer +operator +SNR dB\n/)
  expect(stdout).toMatch(/0_convolutional +conv +[\d.]+\n/)
}, 60_000)

describe('ocellus quantize', () => {
  it('writes a model that says where it comes from', () => {
    const { graph } = readModel(readFileSync(model), model)
    expect(graph.name).toBe('tiny')
    expect(graph.tensors.filter((t) => t.dtype === 'int8').length).toBeGreaterThan(10)
    expect(graph.provenance.quantization).toBe('int8, 8-bit weights per channel, lp, 3 photos')
  })

  it('keeps to 7 bits with --reduce-range', async () => {
    const out = join(folder, 'seven.safetensors')
    expect(
      (await ocellus('quantize', weights, '--calibrate', sample('.'), '-o', out, '--reduce-range')).code,
    ).toBe(0)
    const { graph, constants } = readModel(readFileSync(out), out)
    const convolutions = graph.nodes
      .filter((n) => n.op === 'conv')
      .map((n) => constants.get(n.constants.weight)!)
    const largest = Math.max(...convolutions.flatMap(({ data: w }) => Array.from(w, Math.abs)))
    expect(largest).toBe(63)
  })

  it.each([
    ['no photos named', ['--out', 'x'], 2, 'E_USAGE'],
    ['an unknown method', ['--calibrate', sample('.'), '--out', 'x', '--method', 'magic'], 2, 'E_OPTION'],
    ['photos that are not there', ['--calibrate', join(folder, 'none'), '--out', 'x'], 1, 'E_FILE_MISSING'],
    [
      'an output below a file',
      ['--calibrate', sample('cat.jpg'), '--out', join(weights, 'x')],
      1,
      'E_FILE_WRITE',
    ],
  ])('%s: one line, a code', async (_, words, code, error) => {
    const ran = await ocellus('quantize', weights, ...words)
    expect(ran.code).toBe(code)
    expect(ran.stderr).toMatch(new RegExp(`^${error}: [^\\n]+\\n$`))
  })

  it('refuses weights that end too soon, and names the layer', async () => {
    const short = join(folder, 'short.weights')
    writeFileSync(short, readFileSync(weights).subarray(0, -4))
    const ran = await ocellus(
      'quantize',
      short,
      '--config',
      join(folder, 'tiny.cfg'),
      '--calibrate',
      sample('.'),
      '-o',
      'x',
    )
    expect(ran).toMatchObject({ code: 1, stdout: '' })
    expect(ran.stderr).toMatch(/^E_WEIGHTS_TRUNCATED: .*4 bytes.*\n$/)
  })

  it('refuses a model that is int8 already', async () => {
    const ran = await ocellus('quantize', model, '--calibrate', sample('.'), '-o', 'x')
    expect(ran).toMatchObject({ code: 2, stdout: '' })
    expect(ran.stderr).toMatch(/^E_OPTION: /)
  })
})

describe('ocellus eval', () => {
  it('prints int8 and float side by side', async () => {
    const { code, stdout } = await ocellus('eval', model, '--against', weights, '--data', data, '--json')
    expect(code).toBe(0)
    const report = JSON.parse(stdout) as Record<string, unknown>
    expect(report).toMatchObject({ images: 2, boxes: 2 })
    for (const kind of ['int8', 'float']) {
      expect(report[kind]).toMatchObject({
        ap50: expect.any(Number),
        ap75: expect.any(Number),
        ap: expect.any(Number),
      })
    }
  })

  it('refuses an epsilon that is no number', async () => {
    const ran = await ocellus('eval', weights, '--data', data, '--epsilon', 'small')
    expect(ran).toMatchObject({ code: 2, stdout: '' })
    expect(ran.stderr).toMatch(/^E_OPTION: small [^\n]+\n$/)
  })

  it('says what is wrong with the labels', async () => {
    const bad = join(folder, 'bad')
    mkdirSync(join(bad, 'images'), { recursive: true })
    mkdirSync(join(bad, 'labels'))
    writeFileSync(join(bad, 'images', 'cat.jpg'), readFileSync(sample('cat.jpg')))
    writeFileSync(join(bad, 'labels', 'cat.txt'), '0 0.5 0.5 0.6 0.7\n0 0.5 2.5 0.6 0.7\n')
    const ran = await ocellus('eval', model, '--data', bad)
    expect(ran).toMatchObject({ code: 1, stdout: '' })
    expect(ran.stderr).toMatch(/^E_DATA_LABELS: .*cat\.txt.*2.*\n$/)
  })
})

describe('ocellus inspect', () => {
  it('gives the figures of a model as JSON', async () => {
    const { code, stdout } = await ocellus('inspect', model, '--json')
    expect(code).toBe(0)
    const report = JSON.parse(stdout) as Record<string, number>
    expect(report).toMatchObject({ task: 'detection', inputs: [{ shape: [1, 29, 37, 3], dtype: 'int8' }] })
    expect(report.macs).toBeGreaterThan(1000)
    expect(report.arenaBytes).toBeGreaterThanOrEqual(report.arenaLowerBound)
    expect(report.weightBytes).toBeLessThan(report.packedBytes)
  })

  it('predicts the memory that a session takes, with a picture and without', async () => {
    const { stdout } = await ocellus('inspect', model, '--json', '--threads', '1', '--frame', '640x480')
    const report = JSON.parse(stdout) as Record<string, number>
    const detector = await Detector.create({ model, threads: 1 })
    expect(report.memoryBytes).toBe(detector.session.memoryBytes)
    detector.detectPixels({ width: 640, height: 480, data: new Uint8Array(640 * 480 * 4) })
    expect(report.memoryWithFrameBytes).toBe(detector.session.memoryBytes)
    detector.close()
    for (const size of ['640', '0x5', '99999x1', 'ax2']) {
      expect(await ocellus('inspect', model, '--frame', size)).toMatchObject({ stdout: '' })
    }
  })

  it('names each layer of the embedded model', async () => {
    const { code, stdout } = await ocellus('inspect')
    expect(code).toBe(0)
    expect(stdout).toMatch(/0_convolutional +conv 3x3\/2 leaky +176x176x16 +int8/)
    expect(stdout).toMatch(/\narena +[\d.]+ [KM]iB/)
  })
})

describe('ocellus', () => {
  it('tells its verbs and its version', async () => {
    const { stdout } = await ocellus('--help')
    for (const verb of ['detect', 'quantize', 'eval', 'inspect', 'bench']) {
      expect(stdout).toContain(`\n  ${verb} `)
      expect((await ocellus(verb, '--help')).stdout).toMatch(new RegExp(`^Usage: ocellus ${verb} `))
    }
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
    expect(await ocellus('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
  })

  it('refuses an unknown verb, and suggests one', async () => {
    const ran = await ocellus('detcet', 'x')
    expect(ran.code).toBe(2)
    expect(ran.stderr).toMatch(/^E_USAGE: unknown command 'detcet'.*detect/)
  })
})
