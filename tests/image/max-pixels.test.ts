import { describe, expect, test } from 'vitest'
import { sniffImage } from '../../src/host/image/header.js'
import { checkMaxPixels } from '../../src/host/image/pixels.js'
import { limits } from '../../src/host/limits.js'
import { Autoencoder, Detector, Discriminator, decodeImage } from '../../src/host/platform/node.js'
import { codeOf, codeOfAsync } from '../helpers/code-of.js'
import { png } from '../helpers/pictures.js'

const size = (width: number, height: number) => ({ width, height, data: new Uint8Array(width * height * 4) })
/** Only its header says how large it is: it has no pixels. */
const sized = (width: number, height: number): Uint8Array => {
  const file = Buffer.from(png(1, 1, [0, 0, 0], { colourType: 2 }))
  file.writeUInt32BE(width, 16)
  file.writeUInt32BE(height, 20)
  return file
}
const advice = /pixels; the most is \d+: scale it down, or raise maxPixels/

describe('24 million pixels by default', () => {
  test('of a file, by its header', () => {
    expect(limits.imagePixels).toBe(24_000_000)
    expect(sniffImage(sized(6000, 4000), 'x').width).toBe(6000)
    expect(codeOf(() => sniffImage(sized(6001, 4000), 'x'), advice)).toBe('E_IMAGE_TOO_LARGE')
    expect(sniffImage(sized(6001, 4000), 'x', 6001 * 4000).width).toBe(6001)
    expect(codeOf(() => sniffImage(sized(9, 9), 'x', 80), advice)).toBe('E_IMAGE_TOO_LARGE')
  })

  test('of pixels that are given', async () => {
    const large = size(6001, 4000)
    expect(await codeOfAsync(() => decodeImage(large), advice)).toBe('E_IMAGE_TOO_LARGE')
    expect(await decodeImage(large, { maxPixels: 6001 * 4000 })).toBe(large)
  })
})

test('maxPixels is a whole number within the side squared', () => {
  for (const bad of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, limits.imageSide ** 2 + 1])
    expect(codeOf(() => checkMaxPixels(bad), /maxPixels/)).toBe('E_OPTION')
  expect(checkMaxPixels(limits.imageSide ** 2)).toBe(limits.imageSide ** 2)
})

test.each([
  ['a detector', async () => Detector.create({ maxPixels: 100, threads: 1 }), 'detectPixels', 'detect'],
  [
    'an autoencoder',
    async () => Autoencoder.create({ maxPixels: 100, threads: 1 }),
    'encodePixels',
    'encode',
  ],
  [
    'a discriminator',
    async () => Discriminator.create({ maxPixels: 100, threads: 1 }),
    'scorePixels',
    'score',
  ],
] as const)(
  '%s refuses larger ones, given or as a file, and stays usable',
  async (_, create, given, decoded) => {
    const task: unknown = await create()
    const call = async (name: string, picture: unknown): Promise<unknown> =>
      Reflect.apply(Reflect.get(task as object, name), task, [picture])
    const small = png(10, 10, new Array(300).fill(9), { colourType: 2 })
    const large = png(10, 11, new Array(330).fill(9), { colourType: 2 })
    expect(await codeOfAsync(() => call(given, size(10, 11)), advice)).toBe('E_IMAGE_TOO_LARGE')
    expect(await codeOfAsync(() => call(decoded, large), advice)).toBe('E_IMAGE_TOO_LARGE')
    await call(given, size(10, 10))
    await call(decoded, small)
    await call('close', undefined)
  },
)
