import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeImage } from '../../src/host/platform/node/canvas.js'
import { Detector, type ErrorCode, OcellusError, readModel } from '../../src/host/platform/node.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const cat = join(root, 'samples', 'cat.jpg')
const astronaut = join(root, 'samples', 'astronaut.jpg')
const modelFile = join(root, 'models', 'quantized', 'detector.safetensors')

async function codeOf(work: () => unknown): Promise<ErrorCode | undefined> {
  try {
    await work()
  } catch (error) {
    if (error instanceof OcellusError) return error.code
    throw error
  }
  return undefined
}

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
      expect(await codeOf(() => detector.detect(image))).toBe(code)
      expect(await detector.detect(cat)).toEqual(want)
    }
    const signal = AbortSignal.abort()
    expect(await codeOf(() => detector.detect(cat, { signal }))).toBe('E_ABORTED')
    expect(await codeOf(() => detector.detect(cat, { scoreThreshold: 2 }))).toBe('E_OPTION')
    expect(await detector.detect(cat)).toEqual(want)
  })

  it('says that it is closed, once and again', async () => {
    const other = await Detector.create()
    other.close()
    other.close()
    expect(await codeOf(() => other.detect(cat))).toBe('E_SESSION_CLOSED')
  })
})
