import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeImage } from '../../src/host/platform/node/canvas.js'
import { Detector, type ErrorCode, type ImageSource, readModel } from '../../src/host/platform/node.js'
import { codeOfAsync } from '../helpers/code-of.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const cat = join(root, 'samples', 'cat.jpg')
const astronaut = join(root, 'samples', 'astronaut.jpg')
const modelFile = join(root, 'models', 'quantized', 'detector.safetensors')

describe('Detector', () => {
  let detector: Detector
  beforeAll(async () => {
    detector = await Detector.create()
  })
  afterAll(() => detector.close())

  it('finds the same in a path, an address, bytes and pixels', async () => {
    const found = await detector.detect(cat)
    expect(found[0]).toMatchObject({ label: 'cat', classId: 7 })
    const bytes = readFileSync(cat)
    const pixels = await decodeImage(bytes, cat)
    const same = [
      pathToFileURL(cat),
      bytes,
      bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length),
      pixels,
    ]
    for (const image of same) expect(await detector.detect(image)).toEqual(found)
    expect(detector.detectPixels(pixels)).toEqual(found)
  })

  it('takes its model from a path, an address, bytes or memory', async () => {
    const bytes = readFileSync(modelFile)
    const want = await detector.detect(cat)
    for (const model of [modelFile, pathToFileURL(modelFile), bytes, readModel(bytes, 'detector')]) {
      const other = await Detector.create({ model })
      expect(await other.detect(cat)).toEqual(want)
      other.close()
    }
  })

  it('keeps calls that overlap apart', async () => {
    const alone = [await detector.detect(cat), await detector.detect(astronaut)]
    const together = await Promise.all([
      detector.detect(cat),
      detector.detect(astronaut),
      detector.detect(cat),
    ])
    expect(together).toEqual([alone[0], alone[1], alone[0]])
  })

  it('takes options for one call, and keeps those that are set', async () => {
    const other = await Detector.create({ scoreThreshold: 0.01 })
    const many = await other.detect(astronaut)
    expect(many.length).toBeGreaterThan(5)
    expect(await other.detect(astronaut, { maxResults: 2 })).toEqual(many.slice(0, 2))
    expect(await other.detect(astronaut)).toEqual(many)
    other.setOptions({ scoreThreshold: 0.5 })
    expect(await other.detect(astronaut)).toEqual(many.filter(({ score }) => score >= 0.5))
    other.setOptions({ categoryDenylist: ['person'] })
    expect((await other.detect(astronaut)).filter(({ label }) => label === 'person')).toEqual([])
    other.close()
  })

  it('stays usable after each bad call', async () => {
    const want = await detector.detect(cat)
    const bad: [unknown, ErrorCode][] = [
      [join(root, 'nothing.jpg'), 'E_FILE_MISSING'],
      [root, 'E_FILE_READ'],
      [new Uint8Array(), 'E_IMAGE_EMPTY'],
      [42, 'E_IMAGE_INPUT'],
      [null, 'E_IMAGE_INPUT'],
      [{ width: 2, height: 2, data: new Uint8Array(15) }, 'E_IMAGE_INPUT'],
      [{ width: 0, height: 2, data: new Uint8Array(0) }, 'E_IMAGE_INPUT'],
      [{ width: 1, height: 1, data: [0, 0, 0, 0] }, 'E_IMAGE_INPUT'],
    ]
    for (const [image, code] of bad) {
      expect(await codeOfAsync(() => detector.detect(image as ImageSource))).toBe(code)
      expect(await detector.detect(cat)).toEqual(want)
    }
    const signal = AbortSignal.abort()
    expect(await codeOfAsync(() => detector.detect(cat, { signal }))).toBe('E_ABORTED')
    expect(await codeOfAsync(() => detector.detect(cat, { scoreThreshold: 2 }))).toBe('E_OPTION')
    expect(await detector.detect(cat)).toEqual(want)
  })

  it('takes the frames of a video in the order of their times', async () => {
    const other = await Detector.create()
    const want = await other.detect(cat)
    expect(await other.detectForVideo(cat, 0)).toEqual(want)
    expect(await other.detectForVideo(cat, 33.3, { maxResults: 1 })).toEqual(want.slice(0, 1))
    for (const late of [33.3, 0, -1, Number.NaN, Number.POSITIVE_INFINITY, '40' as never]) {
      expect(await codeOfAsync(() => other.detectForVideo(cat, late))).toBe('E_OPTION')
    }
    expect(await other.detectForVideo(cat, 34)).toEqual(want)
    other.close()
  })

  it('refuses options that make no sense when they are given, and keeps those before', async () => {
    expect(await codeOfAsync(() => Detector.create({ scoreThreshold: Number.NaN }))).toBe('E_OPTION')
    expect(await codeOfAsync(() => Detector.create({ categoryAllowlist: ['unicorn'] }))).toBe('E_OPTION')
    const want = await detector.detect(cat)
    for (const options of [{ maxResults: 0 }, { iouThreshold: 2 }, { categoryDenylist: ['unicorn'] }]) {
      expect(await codeOfAsync(() => detector.setOptions(options))).toBe('E_OPTION')
      expect(await detector.detect(cat)).toEqual(want)
    }
  })

  it('refuses pixels of a detached buffer and of another length, and goes on', async () => {
    const pixels = await decodeImage(readFileSync(cat), cat)
    const want = detector.detectPixels(pixels)
    const gone = { ...pixels, data: pixels.data.slice() }
    structuredClone(gone.data.buffer, { transfer: [gone.data.buffer] })
    for (const bad of [
      gone,
      { ...pixels, width: pixels.width + 1 },
      { ...pixels, data: pixels.data.subarray(4) },
    ]) {
      expect(await codeOfAsync(() => detector.detectPixels(bad))).toBe('E_IMAGE_INPUT')
      expect(detector.detectPixels(pixels)).toEqual(want)
    }
  })

  it('gives the same for one size of picture after another, in every order of decoding', async () => {
    const pixels = await decodeImage(readFileSync(cat), cat)
    const part = { width: 100, height: 80, data: pixels.data.slice(0, 100 * 80 * 4) }
    const kinds = [
      { multiLabel: true, scoreThreshold: 0.001, iouThreshold: 1 },
      undefined,
      { order: 'darknet' } as const,
    ]
    const fresh = await Promise.all(
      [pixels, part].map(async (picture) => {
        const results = []
        for (const options of kinds) {
          const other = await Detector.create()
          results.push(other.detectPixels(picture, options))
          other.close()
        }
        return results
      }),
    )
    expect(fresh[0][0].length).toBeGreaterThan(10)
    for (let round = 0; round < 3; round++) {
      for (const [n, picture] of [pixels, part].entries()) {
        for (const [k, options] of kinds.entries()) {
          expect(detector.detectPixels(picture, options)).toEqual(fresh[n][k])
        }
      }
    }
  })

  it('says that it is closed, once and again', async () => {
    const other = await Detector.create()
    other.close()
    other.close()
    expect(await codeOfAsync(() => other.detect(cat))).toBe('E_SESSION_CLOSED')
    const pixels = { width: 1, height: 1, data: new Uint8Array(4) }
    expect(await codeOfAsync(() => other.detectPixels(pixels))).toBe('E_SESSION_CLOSED')
    expect(await codeOfAsync(() => other.detectForVideo(cat, 1))).toBe('E_SESSION_CLOSED')
  })
})
