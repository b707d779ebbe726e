import { describe, expect, test } from 'vitest'
import { OcellusError } from '../../src/host/errors.js'
import { type ImageHeader, sniffImage } from '../../src/host/image/header.js'
import { limits } from '../../src/host/limits.js'
import { codeOf } from '../helpers/code-of.js'
import { mutations } from '../helpers/mutate.js'
import { chunk, exif, png, pngHeader, pngSignature, withExif } from '../helpers/pictures.js'
import { ofAllKinds, variantOf } from '../helpers/variants.js'
import { bmp, gif, joined, jpeg, latin, segment, webp } from './files.js'

const verdict = (file: Uint8Array): string =>
  ofAllKinds(file, (bytes) => codeOf(() => sniffImage(bytes, 'photo.jpg'), /^photo\.jpg/))

const grey = (width: number, height: number) => new Array<number>(width * height).fill(7)

const files: Record<string, Uint8Array> = {
  jpeg: jpeg(5, 3),
  png: png(5, 3, grey(5, 3), { colourType: 0 }),
  gif: gif(5, 3),
  bmp: bmp(5, 3),
  'webp, VP8': webp.lossy(5, 3),
  'webp, VP8L': webp.lossless(5, 3),
  'webp, VP8X': webp.extended(5, 3),
}

describe.each(Object.entries(files))('%s', (name, file) => {
  test('format and size', () => {
    const { plain, ...header } = sniffImage(file, 'm')
    expect(header).toMatchObject({
      format: name.slice(0, 4).replace(',', ''),
      width: 5,
      height: 3,
      orientation: 1,
    })
    // What is shown to the decoder says the same.
    expect(sniffImage(plain, 'm')).toMatchObject(header)
  })

  test('truncation at every byte', () => {
    for (let n = 0; n < file.length; n++) {
      const code = verdict(file.subarray(0, n))
      // A GIF is whole without the byte that says so.
      if (name === 'gif' && n === file.length - 1) expect(code).toBe('none')
      else expect(code, `${n} of ${file.length} bytes`).toBe(n === 0 ? 'E_IMAGE_EMPTY' : 'E_IMAGE_TRUNCATED')
    }
  })

  test('bytes after the end are left out or left alone', () => {
    expect(verdict(joined(file, latin('trailing')))).toBe('none')
  })

  test('mutations end in an OcellusError or a header within the caps', () => {
    let n = 0
    for (const mutated of mutations(file, 3000, 7)) {
      let header: ImageHeader
      const { bytes, check } = variantOf(mutated, n++)
      try {
        header = sniffImage(bytes, 'm')
        check()
      } catch (error) {
        check()
        if (!(error instanceof OcellusError)) throw error
        expect(error.message).not.toContain('\n')
        continue
      }
      const { width, height, orientation } = header
      expect(width >= 1 && height >= 1 && width * height <= limits.imagePixels).toBe(true)
      expect(Math.max(width, height)).toBeLessThanOrEqual(limits.imageSide)
      expect(orientation >= 1 && orientation <= 8).toBe(true)
    }
  })
})

describe('size', () => {
  const sized = (width: number, height: number) => ({
    jpeg: jpeg(width, height),
    png: joined(latin(pngSignature), pngHeader(width, height, 2)),
    gif: gif(width, height),
    'webp, VP8X': webp.extended(width, height),
    'webp, VP8L': webp.lossless(Math.min(width, 16384), height),
  })

  test('a bomb of 20,000 x 20,000 pixels is refused by its header, though its body is missing', () => {
    for (const [name, file] of Object.entries(sized(20_000, 20_000))) {
      if (name !== 'webp, VP8L') expect(verdict(file), name).toBe('E_IMAGE_TOO_LARGE')
    }
    expect(verdict(bmp(20_000, 20_000).subarray(0, 60))).toBe('E_IMAGE_TOO_LARGE')
    expect(verdict(joined(latin(pngSignature), pngHeader(2 ** 31 - 1, 2 ** 31 - 1, 2)))).toBe(
      'E_IMAGE_TOO_LARGE',
    )
  })

  test('too many pixels though each side is within its cap', () => {
    for (const file of Object.values(sized(16_384, 16_384))) expect(verdict(file)).toBe('E_IMAGE_TOO_LARGE')
  })

  test('no pixels', () => {
    expect(verdict(jpeg(0, 3))).toBe('E_IMAGE_EMPTY')
    expect(verdict(jpeg(5, 0))).toBe('E_IMAGE_EMPTY')
    expect(verdict(joined(latin(pngSignature), pngHeader(0, 0, 2)))).toBe('E_IMAGE_EMPTY')
    expect(verdict(gif(0, 3))).toBe('E_IMAGE_EMPTY')
    expect(verdict(bmp(0, 3))).toBe('E_IMAGE_EMPTY')
    expect(verdict(webp.lossy(0, 3))).toBe('E_IMAGE_EMPTY')
  })

  test('a BMP from the top down has a negative height', () => {
    expect(sniffImage(bmp(5, -3), 'm')).toMatchObject({ width: 5, height: 3 })
    expect(verdict(bmp(-5, 3))).toBe('E_IMAGE_EMPTY')
    expect(verdict(bmp(5, -(2 ** 31)))).toBe('E_IMAGE_TOO_LARGE')
  })

  test('a file larger than the cap', () => {
    expect(verdict(new Uint8Array(limits.imageFileBytes + 1))).toBe('E_IMAGE_TOO_LARGE')
  })
})

test.each([
  ['text', 'hello, world'],
  ['TIFF', 'II*\0\x08\0\0\0 more of it'],
  ['SVG', '<svg xmlns="http://www.w3.org/2000/svg"/>'],
  ['zeros', '\0'.repeat(100)],
  ['a RIFF file of sound', 'RIFF\x24\0\0\0WAVEfmt '],
  ['JPEG 2000', '\0\0\0\x0cjP  \r\n\x87\n'],
  ['AVIF', '\0\0\0\x1cftypavif\0\0\0\0'],
])('%s is no picture that can be read', (_, text) => {
  expect(verdict(latin(text))).toBe('E_IMAGE_FORMAT')
})

describe('orientation', () => {
  const orientationOf = (file: Uint8Array) => sniffImage(file, 'm').orientation
  const pngWith = (block: Uint8Array) =>
    png(5, 3, grey(5, 3), { colourType: 0, before: [chunk('eXIf', block)] })

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('%i, in either byte order', (orientation) => {
    for (const order of ['II', 'MM'] as const) {
      expect(orientationOf(withExif(jpeg(5, 3), orientation, order))).toBe(orientation)
      expect(orientationOf(pngWith(exif(orientation, order)))).toBe(orientation)
      expect(orientationOf(webp.extended(5, 3, exif(orientation, order)))).toBe(orientation)
      expect(orientationOf(webp.extended(5, 3, joined(latin('Exif\0\0'), exif(orientation, order))))).toBe(
        orientation,
      )
    }
  })

  test('what is no orientation counts as upright', () => {
    for (const value of [0, 9, 255, 65535]) expect(orientationOf(withExif(jpeg(5, 3), value))).toBe(1)
    for (let n = 0; n < 22; n++) expect(orientationOf(pngWith(exif(6).subarray(0, n))), `${n} bytes`).toBe(1)
    for (const mutated of mutations(exif(6), 3000, 3)) {
      const orientation = orientationOf(pngWith(mutated))
      expect(orientation >= 1 && orientation <= 8).toBe(true)
    }
  })

  test('the first EXIF segment counts', () => {
    expect(orientationOf(withExif(withExif(jpeg(5, 3), 3), 6))).toBe(6)
  })
})

describe('what decoders are shown', () => {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1')

  test('no orientation, profile or comment of a JPEG, but JFIF and Adobe', () => {
    const file = jpeg(5, 3, [
      segment(0xe0, 'JFIF\0\x01\x02\0\0\x01\0\x01\0\0'),
      segment(0xe2, 'ICC_PROFILE\0\x01\x01'),
      segment(0xee, 'Adobe\0\x64\0\0\0\0\x01'),
      segment(0xfe, 'a comment'),
    ])
    const plain = text(sniffImage(withExif(file, 6), 'm').plain)
    expect(plain).toMatch(/JFIF.*Adobe/s)
    expect(plain).not.toMatch(/Exif|ICC_PROFILE|comment/)
  })

  test('no gamma, profile, animation or text of a PNG, but its palette and transparency', () => {
    const before = [
      chunk('gAMA', Uint8Array.of(0, 1, 134, 160)),
      chunk('iCCP', latin('x\0\0')),
      chunk('acTL', new Uint8Array(8)),
      chunk('eXIf', exif(6)),
      chunk('PLTE', Uint8Array.of(1, 2, 3)),
      chunk('tRNS', Uint8Array.of(128)),
      chunk('tEXt', latin('a\0b')),
    ]
    const { plain, opaque } = sniffImage(png(2, 1, [0, 0], { colourType: 3, before }), 'm')
    expect(text(plain)).toMatch(/IHDR.*PLTE.*tRNS.*IDAT.*IEND/s)
    expect(text(plain)).not.toMatch(/gAMA|iCCP|acTL|eXIf|tEXt/)
    expect(opaque).toBe(false)
  })

  test('no profile and EXIF of a WebP, and no flags for them', () => {
    const { plain } = sniffImage(webp.extended(5, 3, exif(6)), 'm')
    expect(text(plain)).toMatch(/^RIFF.{4}WEBPVP8X.*VP8 /s)
    expect(text(plain)).not.toMatch(/EXIF|ICCP/)
    expect(new DataView(plain.buffer).getUint32(4, true)).toBe(plain.length - 8)
    expect(plain[20] & 0x2c).toBe(0)
  })

  test('one frame of a GIF', () => {
    const { plain } = sniffImage(gif(5, 3, { frames: 3 }), 'm')
    expect(plain.length).toBe(gif(5, 3).length)
  })

  test('the very bytes where nothing is left out', () => {
    expect(sniffImage(files.png, 'm').plain.buffer).toBe(files.png.buffer)
  })
})

describe('damage', () => {
  test('a PNG', () => {
    const good = files.png
    const end = good.length - 12
    expect(verdict(joined(good.subarray(0, end), chunk('ABCD'), good.subarray(end)))).toBe('E_IMAGE_FORMAT')
    expect(verdict(joined(good.subarray(0, end), chunk('abCD'), good.subarray(end)))).toBe('none')
    expect(verdict(joined(latin(pngSignature), pngHeader(5, 3, 2), chunk('IEND')))).toBe('E_IMAGE_FORMAT')
    expect(verdict(joined(latin(pngSignature), chunk('IDAT', new Uint8Array(13)), chunk('IEND')))).toBe(
      'E_IMAGE_FORMAT',
    )
    expect(verdict(joined(latin(pngSignature), pngHeader(5, 3, 5), chunk('IDAT'), chunk('IEND')))).toBe(
      'E_IMAGE_FORMAT',
    )
  })

  test('a JPEG', () => {
    const good = files.jpeg
    expect(verdict(joined(good.subarray(0, 2), Uint8Array.of(0xff, 0xd9)))).toBe('E_IMAGE_FORMAT')
    expect(verdict(joined(good.subarray(0, 2), Uint8Array.of(0xff, 0xdb, 0, 1), good.subarray(2)))).toBe(
      'E_IMAGE_FORMAT',
    )
    // Fill bytes and restart markers between segments are allowed.
    expect(verdict(joined(good.subarray(0, 2), Uint8Array.of(0xff, 0xff, 0xff), good.subarray(2)))).toBe(
      'none',
    )
    const scans = Array.from({ length: 200 }, () => segment(0xda, '\x01\x01\0\0\x3f\0'))
    expect(verdict(joined(good.subarray(0, -2), ...scans, Uint8Array.of(0xff, 0xd9)))).toBe('E_IMAGE_FORMAT')
  })

  test('a GIF whose frame is larger than itself', () => {
    expect(verdict(gif(5, 3, { frameWidth: 6 }))).toBe('E_IMAGE_FORMAT')
    expect(verdict(gif(5, 3, { frameWidth: 65535 }))).toBe('E_IMAGE_FORMAT')
  })
})
