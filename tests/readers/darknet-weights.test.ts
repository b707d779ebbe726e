import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join as joinPath } from 'node:path'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { OcellusError } from '../../src/host/errors.js'
import { detectionOf } from '../../src/host/graph/task.js'
import { limits } from '../../src/host/limits.js'
import { loadDarknet } from '../../tools/quantize/readers/darknet/load.js'
import { readDarknet } from '../../tools/quantize/readers/darknet.js'
import { ofAllKinds } from '../helpers/variants.js'
import { everyLayer, floatBytes, header, join, randomWeights, smallest } from './tiny.js'

const read = (file: Uint8Array, cfg = smallest, epsilon?: number) => {
  const parse = (bytes: Uint8Array) =>
    readDarknet({ cfg: { text: cfg, file: 'tiny.cfg' }, weights: { bytes, file: 'tiny.weights' }, epsilon })
  return ofAllKinds(file, parse)
}

async function refusal(work: () => unknown): Promise<string> {
  try {
    await work()
  } catch (error) {
    if (error instanceof OcellusError) return `${error.code}: ${error.message}`
    throw error
  }
  return 'accepted'
}

/**
 * Two filters of 1x1x3: biases, scales, means, variances, weights; then six of 1x1x2: biases,
 * weights.
 */
const body = [
  [0.5, -1],
  [2, 3],
  [0.25, -0.125],
  [4, 0.25],
  [1, 2, 3, 4, 5, 6],
  [1, 2, 3, 4, 5, 6],
  [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
]
const values = (change?: { part: number; index: number; value: number }): number[] =>
  body.flatMap((part, p) =>
    part.map((value, i) => (change?.part === p && change.index === i ? change.value : value)),
  )

describe('values', () => {
  test('batch norm is folded in float64 and rounded once', () => {
    const { constants } = read(join(header(), floatBytes(values())))
    const [scale0, scale1] = [2 / Math.sqrt(4 + 1e-5), 3 / Math.sqrt(0.25 + 1e-5)]
    expect([...constants.get('0_convolutional.bias')!.data]).toEqual(
      [0.5 - scale0 * 0.25, -1 + scale1 * 0.125].map(Math.fround),
    )
    expect([...constants.get('0_convolutional.weight')!.data]).toEqual(
      [1, 2, 3, 4, 5, 6].map((w, i) => Math.fround(w * (i < 3 ? scale0 : scale1))),
    )
    expect([...constants.get('1_convolutional.weight')!.data]).toEqual(body[6])
    expect(constants.get('1_convolutional.weight')!.shape).toEqual([6, 1, 1, 2])
  })

  test('the epsilon is an option', () => {
    const { constants } = read(join(header(), floatBytes(values())), smallest, 1e-6)
    expect(constants.get('0_convolutional.weight')!.data[0]).toBe(Math.fround(2 / Math.sqrt(4 + 1e-6)))
  })

  test('weights go from planes to pixels', () => {
    const cfg = smallest.replace('batch_normalize=1\n', '').replace('size=1', 'size=2')
    const numbers = Array.from({ length: 2 + 2 * 12 + 6 + 12 }, (_, i) => i)
    const weight = read(join(header(), floatBytes(numbers)), cfg).constants.get('0_convolutional.weight')!
    expect(weight.shape).toEqual([2, 2, 2, 3])
    // Filter 0 starts at 2, and holds three planes of 2x2.
    expect([...weight.data.subarray(0, 12)]).toEqual([2, 6, 10, 3, 7, 11, 4, 8, 12, 5, 9, 13])
  })

  test('a view at an odd address reads the same', () => {
    const bytes = join(header(), floatBytes(values()))
    const odd = join(new Uint8Array(3), bytes, new Uint8Array(5)).subarray(3, 3 + bytes.length)
    expect(read(odd).constants).toEqual(read(bytes).constants)
  })

  test('constants of layers that lead nowhere are read and dropped', () => {
    const { graph, constants } = read(randomWeights(everyLayer, 1), everyLayer)
    const used = graph.nodes.flatMap((node) => Object.values(node.constants))
    expect([...constants.keys()].sort()).toEqual(used.sort())
    expect(used).not.toContain('26_convolutional.weight')
  })
})

describe('header', () => {
  const floats = floatBytes(values())

  test.each([
    [0, 1, 16],
    [0, 2, 20],
    [1, 0, 20],
    [1001, 0, 16],
  ])('version %i.%i has %i bytes', (major, minor, length) => {
    const seen = 0x12345678
    const bytes = length === 16 ? header(0, 1, 0, seen) : header(0, 2, 0, seen)
    new DataView(bytes.buffer).setInt32(0, major, true)
    new DataView(bytes.buffer).setInt32(4, minor, true)
    const { provenance } = read(join(bytes, floats)).graph
    expect(provenance.imagesSeen).toBe(seen)
    expect(provenance.darknetVersion).toMatch(`${major}.${minor}.`)
  })

  test.each([
    ['a page of HTML', new TextEncoder().encode('<!DOCTYPE html><html><head></head></html>')],
    ['a Git LFS pointer', new TextEncoder().encode('version https://git-lfs.github.com/spec/v1')],
    ['a negative version', join(header(-1, 2), floats)],
  ])('%s is no weight file', async (_, bytes) => {
    expect(await refusal(() => read(bytes))).toMatch(/^E_WEIGHTS_HEADER: tiny\.weights says it is version /)
  })
})

describe('length', () => {
  const whole = join(header(), floatBytes(values()))

  test('cut at every byte', async () => {
    for (let length = 0; length < whole.length; length++) {
      const message = await refusal(() => read(whole.subarray(0, length)))
      if (length < 20) {
        expect(message).toMatch(
          /^E_WEIGHTS_TRUNCATED: tiny\.weights holds \d+ bytes, fewer than the \d+ of its header/,
        )
        continue
      }
      const layer = length < 20 + 14 * 4 ? 0 : 1
      const missing = whole.length - length
      const amount = missing % 4 === 0 ? `${missing} bytes (${missing / 4} values)` : `${missing} bytes`
      expect(message).toContain(
        `E_WEIGHTS_TRUNCATED: tiny.weights ends ${amount} early, in ${layer}_convolutional:`,
      )
    }
  })

  test.each([
    [1, '1 bytes'],
    [3, '3 bytes'],
    [4, '4 bytes (1 values)'],
    [400, '400 bytes (100 values)'],
  ])('%i bytes too many', async (excess, amount) => {
    expect(await refusal(() => read(join(whole, new Uint8Array(excess))))).toContain(
      `E_WEIGHTS_TRAILING: tiny.weights has ${amount} after its last layer, 1_convolutional`,
    )
  })

  test('a cfg that asks for gigabytes gets none', async () => {
    const cfg = smallest.replace('filters=2\nsize=1', 'filters=16384\nsize=99\npad=1')
    const before = process.memoryUsage().arrayBuffers
    expect(await refusal(() => read(whole, cfg))).toMatch(
      /^E_WEIGHTS_TRUNCATED: .* early, in 0_convolutional/,
    )
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1e6)
  })
})

describe('values that no network can have', () => {
  test.each([
    [0, 1, Number.NaN, '0_convolutional, biases: value 1 is NaN'],
    [1, 0, Number.POSITIVE_INFINITY, '0_convolutional, scales: value 0 is Infinity'],
    [2, 1, Number.NEGATIVE_INFINITY, '0_convolutional, means: value 1 is -Infinity'],
    [3, 0, Number.NaN, '0_convolutional, variances: value 0 is NaN'],
    [3, 1, -0.5, '0_convolutional, variances: value 1 is -0.5, negative'],
    [4, 5, Number.NaN, '0_convolutional, weights: value 5 is NaN'],
    [5, 2, Number.NaN, '1_convolutional, biases: value 2 is NaN'],
    [6, 11, Number.POSITIVE_INFINITY, '1_convolutional, weights: value 11 is Infinity'],
    [4, 0, 3.4e38, 'accepted'],
    [4, 3, 3.4e38, '0_convolutional, weights times scale: value 3 is Infinity'],
    [2, 1, 3.4e38, '0_convolutional, biases minus means: value 1 is -Infinity'],
  ])('part %i, value %i: %d', async (part, index, value, expected) => {
    const message = await refusal(() => read(join(header(), floatBytes(values({ part, index, value })))))
    expect(message).toContain(expected)
    if (expected !== 'accepted') expect(message).toMatch(/^E_WEIGHTS_NOT_FINITE: tiny\.weights: /)
  })

  test.each([0, -1, 1, Number.NaN])('an epsilon of %d', async (epsilon) => {
    expect(await refusal(() => read(join(header(), floatBytes(values())), smallest, epsilon))).toMatch(
      /^E_OPTION/,
    )
  })
})

describe('files', () => {
  const folder = mkdtempSync(joinPath(tmpdir(), 'ocellus-'))
  const path = (name: string) => joinPath(folder, name)
  const write = (name: string, content: string | Uint8Array) => writeFileSync(path(name), content)
  const weights = join(header(), floatBytes(values()))
  const labels = async (options = {}) =>
    detectionOf((await loadDarknet(path('net.weights'), options)).graph).labels

  beforeEach(() => {
    rmSync(folder, { recursive: true })
    mkdirSync(folder)
    write('net.weights', weights)
    write('net.cfg', smallest)
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  test('the cfg beside the weights, and labels that fit', async () => {
    expect(await labels()).toEqual(['class 0'])
    write('two.names', 'cat\ndog\n')
    expect(await labels()).toEqual(['class 0'])
    write('one.names', 'cat\r\n\n')
    expect(await labels()).toEqual(['cat'])
    write('other.names', 'dog\n')
    expect(await labels()).toEqual(['class 0'])
    write('net.names', 'bird')
    expect(await labels()).toEqual(['bird'])
    expect(await labels({ names: path('other.names') })).toEqual(['dog'])
  })

  test('labels that a .data file names', async () => {
    mkdirSync(path('data'))
    write('data/own.names', 'owl\n')
    write('own.data', 'classes= 1\ntrain = train.txt\nnames = data/own.names\n')
    expect(await labels({ names: path('own.data') })).toEqual(['owl'])
    write('far.names', 'far\n')
    write('far.data', 'names=nowhere/far.names')
    expect(await labels({ names: path('far.data') })).toEqual(['far'])
    write('bad.data', 'classes = 1\n')
    await expect(labels({ names: path('bad.data') })).rejects.toMatchObject({ code: 'E_DATA_LABELS' })
    write('lost.data', 'names = lost.names\n')
    await expect(labels({ names: path('lost.data') })).rejects.toMatchObject({ code: 'E_FILE_MISSING' })
  })

  test.each([
    [80, 'person', 'toothbrush', /80 classes, taken as those of COCO; else give --names/],
    [20, 'aeroplane', 'tvmonitor', /20 classes, taken as those of Pascal VOC/],
  ])(
    '%i classes without names are those of a known data set, and it is said',
    async (classes, first, last, said) => {
      const filters = 5 + classes
      write(
        'net.cfg',
        smallest.replace('filters=6', `filters=${filters}`).replace('classes=1', `classes=${classes}`),
      )
      // The first convolution has 14 numbers, the second a bias and two weights a filter.
      write('net.weights', join(header(), floatBytes(Array.from({ length: 14 + 3 * filters }, () => 0.1))))
      const lines: string[] = []
      const found = await labels({ report: (line: string) => lines.push(line) })
      expect([found.length, found[0], found.at(-1)]).toEqual([classes, first, last])
      expect(lines).toEqual([expect.stringMatching(said)])
    },
  )

  test.each([
    [
      'no weights',
      () => loadDarknet(path('none.weights'), { config: path('net.cfg') }),
      'E_FILE_MISSING: .*: no such file',
    ],
    [
      'no folder',
      () => loadDarknet(path('none/none.weights'), { config: path('net.cfg') }),
      'E_FILE_MISSING: .*: no such file',
    ],
    ['no cfg', () => loadDarknet(path('none.weights')), 'E_FILE_MISSING: .* needs its cfg'],
    ['no such cfg', () => labels({ config: path('none.cfg') }), 'E_FILE_MISSING: .*: no such file'],
    ['no such names', () => labels({ names: path('none.names') }), 'E_FILE_MISSING: .*: no such file'],
    ['a folder', () => labels({ config: folder }), 'E_FILE_READ: .* is a folder, not a file'],
    ['too few names', () => labels({ names: path('net.cfg') }), 'E_DATA_LABELS: .* line 5 is blank'],
  ])('%s', async (_, work, expected) => {
    expect(await refusal(work)).toMatch(new RegExp(`^${expected}`))
  })

  test('the size is looked at before the file is read', async () => {
    write('net.cfg', ' '.repeat(limits.cfgBytes + 1))
    expect(await refusal(labels)).toMatch(
      /^E_FILE_TOO_LARGE: .*net\.cfg has 1048577 bytes, more than 1048576/,
    )
  })
})
