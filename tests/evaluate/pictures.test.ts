import { describe, expect, it } from 'vitest'
import { latentOf } from '../../src/host/tasks/generation/latent.js'
import { frechetDistance, gaussianOf } from '../../tools/evaluate/frechet.js'
import { meanSquaredError, psnr, ssim } from '../../tools/evaluate/similarity.js'

describe('the Frechet distance', () => {
  it('of diagonal normal distributions is what the formula gives for each axis', () => {
    const of = (mean: number[], variance: number[]) => ({
      mean: Float64Array.from(mean),
      covariance: Float64Array.from({ length: 9 }, (_, i) => (i % 4 === 0 ? variance[i / 4] : 0)),
    })
    const [a, b] = [of([0, 1, 2], [1, 4, 9]), of([1, 1, 0], [4, 4, 1])]
    // (0 - 1)^2 + (2 - 0)^2 + (1 - 2)^2 + 0 + (3 - 1)^2
    expect(frechetDistance(a, b)).toBeCloseTo(10, 9)
    expect(frechetDistance(a, a)).toBeCloseTo(0, 9)
  })

  it('of correlated ones that do not commute: 2x2, by hand', () => {
    const a = { mean: new Float64Array(2), covariance: Float64Array.of(2, 1, 1, 2) }
    const b = { mean: new Float64Array(2), covariance: Float64Array.of(3, 0, 0, 1) }
    // tr sqrt(AB) = sqrt(tr AB + 2 sqrt(det AB)) for 2x2: tr AB = 8, det = 9.
    expect(frechetDistance(a, b)).toBeCloseTo(4 + 4 - 2 * Math.sqrt(8 + 2 * 3), 9)
  })

  it('falls as samples of one distribution grow', () => {
    const sample = (seed: number, count: number) =>
      gaussianOf(Array.from({ length: count }, (_, n) => latentOf(seed + n, 8)))
    expect(frechetDistance(sample(1, 2000), sample(10_000, 2000))).toBeLessThan(0.05)
    expect(frechetDistance(sample(1, 40), sample(10_000, 40))).toBeGreaterThan(0.05)
  })
})

describe('similarity', () => {
  const picture = (f: (i: number) => number) => ({
    height: 16,
    width: 16,
    channels: 1,
    data: Float32Array.from({ length: 256 }, (_, i) => f(i)),
  })

  it('psnr of a constant difference', () => {
    expect(psnr(meanSquaredError(Float32Array.of(0, 0), Float32Array.of(0.1, 0.1)), 1)).toBeCloseTo(20, 4)
    expect(psnr(0, 1)).toBe(Number.POSITIVE_INFINITY)
  })

  it('ssim is 1 of a picture with itself, and what the formula gives of flat ones', () => {
    const noisy = picture((i) => ((i * 7919) % 256) / 255)
    expect(ssim(noisy, noisy, 1)).toBeCloseTo(1, 9)
    expect(
      ssim(
        picture(() => 0.2),
        picture(() => 0.4),
        1,
      ),
    ).toBeCloseTo((2 * 0.08 + 1e-4) / (0.04 + 0.16 + 1e-4), 5)
    expect(
      ssim(
        noisy,
        picture((i) => 1 - noisy.data[i]),
        1,
      ),
    ).toBeLessThan(0)
  })
})
