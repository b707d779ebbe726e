import { describe, expect, it } from 'vitest'
import '../../src/host/platform/node.js'
import type { Pixels } from '../../src/host/image/pixels.js'
import { parseRanges, type Ranges, writeRanges } from '../../tools/quantize/calibrate/ranges.js'
import { quantizeModel } from '../../tools/quantize/quantize.js'
import { readDarknet } from '../../tools/quantize/readers/darknet.js'
import { codeOf, codeOfAsync } from '../helpers/code-of.js'
import { randomizer, randomWeights } from '../readers/tiny.js'

const hash = 'a'.repeat(64)
const layer = (lines: string): string => `\n[convolutional]\n${lines}\nsize=3\npad=1\n`
const cfg = `[net]
width=37
height=29
channels=3
${layer('filters=8\nbatch_normalize=1\nactivation=leaky')}
${layer('filters=8\ngroups=8\nactivation=relu')}
${layer('filters=12\nactivation=swish')}
${layer('filters=6\nactivation=linear')}
[yolo]
anchors=10,14
classes=1
`
const model = readDarknet({
  cfg: { text: cfg, file: 'x.cfg' },
  weights: { bytes: randomWeights(cfg, 7), file: 'x.weights' },
})
const random = randomizer(2)
const photos = Array.from({ length: 4 }, (): (() => Promise<Pixels>) => {
  const data = Uint8ClampedArray.from({ length: 37 * 29 * 4 }, (_, i) =>
    i % 4 === 3 ? 255 : 256 * (random() + 0.5),
  )
  return async () => ({ width: 37, height: 29, data })
})
const options = {
  ...({ method: 'lp', percentile: 99.99, reduceRange: false } as const),
  ...{ biasCorrection: true, equalize: true, compare: 2 },
  session: { build: 'simd', threads: 1 },
} as const

describe('ranges', () => {
  it('quantise the same weights again, without samples, to the same bytes', async () => {
    const first = await quantizeModel(model, photos, options)
    const ranges = parseRanges(writeRanges(first.ranges, hash), 'r.json')
    expect(ranges).toMatchObject({ weights: hash, samples: 4 })
    for (const part of ['scales', 'factors', 'means'] as const)
      expect(ranges[part]).toEqual(first.ranges[part])
    expect(ranges.factors.size).toBeGreaterThan(0)

    const again = await quantizeModel(model, photos, { ...options, ranges })
    expect(again).toMatchObject({ calibrated: 4, compared: 2, heldBack: true })
    const alone = await quantizeModel(model, [], { ...options, ranges })
    expect(alone.layers).toEqual([])
    expect(alone.model).toEqual(again.model)
    expect(again.model).toEqual(first.model)
  })

  it('of another network are refused', async () => {
    const { ranges } = await quantizeModel(model, photos, options)
    const [[tensor, means]] = ranges.means
    const others: Ranges[] = [
      { ...ranges, scales: new Map() },
      { ...ranges, factors: new Map([['nothing', Float64Array.of(1)]]) },
      { ...ranges, means: new Map([[tensor, means.slice(1)]]) },
      { ...ranges, means: new Map([['nothing', means]]) },
    ]
    for (const other of others)
      expect(await codeOfAsync(() => quantizeModel(model, [], { ...options, ranges: other }))).toBe(
        'E_OPTION',
      )
  })

  const good = { version: 1, weights: hash, samples: 1, scales: {}, factors: {}, means: {} }
  it.each<[string, unknown]>([
    ['text', 'x'],
    ['a list', []],
    ['another version', { ...good, version: 2 }],
    ['no hash', { ...good, weights: 'x' }],
    ['no samples', { ...good, samples: 0 }],
    ['a scale of 0', { ...good, scales: { a: [0, 0] } }],
    ['a zero point beyond int8', { ...good, scales: { a: [1, 300] } }],
    ['factors of 0', { ...good, factors: { a: [0, 'AAAA'] } }],
    ['means that are no text', { ...good, means: { a: [1, 5] } }],
    ['a triple', { ...good, means: { a: [1, '', 2] } }],
  ])('%s: no file of ranges', (_, content) => {
    const text = typeof content === 'string' ? content : JSON.stringify(content)
    expect(codeOf(() => parseRanges(text, 'r.json'))).toBe('E_CALIBRATION_RANGES')
    expect(codeOf(() => parseRanges(JSON.stringify(good), 'r.json'))).toBe('none')
  })
})
