import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Report } from '../../bench/report/report.js'
import { writeModel } from '../../src/host/graph/file.js'
import { int8Model, tinyModel } from '../helpers/models.js'
import { everyLayer, randomWeights } from '../readers/tiny.js'
import { ocellus, temporaryFolder } from './run.js'

const folder = temporaryFolder()
const weights = join(folder, 'tiny.weights')
const model = join(folder, 'tiny.safetensors')
const quick = ['--runs', '2', '--warmup', '1', '--cold', '0']

beforeAll(() => {
  writeFileSync(join(folder, 'tiny.cfg'), everyLayer)
  writeFileSync(weights, randomWeights(everyLayer, 7))
  writeFileSync(model, writeModel(int8Model(tinyModel(everyLayer, 7), 1)))
})

describe('ocellus bench', () => {
  it('measures a network, its layers, its growth, and other runtimes beside it', async () => {
    const out = join(folder, 'report')
    const words = [
      '--against',
      weights,
      '--profile',
      '--sizes',
      '37x29,74x58',
      '--peers',
      'onnxruntime-web,tfjs-wasm',
    ]
    const { code, stdout, stderr } = await ocellus(
      ...['bench', '-m', model, ...quick, ...words, '--out', out, '--json'],
    )
    expect(code).toBe(0)
    const report = JSON.parse(stdout) as Report
    expect(report).toMatchObject({
      machine: { node: process.versions.node, cores: expect.any(Number) },
      source: { builds: { simd: expect.stringMatching(/^[0-9a-f]{12}$/) } },
      model: 'tiny',
      input: [29, 37],
      peaks: [{ kind: 'i16_dot', gmacs: expect.any(Number) }, {}, {}],
    })
    // tfjs takes no int8, and cannot average over padding.
    expect(report.results.map((r) => [r.runtime, r.precision, r.scope, r.threads])).toEqual([
      ['ocellus', 'int8', 'network', 1],
      ['ocellus', 'float32', 'network', 1],
      ['ocellus', 'int8', 'frame', 1],
      ['onnxruntime-web', 'int8', 'network', 1],
      ['onnxruntime-web', 'float32', 'network', 1],
    ])
    expect(report.skipped.map((s) => [s.runtime, s.precision])).toEqual([
      ['tfjs-wasm', 'int8'],
      ['tfjs-wasm', 'float32'],
    ])
    for (const r of report.results) {
      expect(r).toMatchObject({ runs: 2, version: expect.any(String), build: expect.any(String) })
      const { minMs, medianMs, p95Ms, coldStartMs, firstMs, perSecond, peakMiB } = r
      expect([minMs, medianMs, p95Ms].sort((a, b) => a - b)).toEqual([minMs, medianMs, p95Ms])
      expect(coldStartMs).toBeGreaterThan(firstMs)
      expect(Math.min(minMs, perSecond, peakMiB ?? 0)).toBeGreaterThan(0)
    }
    expect(report.results[4].agreement!.decibels).toBeGreaterThan(100)
    expect(report.layers.find((l) => l.name === '0_convolutional')).toMatchObject({
      op: 'conv',
      macs: 29 * 37 * 8 * 27,
      kernel: expect.stringMatching(/S8$/),
      percentOfPeak: expect.any(Number),
    })
    expect(report.sizes.map((s) => [s.input, s.growth])).toEqual([
      [[29, 37], 1],
      [[58, 74], expect.any(Number)],
    ])
    const written = stderr.trim().split('\n')
    expect(written).toHaveLength(6)
    for (const line of written) expect(existsSync(line.replace(/^wrote /, '')), line).toBe(true)
    const page = readFileSync(join(out, 'tiny-37x29.md'), 'utf8')
    expect(page).toContain('npx ocellus bench -m tiny.safetensors --runs 2')
    expect(page).toContain('| onnxruntime-web |')
  })

  it('prints tables for people', async () => {
    const { code, stdout, stderr } = await ocellus('bench', '-m', model, ...quick, '--profile')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^tiny at 37x29 \(0\.\d+ GMAC\) on .+, \d+ cores, Node \d/)
    expect(stdout).toMatch(/\nocellus +\d\S+ +int8 +simd +1 +[\d.]+/)
    expect(stdout).toMatch(/\n0_convolutional +conv +\w+S8 +0\.23 /)
  })

  it.each([
    ['threads of none', ['--threads', '0'], 2, 'E_OPTION'],
    ['threads by the thousand', ['--threads', '1,1000'], 2, 'E_OPTION'],
    ['threads in words', ['--threads', 'two'], 2, 'E_OPTION'],
    ['a size of nothing', ['--sizes', '416,0'], 2, 'E_OPTION'],
    ['a size in words', ['--sizes', '416x'], 2, 'E_OPTION'],
    ['a size that the network can not have', ['--sizes', '1'], 2, 'E_OPTION'],
    ['a huge frame', ['--frame', '20000x1'], 2, 'E_OPTION'],
    ['an unknown peer', ['--peers', 'onnxruntime-web,caffe'], 2, 'E_OPTION'],
    ['runs of none', ['--runs', '0'], 2, 'E_OPTION'],
    ['cold starts below none', ['--cold', '-1'], 2, 'E_OPTION'],
    ['an unknown build', ['--build', 'fast'], 2, 'E_OPTION'],
    ['unknown shapes', ['--kernels', 'resnet'], 2, 'E_OPTION'],
    ['an unknown network', ['--network', 'resnet'], 2, 'E_OPTION'],
    ['a network beside a model', ['--network', 'mae-vit-b-16'], 2, 'E_OPTION'],
    ['a smaller range of a model', ['--reduce-range'], 2, 'E_OPTION'],
    ['an unknown word', ['--fast'], 2, 'E_USAGE'],
    ['a model that is not there', ['--against', join(folder, 'none')], 1, 'E_FILE_MISSING'],
    ['a folder below a file', ['--out', join(weights, 'x')], 1, 'E_FILE_WRITE'],
  ])('%s: one line, a code', async (_, words, code, error) => {
    const ran = await ocellus('bench', '-m', model, ...quick, ...words)
    expect(ran).toMatchObject({ code, stdout: '' })
    expect(ran.stderr).toMatch(new RegExp(`^${error}: [^\\n]+\\n$`))
  })
})
