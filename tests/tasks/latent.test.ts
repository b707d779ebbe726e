import { describe, expect, it } from 'vitest'
import { acos, log, sin } from '../../src/host/tasks/generation/exact.js'
import { latentOf, meanOf, slerp } from '../../src/host/tasks/generation/latent.js'

describe('exact functions', () => {
  it.each([1e-300, 1e-9, 0.1, 0.5, 0.9999999, 1, 1.5, 2, 12345.678, 1e300])('log %d', (x) => {
    expect(Math.abs(log(x) - Math.log(x))).toBeLessThan(4e-16 * Math.max(1, Math.abs(Math.log(x))))
  })

  it('sin and acos from end to end', () => {
    for (let k = 0; k <= 1000; k++) {
      const x = (Math.PI * k) / 1000
      expect(Math.abs(sin(x) - Math.sin(x))).toBeLessThan(1e-15)
      const c = k / 500 - 1
      expect(Math.abs(acos(c) - Math.acos(c))).toBeLessThan(2e-15)
    }
  })
})

describe('a latent', () => {
  it('is these very numbers, everywhere', () => {
    const bits = (seed: number) => [...new Uint32Array(latentOf(seed, 6).buffer)].map((b) => b.toString(16))
    expect({ 0: bits(0), 1: bits(1), 4294967295: bits(4294967295) }).toMatchInlineSnapshot(`
      {
        "0": [
          "3df965cb",
          "3efca231",
          "bf09c6ac",
          "3fd67135",
          "bf653d98",
          "3ffce0be",
        ],
        "1": [
          "3e2c2ad3",
          "3f744bfa",
          "bedc779e",
          "c009bd6d",
          "c007474b",
          "3d2510ab",
        ],
        "4294967295": [
          "bfaf41c2",
          "3e5f1d7f",
          "becdc688",
          "3f06e12f",
          "3f6e9c44",
          "bedb1fad",
        ],
      }
    `)
  })

  it('is standard normal', () => {
    const values = latentOf(7, 200_000)
    const moment = (power: number) => values.reduce((sum, v) => sum + v ** power, 0) / values.length
    expect(moment(1)).toBeCloseTo(0, 1.5)
    expect(moment(2)).toBeCloseTo(1, 1.5)
    expect(moment(3)).toBeCloseTo(0, 1)
    expect(moment(4)).toBeCloseTo(3, 1)
    expect(values.filter((v) => Math.abs(v) < 1).length / values.length).toBeCloseTo(0.6827, 2)
  })

  it('stays within a truncation, and of any length has the same beginning', () => {
    const values = latentOf(3, 5000, 0.7)
    expect(Math.max(...values.map(Math.abs))).toBeLessThanOrEqual(0.7)
    expect([...latentOf(3, 9)]).toEqual([...latentOf(3, 5000).slice(0, 9)])
  })

  it.each([0, -1, 0.01, Number.NaN])('is refused a truncation of %d', (truncation) => {
    expect(() => latentOf(1, 4, truncation)).toThrow(expect.objectContaining({ code: 'E_OPTION' }))
  })

  it.each([-1, 0.5, 2 ** 32, Number.NaN])('is refused the seed %d', (seed) => {
    expect(() => latentOf(seed, 4)).toThrow(expect.objectContaining({ code: 'E_OPTION' }))
  })
})

describe('slerp', () => {
  const length = (v: Float32Array) => Math.sqrt(v.reduce((sum, x) => sum + x * x, 0))
  const [a, b] = [latentOf(1, 100), latentOf(2, 100)]

  it('begins and ends where it should, and keeps its length', () => {
    expect([...slerp(a, b, 0)]).toEqual([...a])
    expect([...slerp(a, b, 1)]).toEqual([...b])
    const middle = length(slerp(a, b, 0.5))
    expect(middle).toBeGreaterThan(Math.min(length(a), length(b)) * 0.98)
  })

  it('goes straight between latents of one direction', () => {
    expect([...slerp(Float32Array.of(1, 0), Float32Array.of(3, 0), 0.5)]).toEqual([2, 0])
    expect([...slerp(Float32Array.of(1, 0), Float32Array.of(-1, 0), 0.25)]).toEqual([0.5, 0])
  })

  it('mean of latents', () => {
    expect([...meanOf([Float32Array.of(1, 2), Float32Array.of(3, 4)])]).toEqual([2, 3])
  })
})
