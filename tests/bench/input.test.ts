import { describe, expect, it } from 'vitest'
import { agreement } from '../../bench/agreement.js'
import { interleaved, planar, quantized, testInput, testPicture } from '../../bench/input.js'
import { tinyModel } from '../helpers/models.js'
import { everyLayer } from '../readers/tiny.js'

describe('inputs', () => {
  it('are planes for ONNX, and pixels again', () => {
    const shape = [1, 2, 2, 3]
    const pixels = Float32Array.of(1, 10, 100, 2, 20, 200, 3, 30, 300, 4, 40, 400)
    const planes = planar(pixels, shape)
    expect([...planes]).toEqual([1, 2, 3, 4, 10, 20, 30, 40, 100, 200, 300, 400])
    expect(interleaved(planes, shape)).toEqual(pixels)
    expect(planar(Uint8Array.of(1, 2, 3), [1, 3])).toEqual(Uint8Array.of(1, 2, 3))
  })

  it('are a picture, normalised as the network wants it', () => {
    const { graph } = tinyModel(everyLayer, 1)
    const mean = [0.5, 0.25, 0] as const
    const std = [0.5, 1, 2] as const
    const input = graph.tensors[0]
    const plain = testInput(graph, input)
    const found = testInput({ ...graph, preprocessing: { ...graph.preprocessing!, mean, std } }, input)
    expect(found).toHaveLength(29 * 37 * 3)
    for (const i of [0, 1, 2, 500, 3000]) {
      expect(found[i]).toBeCloseTo((plain[i] - mean[i % 3]) / std[i % 3], 5)
    }
  })

  it('are noise where the network takes no picture, the same each time', () => {
    const { graph } = tinyModel(everyLayer, 1)
    const latent = { name: 'z', shape: [1, 1, 1, 1000], dtype: 'float32' } as const
    const found = testInput({ ...graph, preprocessing: undefined }, latent)
    const mean = found.reduce((a, b) => a + b, 0) / 1000
    const deviation = Math.sqrt(found.reduce((a, b) => a + (b - mean) ** 2, 0) / 1000)
    expect(Math.abs(mean)).toBeLessThan(0.1)
    expect(deviation).toBeCloseTo(1, 1)
    expect(testInput({ ...graph, preprocessing: undefined }, latent)).toEqual(found)
  })

  it('of four channels are opaque frames', () => {
    const frame = testPicture(2, 3, 4)
    expect([3, 7, 11, 15, 19, 23].map((i) => frame[i])).toEqual([255, 255, 255, 255, 255, 255])
  })

  it('are quantised to the nearest step, and clamped', () => {
    expect([...quantized(Float32Array.of(0, 0.26, -100, 100), { scale: 0.5, zeroPoint: -3 })]).toEqual([
      -3, -2, -128, 127,
    ])
  })
})

describe('agreement', () => {
  const values = (...v: number[]) => new Map([['head', Float32Array.from(v)]])

  it('is a ratio of signal to noise', () => {
    const found = agreement(values(3, 4), values(3, 4.5))
    expect(found?.decibels).toBeCloseTo(20, 6)
    expect(found).toMatchObject({ largestDifference: 0.5, largestValue: 4 })
  })

  it('is null decibels between equals', () => {
    expect(agreement(values(1, 2), values(1, 2))?.decibels).toBeNull()
  })

  it.each([
    ['another length', values(1)],
    ['another name', new Map([['tail', Float32Array.of(1, 2)]])],
    ['no number', values(1, Number.NaN)],
  ])('is none with %s', (_, other) => {
    expect(agreement(values(1, 2), other)).toBeUndefined()
  })

  it('is none of nothing', () => {
    expect(agreement(new Map(), new Map())).toBeUndefined()
  })
})
