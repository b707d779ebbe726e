import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { embeddedDetector } from '../../src/host/platform/node/models.js'
import { Autoencoder, Detector, type ImageSource } from '../../src/host/platform/node.js'
import { readMae } from '../../tools/quantize/readers/mae.js'
import { Random } from '../helpers/kernel.js'
import { checkpointOf, maeWeights } from '../helpers/mae.js'

const random = new Random(9)
const noise = (width: number, height: number) => ({
  width,
  height,
  data: Uint8ClampedArray.from({ length: width * height * 4 }, () => random.bits() >> 24),
})

const photo = new URL('../../samples/cat.jpg', import.meta.url)
let autoencoder: Autoencoder
beforeAll(async () => {
  autoencoder = await Autoencoder.create()
})
afterAll(() => autoencoder.close())

describe('reconstruct', () => {
  it('hides three quarters of a photo and draws them', async () => {
    const result = await autoencoder.reconstruct(photo)
    expect(result.grid).toEqual({ rows: 8, columns: 8 })
    expect(result.visible).toHaveLength(16)
    for (const picture of [result.original, result.masked, result.restored, result.predicted]) {
      expect([picture.width, picture.height, picture.data.length]).toEqual([64, 64, 64 * 64 * 4])
    }
    const seen = new Set(result.visible)
    for (let p = 0; p < 64 * 64; p++) {
      const place = Math.floor(p / 64 / 8) * 8 + Math.floor((p % 64) / 8)
      for (let c = 0; c < 3; c++) {
        const [original, masked, restored] = [result.original, result.masked, result.restored].map(
          ({ data }) => data[p * 4 + c],
        )
        expect(masked).toBe(seen.has(place) ? original : 128)
        if (seen.has(place)) expect(restored).toBe(original)
      }
    }
    expect(result.maskedPsnr).toBeGreaterThan(15)
    expect(result.maskedPsnr).toBeCloseTo(-10 * Math.log10(result.maskedMse), 9)
  })

  it('sees the picture as it is when it has the right size', async () => {
    const picture = noise(64, 64)
    const { original } = await autoencoder.reconstruct(picture, { ratio: 0.5 })
    expect(original.data.filter((_, n) => n % 4 < 3)).toEqual(picture.data.filter((_, n) => n % 4 < 3))
  })

  it('takes any ratio, one after the other, and gives the same for the same seed', async () => {
    const picture = noise(90, 70)
    const first = await autoencoder.reconstruct(picture, { ratio: 0.75, seed: 4 })
    for (const [ratio, visible] of [
      [0.05, 60],
      [0.5, 32],
      [0.95, 3],
    ]) {
      for (const kind of ['random', 'block', 'grid'] as const) {
        const result = await autoencoder.reconstruct(picture, { ratio, kind })
        expect(result.visible).toHaveLength(visible)
      }
    }
    const again = await autoencoder.reconstruct(picture, { ratio: 0.75, seed: 4 })
    expect(again.values).toEqual(first.values)
    expect((await autoencoder.reconstruct(picture, { seed: 5 })).visible).not.toEqual(first.visible)
  })

  it('takes a picture as a mask', async () => {
    const picture = noise(64, 64)
    const mask = { width: 64, height: 64, data: new Uint8ClampedArray(64 * 64 * 4).fill(255) }
    for (let p = 0; p < 64 * 32; p++) mask.data.fill(0, p * 4, p * 4 + 3)
    const { visible } = await autoencoder.reconstruct(picture, { mask })
    expect(visible).toEqual(Array.from({ length: 32 }, (_, n) => n))
  })

  it.each<[string, object, string]>([
    ['a ratio of 0', { ratio: 0 }, 'E_OPTION'],
    ['a ratio of 1', { ratio: 1 }, 'E_OPTION'],
    ['a seed that is no whole number', { seed: 0.5 }, 'E_OPTION'],
    ['a mask of another size', { mask: noise(32, 64) }, 'E_OPTION'],
    ['a patch twice', { visible: [1, 1] }, 'E_OPTION'],
    ['a patch beyond the last', { visible: [64] }, 'E_OPTION'],
    ['no patch', { visible: [] }, 'E_OPTION'],
    ['all patches', { visible: Array.from({ length: 64 }, (_, n) => n) }, 'E_OPTION'],
    ['work that is stopped', { signal: AbortSignal.abort() }, 'E_ABORTED'],
  ])('refuses %s, and works on', async (_, options, code) => {
    await expect(autoencoder.reconstruct(noise(64, 64), options)).rejects.toMatchObject({ code })
    expect((await autoencoder.reconstruct(noise(64, 64))).visible).toHaveLength(16)
  })

  it.each([
    ['a path to nothing', 'no/such.png', 'E_FILE_MISSING'],
    ['bytes that are no picture', new Uint8Array([1, 2, 3]), 'E_IMAGE_FORMAT'],
    ['pixels of another length', { width: 3, height: 3, data: new Uint8Array(5) }, 'E_IMAGE_INPUT'],
    ['nothing', undefined, 'E_IMAGE_INPUT'],
  ])('refuses %s', async (_, image, code) => {
    await expect(autoencoder.reconstruct(image as ImageSource)).rejects.toMatchObject({ code })
  })
})

describe('encode', () => {
  it('gives a vector of the class token, of the mean, or all tokens', async () => {
    const picture = noise(64, 64)
    const all = await autoencoder.encode(picture, { pool: 'none' })
    expect(all.shape).toEqual([65, 192])
    const first = await autoencoder.encode(picture)
    expect(first.shape).toEqual([192])
    expect(first.data).toEqual(all.data.slice(0, 192))
    const mean = await autoencoder.encode(picture, { pool: 'mean' })
    for (const c of [0, 100, 191]) {
      let sum = 0
      for (let t = 1; t < 65; t++) sum += all.data[t * 192 + c]
      expect(mean.data[c]).toBeCloseTo(sum / 64, 5)
    }
  })

  it('works between reconstructions', async () => {
    const picture = noise(64, 64)
    const before = await autoencoder.encode(picture)
    await autoencoder.reconstruct(picture, { ratio: 0.9 })
    expect((await autoencoder.encode(picture)).data).toEqual(before.data)
  })

  it('tells similar pictures from others', async () => {
    const cat = await autoencoder.encode(photo)
    const mirrored = await autoencoder.reconstruct(photo)
    const near = await autoencoder.encode(mirrored.original)
    const far = await autoencoder.encode(noise(64, 64))
    const angle = (a: Float32Array, b: Float32Array): number => {
      const dot = (x: Float32Array, y: Float32Array): number => x.reduce((sum, v, n) => sum + v * y[n], 0)
      return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
    }
    expect(angle(cat.data, near.data)).toBeGreaterThan(0.999)
    expect(angle(cat.data, far.data)).toBeLessThan(0.95)
  })
})

describe('models', () => {
  test('an encoder alone encodes and restores nothing', async () => {
    const model = await readMae(await checkpointOf(maeWeights(1)), { encoderOnly: true })
    const encoder = await Autoencoder.create({ model })
    expect((await encoder.encode(noise(6, 6))).shape).toEqual([128])
    await expect(encoder.reconstruct(noise(6, 6))).rejects.toMatchObject({ code: 'E_MODEL_TASK' })
    encoder.close()
  })

  test('one trained on normalised patches restores pictures within range', async () => {
    const model = await readMae(await checkpointOf(maeWeights(1)), { normalizedPatches: true })
    const own = await Autoencoder.create({ model })
    const { values } = await own.reconstruct(noise(6, 6), { ratio: 0.5 })
    expect(values.every((v) => v >= 0 && v <= 1)).toBe(true)
    own.close()
  })

  test('a detector is no autoencoder, nor the other way round', async () => {
    await expect(Autoencoder.create({ model: embeddedDetector })).rejects.toMatchObject({
      code: 'E_MODEL_TASK',
    })
    const model = await readMae(await checkpointOf(maeWeights(1)))
    await expect(Detector.create({ model })).rejects.toMatchObject({ code: 'E_MODEL_TASK' })
  })

  test('a closed one says so', async () => {
    const closed = await Autoencoder.create()
    closed.close()
    closed.close()
    await expect(closed.reconstruct(noise(64, 64))).rejects.toMatchObject({ code: 'E_SESSION_CLOSED' })
    await expect(closed.encode(noise(64, 64))).rejects.toMatchObject({ code: 'E_SESSION_CLOSED' })
  })
})
