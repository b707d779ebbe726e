import { readFileSync } from 'node:fs'
import { deflateSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { OcellusError } from '../../src/host/errors.js'
import type { Pixels } from '../../src/host/image/pixels.js'
import { decodeImage, encodeImage } from '../../src/host/platform/node/canvas.js'
import { codeOfAsync } from '../helpers/code-of.js'
import { mutations } from '../helpers/mutate.js'
import { chunk, exif, png, pngHeader, pngSignature, stored, withExif } from '../helpers/pictures.js'
import { ofAllKindsAsync } from '../helpers/variants.js'
import { canvases, restoreCanvas, useCanvas } from './canvases.js'
import { bmp, gif, joined, latin, segment } from './files.js'

restoreCanvas()

/** Red, green and blue, row by row. */
function rgb({ data }: Pixels): number[] {
  return [...data].filter((_, i) => i % 4 !== 3)
}

const verdict = (file: Uint8Array): Promise<string> =>
  ofAllKindsAsync(file, (bytes) => codeOfAsync(() => decodeImage(bytes, 'photo.jpg'), /^photo\.jpg/))

/** Every pixel differs, so that no mistake in place goes unseen. */
const width = 6
const height = 4
const pixel = (y: number, x: number): number[] => [40 * x, 60 * y, 255 - 30 * x - 20 * y]
const rows = Array.from({ length: height }, (_, y) => Array.from({ length: width }, (_, x) => pixel(y, x)))
const samples = rows.flat(2)

const samplePhoto = (): Uint8Array => readFileSync(new URL('../../samples/cat.jpg', import.meta.url))

describe.each(canvases)('%s', (word) => {
  const decoding = (name: string, work: () => Promise<void>) =>
    test(name, async (context) => {
      useCanvas(context, word)
      await work()
    })

  decoding('an RGB PNG gives its values', async () => {
    const pixels = await decodeImage(png(width, height, samples, { colourType: 2 }), 'm')
    expect([pixels.width, pixels.height]).toEqual([width, height])
    expect(rgb(pixels)).toEqual(samples)
  })

  decoding('grey, of 1, 8 and 16 bits', async () => {
    const grey = [0, 17, 128, 255]
    const spread = grey.flatMap((v) => [v, v, v])
    expect(rgb(await decodeImage(png(2, 2, grey, { colourType: 0 }), 'm'))).toEqual(spread)
    const wide = grey.map((v) => v * 257)
    expect(rgb(await decodeImage(png(2, 2, wide, { colourType: 0, depth: 16 }), 'm'))).toEqual(spread)
    const bits = await decodeImage(png(2, 2, [0, 1, 1, 0], { colourType: 0, depth: 1 }), 'm')
    expect(rgb(bits)).toEqual([0, 255, 255, 0].flatMap((v) => [v, v, v]))
  })

  decoding('16 bits of colour, rounded or cut to 8', async () => {
    const wide = samples.map((v) => v * 257)
    expect(rgb(await decodeImage(png(width, height, wide, { colourType: 2, depth: 16 }), 'm'))).toEqual(
      samples,
    )
    const between = await decodeImage(png(1, 1, [0x1280, 0x12ff, 0x7f01], { colourType: 2, depth: 16 }), 'm')
    const off = rgb(between).map((v, i) => v - [0x12, 0x12, 0x7f][i])
    expect(Math.max(...off.map(Math.abs))).toBeLessThanOrEqual(1)
  })

  decoding('a palette', async () => {
    const before = [chunk('PLTE', Uint8Array.of(1, 2, 3, 250, 251, 252))]
    const pixels = await decodeImage(png(2, 1, [1, 0], { colourType: 3, before }), 'm')
    expect(rgb(pixels)).toEqual([250, 251, 252, 1, 2, 3])
  })

  decoding('alpha: opaque pixels exactly, others as far as a canvas keeps them', async () => {
    const rgba = [200, 100, 50, 255, 200, 100, 50, 128, 200, 100, 50, 0]
    const { data } = await decodeImage(png(3, 1, rgba, { colourType: 6 }), 'm')
    expect([...data.subarray(0, 4)]).toEqual([200, 100, 50, 255])
    const half = [...data.subarray(4, 8)].map((v, i) => Math.abs(v - rgba[4 + i]))
    expect(Math.max(...half)).toBeLessThanOrEqual(2)
    expect(data[11]).toBe(0)
    const grey = await decodeImage(png(2, 1, [90, 255, 10, 255], { colourType: 4 }), 'm')
    expect(rgb(grey)).toEqual([90, 90, 90, 10, 10, 10])
  })

  decoding('1 x N and N x 1', async () => {
    for (const [w, h] of [
      [1, 1],
      [1, 300],
      [300, 1],
      [16384, 1],
      [1, 16384],
    ]) {
      const row = Array.from({ length: w * h * 3 }, (_, i) => (i * 7) % 256)
      const pixels = await decodeImage(png(w, h, row, { colourType: 2 }), 'm')
      expect([pixels.width, pixels.height]).toEqual([w, h])
      expect(Buffer.compare(Buffer.from(rgb(pixels)), Buffer.from(row))).toBe(0)
    }
  })

  decoding('all eight orientations of a JPEG come out upright, once', async () => {
    // 8 by 8 blocks of one colour each: the compression changes them little.
    const large = Array.from({ length: height * 8 }, (_, y) =>
      Array.from({ length: width * 8 }, (_, x) => [...pixel(y >> 3, x >> 3), 255]),
    )
    for (const orientation of [1, 2, 3, 4, 5, 6, 7, 8]) {
      const held = stored(large, orientation)
      const data = Uint8Array.from(held.flat(2))
      const file = await encodeImage({ width: held[0].length, height: held.length, data }, 'm.jpg')
      const pixels = await decodeImage(withExif(file, orientation), 'm')
      expect([pixels.width, pixels.height], `${orientation}`).toEqual([width * 8, height * 8])
      const centres = rows.flatMap((row, y) =>
        row.flatMap((_, x) => {
          const at = 4 * ((y * 8 + 4) * width * 8 + x * 8 + 4)
          return [...pixels.data.subarray(at, at + 3)]
        }),
      )
      const worst = Math.max(...centres.map((v, i) => Math.abs(v - samples[i])))
      expect(worst, `orientation ${orientation}`).toBeLessThan(40)
    }
  })

  decoding('all eight orientations of a PNG', async () => {
    for (const orientation of [1, 2, 3, 4, 5, 6, 7, 8]) {
      const held = stored(rows, orientation)
      const before = [chunk('eXIf', exif(orientation))]
      const file = png(held[0].length, held.length, held.flat(2), { colourType: 2, before })
      expect(rgb(await decodeImage(file, 'm')), `orientation ${orientation}`).toEqual(samples)
    }
  })

  decoding('gamma and chromaticity are not applied', async () => {
    const before = [chunk('gAMA', Uint8Array.of(0, 1, 134, 160))]
    expect(rgb(await decodeImage(png(width, height, samples, { colourType: 2, before }), 'm'))).toEqual(
      samples,
    )
  })

  decoding('a profile of a JPEG is not looked at', async () => {
    const file = await encodeImage({ width: 1, height: 1, data: Uint8Array.of(200, 100, 50, 255) }, 'm.jpg')
    const profile = segment(0xe2, 'ICC_PROFILE\0\x01\x01 no profile at all')
    const changed = joined(file.subarray(0, 2), profile, file.subarray(2))
    expect(await decodeImage(changed, 'm')).toEqual(await decodeImage(file, 'm'))
  })

  decoding('BMP, from the bottom up and from the top down', async () => {
    for (const h of [3, -3]) {
      const pixels = await decodeImage(bmp(5, h), 'm')
      expect([pixels.width, pixels.height]).toEqual([5, 3])
      expect(rgb(pixels)).toEqual(new Array(45).fill(7))
    }
  })

  decoding('GIF, with its rows in order', async () => {
    const colours = [
      [0, 0, 0],
      [255, 0, 0],
      [0, 255, 0],
      [0, 0, 255],
    ]
    // Rows of 12 of one colour each; interlaced, they are stored 0, 8, 4, 2, 6, 10, 1, 3, ...
    const row = (y: number) => [y % 4, (y >> 1) % 4]
    const plain = Array.from({ length: 12 }, (_, y) => y)
    const passes = [0, 8, 4, 2, 6, 10, 1, 3, 5, 7, 9, 11]
    const expected = plain.flatMap(row).flatMap((i) => colours[i])
    const progressive = gif(2, 12, { indices: plain.flatMap(row) })
    expect(rgb(await decodeImage(progressive, 'm'))).toEqual(expected)
    const interlaced = gif(2, 12, { indices: passes.flatMap(row), interlaced: true })
    // node-canvas would put the rows in the wrong order, so it is not asked.
    if (word === 'canvas') expect(await verdict(interlaced)).toBe('E_IMAGE_FORMAT')
    else expect(rgb(await decodeImage(interlaced, 'm'))).toEqual(expected)
  })

  decoding('a JPEG cut anywhere', async () => {
    const photo = samplePhoto()
    for (let at = 1; at < 40; at++) {
      const n = Math.floor((photo.length * at) / 40)
      expect(await verdict(photo.subarray(0, n)), `${n} bytes`).toBe('E_IMAGE_TRUNCATED')
    }
    expect(await verdict(photo.subarray(0, photo.length - 1))).toBe('E_IMAGE_TRUNCATED')
    expect(await verdict(joined(photo, latin('trailing bytes')))).toBe('none')
  })

  decoding('a picture of many strips, held in each way', async () => {
    // Several strips, the last one shorter than the others; every pixel of it tells its place.
    const [wide, high] = [601, 499]
    const row = (y: number) =>
      Array.from({ length: wide }, (_, x) => [x & 255, y & 255, (x >> 8) * 16 + (y >> 8)])
    const rows = Array.from({ length: high }, (_, y) => row(y))
    for (const orientation of [1, 2, 3, 4, 5, 6, 7, 8] as const) {
      const held = stored(rows, orientation)
      const before = [chunk('eXIf', exif(orientation))]
      const [columns, lines] = [held[0].length, held.length]
      const file = png(columns, lines, held.flat(2), { colourType: 2, before })
      const pixels = await decodeImage(file, 'm')
      expect([pixels.width, pixels.height]).toEqual([wide, high])
      const wrong = pixels.data.findIndex(
        (value, n) => n % 4 !== 3 && value !== rows[Math.floor(n / 4 / wide)][(n >> 2) % wide][n % 4],
      )
      expect(wrong, `orientation ${orientation}`).toBe(-1)
    }
  })

  decoding('translucent strips show nothing of those before them', async () => {
    const [wide, high] = [640, 512]
    const values = Array.from({ length: wide * high }, (_, n) =>
      n < (wide * high) / 2 ? [200, 100, 50, 255] : [0, 0, 0, 0],
    )
    const { data } = await decodeImage(png(wide, high, values.flat(), { colourType: 6 }), 'm')
    expect([...data.subarray(data.length - 4)].slice(0, 3)).toEqual([0, 0, 0])
    expect([...data.subarray(0, 3)]).toEqual([200, 100, 50])
  })

  decoding('drawn in strips, a large picture comes back as it was', async () => {
    const [wide, high] = [601, 499]
    const data = Uint8Array.from({ length: wide * high * 4 }, (_, n) => (n * 2654435761) >>> 24)
    const back = await decodeImage(await encodeImage({ width: wide, height: high, data }, 'm.png'), 'm')
    expect(back.data.findIndex((value, n) => value !== (n % 4 === 3 ? 255 : data[n]))).toBe(-1)
  })

  decoding('a PNG whose pixels end early', async () => {
    const code = await verdict(png(width, height, samples, { colourType: 2, missing: 30 }))
    expect(['E_IMAGE_TRUNCATED', 'E_IMAGE_FORMAT']).toContain(code)
    const header = joined(latin(pngSignature), pngHeader(6, 4, 2))
    const noise = joined(header, chunk('IDAT', latin('no deflate stream')), chunk('IEND'))
    expect(['E_IMAGE_TRUNCATED', 'E_IMAGE_FORMAT']).toContain(await verdict(noise))
  })

  decoding('mutations never end in anything but an OcellusError or pixels', async () => {
    const small = await encodeImage({ width: 9, height: 7, data: new Uint8Array(252).fill(99) }, 'm.jpg')
    for (const file of [small, png(width, height, samples, { colourType: 2 }), gif(4, 4), bmp(4, 4)]) {
      for (const mutated of mutations(file, 150, 5)) {
        try {
          const { width, height, data } = await decodeImage(mutated, 'm')
          expect(data.length).toBe(width * height * 4)
        } catch (error) {
          if (!(error instanceof OcellusError)) throw error
          expect(error.message).not.toContain('\n')
        }
      }
    }
  })
})

/**
 * Written by libwebp, lossless: a red and a blue pixel; the same with EXIF's orientation 6; an
 * animation of red and blue.
 */
const webps = {
  plain: 'UklGRh4AAABXRUJQVlA4TBEAAAAvAQAAAA8Q87//8x8OMqL/AQA=',
  turned:
    'UklGRlIAAABXRUJQVlA4WAoAAAAIAAAAAQAAAAAAVlA4TBEAAAAvAQAAAA8Q87//8x8OMqL/AQBFWElGGgAAAE1NACoAAAAIAAEBEgADAAAAAQAGAAAAAAAA',
  animated:
    'UklGRoQAAABXRUJQVlA4WAoAAAACAAAAAAAAAAAAQU5JTQYAAAAAAAAAAABBTk1GKAAAAAAAAAAAAAAAAAAAAAAAAAJWUDhMDwAAAC8AAAAABxD9j/4HIqL/AQBBTk1GKAAAAAAAAAAAAAAAAAAAAAAAAABWUDhMDwAAAC8AAAAABxDR//4HIqL/AQA=',
}
const webp = (name: keyof typeof webps) => new Uint8Array(Buffer.from(webps[name], 'base64'))

test('WebP, where @napi-rs/canvas is installed', async (context) => {
  useCanvas(context, 'napi')
  expect(rgb(await decodeImage(webp('plain'), 'm'))).toEqual([255, 0, 0, 0, 0, 255])
  const turned = await decodeImage(webp('turned'), 'm')
  expect([turned.width, turned.height]).toEqual([1, 2])
  expect(rgb(turned)).toEqual([255, 0, 0, 0, 0, 255])
  expect(rgb(await decodeImage(webp('animated'), 'm'))).toEqual([255, 0, 0])
})

test('WebP with node-canvas alone is refused with what to do', async (context) => {
  useCanvas(context, 'canvas')
  await expect(decodeImage(webp('plain'), 'm')).rejects.toThrow(/npm install @napi-rs\/canvas/)
})

test('both packages give the same values for a photo', async (context) => {
  const decoded: Pixels[] = []
  for (const word of canvases) {
    useCanvas(context, word)
    decoded.push(await decodeImage(samplePhoto(), 'cat.jpg'))
  }
  const [a, b] = decoded
  expect([a.width, a.height]).toEqual([b.width, b.height])
  // Both decode with libjpeg-turbo; other versions may round otherwise.
  const worst = Uint8Array.from(a.data).reduce((most, v, i) => Math.max(most, Math.abs(v - b.data[i])), 0)
  expect(worst).toBeLessThanOrEqual(3)
})

test('a bomb of 20,000 x 20,000 pixels is refused at once', async () => {
  const row = deflateSync(new Uint8Array(1 << 20))
  const file = joined(latin(pngSignature), pngHeader(20_000, 20_000, 2), chunk('IDAT', row), chunk('IEND'))
  const start = performance.now()
  expect(await verdict(file)).toBe('E_IMAGE_TOO_LARGE')
  expect(performance.now() - start).toBeLessThan(500)
})

test('an unknown package is refused', async () => {
  process.env.OCELLUS_CANVAS = 'paper'
  await expect(decodeImage(samplePhoto(), 'm')).rejects.toMatchObject({ code: 'E_OPTION' })
})
