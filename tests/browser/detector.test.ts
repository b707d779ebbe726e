import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { decodeImage } from '../../src/host/platform/node/canvas.js'
import { embeddedDetector } from '../../src/host/platform/node/models.js'
import { builds, type Detection, Detector, type DetectorOptions } from '../../src/host/platform/node.js'
import { skipUnless } from '../helpers/require.js'
import { openPage } from './chromium.js'
import './globals.js'
import { tinyModel } from './model.js'

const cat = fileURLToPath(new URL('../../samples/cat.jpg', import.meta.url))
const model = tinyModel()
const options = { scoreThreshold: 0.3 }

/** The same photo in Node: its pixels, what the network answers and what is found. */
async function inNode(model: Uint8Array | undefined) {
  const pixels = await decodeImage(readFileSync(cat), 'cat.jpg')
  const detector = await Detector.create({ model, ...options })
  const detections = detector.detectPixels(pixels)
  const outputs = detector.session.outputs.map(({ name }) => [...detector.session.output(name)])
  detector.close()
  expect(detections.length).toBeGreaterThan(0)
  return { pixels, outputs, detections }
}

/**
 * Runs in the page: a network's answers and what is found, for pixels and for a picture's address.
 */
async function inPage({ width, height, model, options }: PageWords) {
  const detector = await ocellus.Detector.create({ model, ...options })
  const data = new Uint8ClampedArray(await (await fetch('/cat.rgba')).arrayBuffer())
  const detections = detector.detectPixels({ width, height, data })
  const outputs = detector.session.outputs.map(({ name }) => [...detector.session.output(name)])
  const ofImageData = await detector.detect(new ImageData(data, width, height))
  const ofFile = await detector.detect('/samples/cat.jpg')
  detector.close()
  return { outputs, detections, ofImageData, ofFile }
}

interface PageWords {
  readonly width: number
  readonly height: number
  readonly model?: string
  readonly options: DetectorOptions
}

function expectNear(
  found: readonly Detection[],
  expected: readonly Detection[],
  score: number,
  side: number,
) {
  expect(found.map((d) => d.label)).toEqual(expected.map((d) => d.label))
  found.forEach((d, i) => {
    expect(Math.abs(d.score - expected[i].score)).toBeLessThan(score)
    for (const name of ['xmin', 'ymin', 'xmax', 'ymax'] as const) {
      expect(Math.abs(d.box[name] - expected[i].box[name])).toBeLessThan(side)
    }
  })
}

test.for(builds)('the %s build answers byte for byte as in Node', async (build, context) => {
  const { pixels, outputs, detections } = await inNode(model)
  const { width, height, data } = pixels
  const { page } = await openPage(context, {
    extra: { '/tiny.safetensors': model, '/cat.rgba': Buffer.from(data.buffer) },
  })
  const words = { width, height, model: '/tiny.safetensors', options: { ...options, build } }
  const found = await page.evaluate(inPage, words)
  expect(found.outputs).toEqual(outputs)
  // Boxes and scores are computed from them with Math.exp, whose last digit no standard fixes.
  expectNear(found.detections, detections, 1e-12, 1e-9)
  expect(found.ofImageData).toEqual(found.detections)
})

test('the embedded detector finds the cat, as in Node', async (context) => {
  skipUnless(context, existsSync(embeddedDetector), 'models/quantized/detector.safetensors')
  const { pixels, outputs, detections } = await inNode(undefined)
  const { width, height, data } = pixels
  const { page, server } = await openPage(context, { extra: { '/cat.rgba': Buffer.from(data.buffer) } })
  const found = await page.evaluate(inPage, { width, height, options })
  expect(found.outputs).toEqual(outputs)
  expectNear(found.detections, detections, 1e-12, 1e-9)
  // Decoders of JPEG may differ by a value here and there.
  expectNear(found.ofFile, detections, 0.02, 2)
  expect(found.ofFile.some((d) => d.label === 'cat')).toBe(true)
  expect(server.asked).toContain('/models/quantized/detector.safetensors')
})

test('a server that sends Wasm as something else', async (context) => {
  const { page, server } = await openPage(context, {
    extra: { '/tiny.safetensors': model },
    types: { '.wasm': 'application/octet-stream' },
  })
  const build = await page.evaluate(async () => {
    const detector = await ocellus.Detector.create({ model: new URL('/tiny.safetensors', location.href) })
    return detector.session.build
  })
  expect(build).toBe('simd')
  expect(server.asked).toContain('/build/ocellus.simd.wasm')
})

test('what cannot be fetched is told', async (context) => {
  const { page } = await openPage(context, { extra: { '/half.safetensors': model.subarray(0, 900) } })
  const codes = await page.evaluate(async () => {
    const codeOf = (promise: Promise<unknown>) =>
      promise.then(
        () => 'none',
        (error: unknown) => (error instanceof ocellus.OcellusError ? error.code : String(error)),
      )
    return [
      await codeOf(ocellus.Detector.create({ model: '/nothing.safetensors' })),
      await codeOf(ocellus.Detector.create({ model: '/half.safetensors' })),
      await codeOf(ocellus.Detector.create({ model: 'http://127.0.0.1:1/model.safetensors' })),
      await codeOf(decodePicture('/nothing.jpg')),
      await codeOf(decodePicture('/package.json')),
    ]
  })
  expect(codes).toEqual([
    'E_FILE_MISSING',
    'E_MODEL_TRUNCATED',
    'E_FILE_READ',
    'E_FILE_MISSING',
    'E_IMAGE_FORMAT',
  ])
})
