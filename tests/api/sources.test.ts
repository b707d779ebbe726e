import { createReadStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { runInNewContext } from 'node:vm'
import { createCanvas } from '@napi-rs/canvas'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Detector, type ImageSource, type ModelInput, OcellusError } from '../../src/host/platform/node.js'
import { openModel } from '../../tools/index.js'
import { variantsOf } from '../helpers/variants.js'

const file = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url))
const photo = file('samples/cat.jpg')
const model = file('models/quantized/detector-small.safetensors')
const folder = mkdtempSync(join(tmpdir(), 'ocellus-'))

let detector: Detector
beforeAll(async () => {
  detector = await Detector.create({ threads: 1, model })
})
afterAll(() => {
  detector.close()
  rmSync(folder, { recursive: true })
})

const streamOf = (pieces: readonly Uint8Array[]): ReadableStream =>
  new ReadableStream({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece)
      controller.close()
    },
  })

/** Everything that can hold a file's bytes or give them, anew for each use. */
function sources(path: string): [name: string, source: unknown][] {
  const bytes = readFileSync(path)
  const pieces = [bytes.subarray(0, 1000), bytes.subarray(1000, 1001), bytes.subarray(1001)]
  const realm = runInNewContext('({ URL: undefined, Uint8Array })') as { Uint8Array: typeof Uint8Array }
  return [
    ...variantsOf(bytes).map(({ name, bytes: variant }): [string, unknown] => [name, variant]),
    ['an ArrayBuffer', Uint8Array.from(bytes).buffer],
    ['an ArrayBuffer of another realm', realm.Uint8Array.from(bytes).buffer],
    ['a Blob', new Blob([bytes])],
    ['a Response', new Response(bytes)],
    ['a web stream', streamOf(pieces)],
    ["a stream of Node's", createReadStream(path, { highWaterMark: 777 })],
    [
      'pieces of several kinds',
      Readable.from([pieces[0], new DataView(Uint8Array.from(bytes).buffer, 1000)]),
    ],
    ['a data: address', `data:application/octet-stream;base64,${bytes.toString('base64')}`],
    ['a data: address as a URL', new URL(`data:;base64,${bytes.toString('base64')}`)],
    [
      'a data: address in percents',
      `data:,${[...bytes].map((b) => `%${b.toString(16).padStart(2, '0')}`).join('')}`,
    ],
    ['a file: address', pathToFileURL(path).href],
    ['a file: URL', pathToFileURL(path)],
    ['a path', path],
  ]
}

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (error: unknown) => {
      if (!(error instanceof OcellusError)) throw error
      expect(error.message.length).toBeLessThan(1300)
      return error.code
    },
  )

it.each(sources(photo))('a picture is taken from %s', async (_name, source) => {
  expect(await detector.detect(source as ImageSource)).toEqual(await detector.detect(photo))
})

it.each(sources(model))('a model is taken from %s', async (_name, source) => {
  const made = await Detector.create({ threads: 1, model: source as ModelInput })
  expect(await made.detect(photo)).toEqual(await detector.detect(photo))
  made.close()
})

it.each(sources(model).slice(0, 12))('the tools take a model from %s', async (_name, source) => {
  expect((await openModel(source as Uint8Array)).graph.task.kind).toBe('detection')
})

describe('what is no source is refused with a code, and never repeated', () => {
  const used = new Response('x')
  const failing = new ReadableStream({
    pull: () => {
      throw new Error('the line broke\nE_FAKE: forged')
    },
  })
  const locked = new ReadableStream()
  locked.getReader()
  it.each<[string, unknown, string]>([
    ['nothing', undefined, 'E_IMAGE_INPUT'],
    ['null', null, 'E_IMAGE_INPUT'],
    ['a number', 5, 'E_IMAGE_INPUT'],
    ['an object', {}, 'E_IMAGE_INPUT'],
    ['an object that calls itself bytes', { [Symbol.toStringTag]: 'Uint8Array' }, 'E_IMAGE_INPUT'],
    ['an object that calls itself a buffer', { [Symbol.toStringTag]: 'ArrayBuffer' }, 'E_IMAGE_INPUT'],
    ['a list of numbers', Array(1e6).fill(7), 'E_IMAGE_INPUT'],
    ['an http address', 'http://127.0.0.1:9/x.jpg', 'E_FILE_READ'],
    ['an http URL', new URL('https://127.0.0.1:9/x.jpg'), 'E_FILE_READ'],
    ['a blob: address', 'blob:nodedata:1', 'E_FILE_READ'],
    ['a file: address of another machine', 'file://there/x.jpg', 'E_FILE_READ'],
    ['a path with a NUL', 'a\0b.jpg', 'E_FILE_READ'],
    ['a data: address without a comma', 'data:image/png;base64', 'E_INPUT_TYPE'],
    ['a data: address with damaged base64', 'data:;base64,@@@@', 'E_INPUT_TYPE'],
    ['a data: address that is cut', 'data:;base64,AAAAA', 'E_INPUT_TYPE'],
    ['a data: address with half a percent', 'data:,%1', 'E_INPUT_TYPE'],
    ['a data: address of a megabyte of letters', `data:,${'x'.repeat(1 << 20)}`, 'E_IMAGE_FORMAT'],
    ['empty bytes', new Uint8Array(0), 'E_IMAGE_EMPTY'],
    ['an empty Blob', new Blob([]), 'E_IMAGE_EMPTY'],
    ['an answer that failed', new Response('x', { status: 404 }), 'E_FILE_READ'],
    ['an answer that was read', used, 'E_FILE_READ'],
    ['a stream that fails', failing, 'E_FILE_READ'],
    ['a stream with a reader', locked, 'E_FILE_READ'],
    ['a stream of texts', Readable.from(['text']), 'E_INPUT_TYPE'],
    ["a stream of Node's that fails", failingPieces(), 'E_FILE_READ'],
  ])('%s', async (_what, source, code) => {
    await used.text().catch(() => {})
    expect(await codeOf(detector.detect(source as ImageSource))).toBe(code)
  })

  it('bytes whose memory was given away', async () => {
    const bytes = new Uint8Array(readFileSync(photo))
    structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
    expect(await codeOf(detector.detect(bytes))).toMatch(/^E_(INPUT_TYPE|IMAGE_EMPTY|IMAGE_INPUT)$/)
    expect(await codeOf(detector.detect(bytes.buffer))).toMatch(/^E_(INPUT_TYPE|IMAGE_EMPTY|IMAGE_INPUT)$/)
  })

  it('a stream without an end is left at the cap', async () => {
    let cancelled = false
    const piece = new Uint8Array(8 << 20)
    const endless = new ReadableStream({
      pull: (controller) => controller.enqueue(piece),
      cancel: () => {
        cancelled = true
      },
    })
    expect(await codeOf(detector.detect(endless))).toBe('E_IMAGE_TOO_LARGE')
    expect(cancelled).toBe(true)
  })

  it.each<[string, unknown, string]>([
    ['null', null, 'E_OPTION'],
    ['a number', 5, 'E_OPTION'],
    ['an object', {}, 'E_OPTION'],
    ['an http address', 'http://127.0.0.1:9/x', 'E_FILE_READ'],
    ['an http URL', new URL('http://127.0.0.1:9/x'), 'E_FILE_READ'],
    ['a path with a NUL', 'a\0b', 'E_FILE_READ'],
    ['a graph without fields', { graph: {}, constants: new Map() }, 'E_MODEL_GRAPH'],
    ['a graph of a text', { graph: 'x', constants: new Map() }, 'E_MODEL_GRAPH'],
    ['a graph that holds itself', cyclic(), 'E_MODEL_GRAPH'],
    ['constants that are no map', { graph: {}, constants: {} }, 'E_MODEL_GRAPH'],
    ['constants without shapes', { graph: {}, constants: new Map([['w', {}]]) }, 'E_MODEL_GRAPH'],
    ['a million bytes', new Uint8Array(1 << 20).fill(65), 'E_MODEL_HEADER'],
  ])('as a model: %s', async (_what, source, code) => {
    expect(await codeOf(Detector.create({ model: source as ModelInput }))).toBe(code)
  })

  it('options that are none', async () => {
    expect(await codeOf(Detector.create(null as unknown as object))).toBe('E_OPTION')
    expect(await codeOf(Detector.create('detector' as unknown as object))).toBe('E_OPTION')
  })
})

async function* failingPieces(): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(3)
  throw new Error('EIO')
}

function cyclic(): unknown {
  const graph: Record<string, unknown> = {}
  graph.task = graph
  return { graph, constants: new Map() }
}

describe('a model of another writer, whose data start anywhere', () => {
  const bytes = readFileSync(model)
  const length = Number(bytes.readBigUInt64LE(0))
  const header = bytes
    .subarray(8, 8 + length)
    .toString()
    .trimEnd()

  it.each([1, 2, 3, 4])('%i bytes after the header', async (pad) => {
    const text = Buffer.from(header + ' '.repeat(pad))
    const size = Buffer.alloc(8)
    size.writeBigUInt64LE(BigInt(text.length))
    const shifted = Buffer.concat([size, text, bytes.subarray(8 + length)])
    const path = join(folder, `shifted-${pad}.safetensors`)
    writeFileSync(path, shifted)
    const expected = await detector.detect(photo)
    for (const source of [
      path,
      shifted,
      Uint8Array.from(shifted),
      ...variantsOf(shifted).map((v) => v.bytes),
    ]) {
      const made = await Detector.create({ threads: 1, model: source })
      expect(await made.detect(photo)).toEqual(expected)
      made.close()
    }
  })
})

it('a WebP in a pool leaves its neighbours and its own bytes alone', async () => {
  const canvas = createCanvas(24, 16)
  const context = canvas.getContext('2d')
  context.fillStyle = 'teal'
  context.fillRect(0, 0, 24, 16)
  const webp = canvas.toBuffer('image/webp')
  for (const { bytes, check } of variantsOf(webp)) {
    await detector.detect(bytes)
    check()
  }
})
