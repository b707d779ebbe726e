import { describe, expect, it } from 'vitest'
import { OcellusError } from '../../src/host/errors.js'
import type { Pixels } from '../../src/host/image/pixels.js'
import { Histogram } from '../../tools/quantize/calibrate/histogram.js'
import { Likeness } from '../../tools/quantize/calibrate/likeness.js'
import { noiseWarnings, rangeWarnings, sampleWarnings } from '../../tools/quantize/report/warnings.js'
import { holdBack, Samples } from '../../tools/quantize/samples.js'
import { randomizer } from '../readers/tiny.js'

const latents = (count: number): Float32Array[] => Array.from({ length: count }, (_, i) => Float32Array.of(i))

describe('holdBack', () => {
  it.each([
    [128, 16, 12],
    [20, 16, 2],
    [1000, 16, 16],
    [10, 16, 1],
  ])('keeps a tenth of %i, at most %i, apart from the rest', (count, most, want) => {
    const given = latents(count)
    const { calibrate, held } = holdBack(given, most)
    expect(held.length).toBe(want)
    expect(calibrate.length).toBe(count - want)
    expect(new Set([...calibrate, ...held])).toEqual(new Set(given))
  })

  it('spares none of fewer than ten', () => {
    expect(holdBack(latents(9), 16)).toMatchObject({ held: [], calibrate: latents(9) })
  })
})

describe('Samples', () => {
  const photo: Pixels = { data: new Uint8ClampedArray(4), width: 1, height: 1 }
  const broken =
    (name: string, code: 'E_IMAGE_FORMAT' | 'E_OPTION' = 'E_IMAGE_FORMAT') =>
    async () => {
      throw new OcellusError(code, name)
    }

  it('leaves a damaged photo out once, and goes on', async () => {
    const dropped: string[] = []
    const samples = new Samples([async () => photo, broken('b.jpg'), async () => photo], ({ message }) =>
      dropped.push(message),
    )
    for (const left of [3, 2]) {
      let shown = 0
      const progress: number[] = []
      await samples.each(
        () => shown++,
        (done, total) => progress.push(done, total),
      )
      expect(shown).toBe(2)
      expect(progress.slice(-2)).toEqual([left, left])
    }
    expect(dropped).toEqual(['b.jpg'])
    expect(samples.size).toBe(2)
  })

  it('fails with the error of the last where none can be read', async () => {
    const all = new Samples([broken('a.jpg'), broken('b.jpg')])
    await expect(all.each(() => {})).rejects.toMatchObject({ code: 'E_IMAGE_FORMAT', message: 'b.jpg' })
  })

  it('does not go on after what is no fault of a photo', async () => {
    const all = new Samples([broken('a', 'E_OPTION'), async () => photo])
    await expect(all.each(() => {})).rejects.toMatchObject({ code: 'E_OPTION' })
  })
})

describe('Likeness', () => {
  const shape = [1, 24, 32, 3]
  const random = randomizer(5)
  /** A picture of four by three patches of random colours, with noise of this height. */
  function picture(noise = 0, colours = Array.from({ length: 36 }, () => random() + 0.5)): Float32Array {
    return Float32Array.from({ length: 24 * 32 * 3 }, (_, i) => {
      const [y, x] = [Math.floor(i / 96), Math.floor((i % 96) / 3)]
      return colours[(Math.floor(y / 8) * 4 + Math.floor(x / 8)) * 3 + (i % 3)] + noise * random()
    })
  }

  it('tells different pictures from those of one scene', () => {
    const different = new Likeness(1)
    for (let i = 0; i < 20; i++) different.add(picture(), shape)
    expect(different).toMatchObject({ total: 20, alike: 0, flat: 0 })

    const scene = Array.from({ length: 36 }, () => random() + 0.5)
    const same = new Likeness(1)
    for (let i = 0; i < 20; i++) same.add(picture(0.1, scene), shape)
    expect(same).toMatchObject({ total: 20, alike: 19, flat: 0 })
  })

  it('counts pictures of one colour', () => {
    const flat = new Likeness(1)
    flat.add(new Float32Array(24 * 32 * 3), shape)
    flat.add(new Float32Array(24 * 32 * 3).fill(0.5), shape)
    expect(flat).toMatchObject({ total: 2, alike: 0, flat: 2 })
  })

  it('looks at no vectors', () => {
    const vectors = new Likeness()
    vectors.add(new Float32Array(100), [1, 1, 1, 100])
    vectors.add(new Float32Array(100), [100])
    expect(vectors.total).toBe(0)
  })
})

describe('warnings', () => {
  const likeness = (total: number, alike: number, flat: number): Likeness =>
    Object.assign(new Likeness(1), { total, alike, flat })

  it('of samples: too few, alike, of one colour; nothing where all is well', () => {
    expect(sampleWarnings('photos', 32, true, likeness(32, 3, 1))).toEqual([])
    expect(sampleWarnings('photos', 31, true, likeness(31, 0, 0))).toEqual([
      expect.stringMatching(/^fewer than 32 photos \(31\)(?!.*same photos).*; calibrate on more/),
    ])
    expect(sampleWarnings('photos', 3, false, likeness(3, 0, 0))).toEqual([
      expect.stringContaining('noise is measured on the same photos'),
    ])
    expect(sampleWarnings('photos', 40, true, likeness(40, 39, 0))).toEqual([
      expect.stringMatching(/^39 of 40 photos look like others/),
    ])
    expect(sampleWarnings('photos', 40, true, likeness(40, 39, 40))).toEqual([
      expect.stringMatching(/^40 of 40 photos show a single colour/),
    ])
  })

  const histogram = (values: Float32Array): Histogram => {
    const made = new Histogram()
    made.add(values)
    return made
  }
  const random = randomizer(9)
  const bulk = Float32Array.from({ length: 100_000 }, () => random())

  it('of ranges: dead, exploding, and neither', () => {
    const spiked = bulk.slice()
    spiked[7] = 1000
    const ranges = new Map([
      ['fine', histogram(bulk)],
      ['sparse', histogram(bulk.map((v, i) => (i % 100 === 0 ? v : 0)))],
      ['dead', histogram(new Float32Array(100))],
      ['stuck', histogram(new Float32Array(100).fill(0.25))],
      ['spiked', histogram(spiked)],
      ['huge', histogram(bulk.map((v) => v * 1e8))],
    ])
    const [dead, exploding, ...more] = rangeWarnings(ranges)
    expect(more).toEqual([])
    expect(dead).toMatch(/^2 layers have dead ranges[^:]*: dead, stuck; check/)
    expect(exploding).toMatch(
      /^2 layers have exploding ranges: spiked \(up to 1000\), huge \(up to [\d]+\); /,
    )
  })

  it('of noise: the worst layers first, and what to do', () => {
    const layers = [12, 4, Number.POSITIVE_INFINITY, -3, 9.9, 10].map((decibels, i) => ({
      name: `l${i}`,
      op: 'conv',
      decibels,
    }))
    expect(noiseWarnings(layers)).toEqual([
      expect.stringMatching(
        /^3 layers have less than 10 dB.*: l3 \(-3\.0 dB\), l1 \(4\.0 dB\), l4 \(9\.9 dB\); .*--float/,
      ),
    ])
    expect(noiseWarnings(layers.slice(0, 1))).toEqual([])
  })
})
