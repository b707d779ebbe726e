import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

/**
 * Where a program that imports the package is compiled: in Node, by a bundler for a page, and with
 * nothing at all.
 */
const places = {
  node: { module: ts.ModuleKind.NodeNext, lib: ['lib.es2022.d.ts'], types: ['node'] },
  page: {
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    customConditions: ['browser'],
    lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'],
    types: [],
  },
  bundler: {
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'],
    types: [],
  },
  bare: { module: ts.ModuleKind.NodeNext, lib: ['lib.es2022.d.ts'], types: [] },
} satisfies Record<string, ts.CompilerOptions>

/** Parsed once, as they are large. */
const libraries = new Map<string, ts.SourceFile>()

/**
 * What tsc says of a program that imports the package as it was built, its declarations checked
 * too.
 */
function compile(place: keyof typeof places, program: string): string[] {
  const file = join(root, 'consumer.ts')
  const options: ts.CompilerOptions = {
    ...places[place],
    target: ts.ScriptTarget.ES2022,
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    // Our own declarations are checked, those of the language and the DOM are not.
    skipLibCheck: false,
    skipDefaultLibCheck: true,
  }
  const host = ts.createCompilerHost(options)
  const { getSourceFile, fileExists, readFile } = host
  host.fileExists = (path) => path === file || fileExists(path)
  host.readFile = (path) => (path === file ? program : readFile(path))
  host.getSourceFile = (path, ...rest) => {
    if (path === file) return ts.createSourceFile(path, program, ts.ScriptTarget.ES2022)
    const known = libraries.get(path) ?? getSourceFile(path, ...rest)
    if (path.includes('/node_modules/') && known !== undefined) libraries.set(path, known)
    return known
  }
  const diagnostics = ts.getPreEmitDiagnostics(ts.createProgram([file], options, host))
  return diagnostics.map((d) => {
    const text = ts.flattenDiagnosticMessageText(d.messageText, ' ')
    const line = d.file && ts.getLineAndCharacterOfPosition(d.file, d.start ?? 0).line
    return d.file?.fileName === file
      ? `${program.split('\n')[line ?? 0].trim()}: ${text}`
      : `${d.file?.fileName}: ${text}`
  })
}

const everywhere = `
import {
  Autoencoder, decodeImage, Detector, type Detection, Discriminator, fitImage, Generator, loadModel, OcellusError, Session,
} from 'ocellus'
const detector = await Detector.create({ scoreThreshold: 0.5, threads: 2, model: 'detector-small' })
const pixels = await decodeImage('photo.jpg')
const found: Detection[] = await detector.detect(pixels, { maxResults: 3 })
const { xmin }: { xmin: number } = found[0].box
await detector.detect(new Uint8Array(8))
await detector.detect({ width: 1, height: 1, data: new Uint8ClampedArray(4) })
const session = await Session.create(await loadModel(), { frozenModel: true, maxMemory: 1e8 })
session.setImage(pixels, fitImage('letterbox', pixels, { width: 416, height: 416 }))
session.setImage(pixels)
const { out } = session.run({ x: { dtype: 'float32', shape: [1], data: new Float32Array(1) } }, { outputs: ['out'] })
const rank: number = out.shape.length
await (await Autoencoder.create({ fit: 'crop' })).reconstruct(pixels, { mask: new Uint8Array(8), kind: 'grid' })
const [picture] = await (await Generator.create()).generate({ seed: 1 })
const logit: number = (await Discriminator.create()).scorePixels(picture).logit
if (new Error() instanceof OcellusError) throw rank + logit + xmin
// What is wrong is refused.
// @ts-expect-error
await Detector.create({ scoreTreshold: 0.5 })
// @ts-expect-error
await detector.detect('photo.jpg', { limit: 1 })
// @ts-expect-error
detector.setOptions({ threads: 2 })
// @ts-expect-error
await detector.detect(7)
// @ts-expect-error
await detector.detect([pixels])
// @ts-expect-error
await Session.create(await loadModel(), {}, true)
// @ts-expect-error
await Session.create(await loadModel(), { thread: 2 })
// @ts-expect-error
await (await Generator.create()).generate({ seeds: [1] })
// @ts-expect-error
await (await Autoencoder.create()).encode(pixels, { pool: 'max' })
// @ts-expect-error
session.execute(0, 1)
`

const inNode = `
import { Detector } from 'ocellus'
import { Camera } from 'ocellus/camera'
import { openModel } from 'ocellus/tools'
const detector = await Detector.create({ model: await openModel('a.weights', { names: 'a.names' }) })
await detector.detect(new URL('file:///photo.jpg'), { signal: AbortSignal.timeout(1000) })
await detector.detect(Buffer.alloc(8))
// @ts-expect-error
await openModel('a.weights', { name: 'a.names' })
await detector.detect(process.stdin)
const camera = await Camera.open('rtsp://camera.local/stream', { rate: 5 })
for await (const { tracks } of camera) console.log(tracks)
// @ts-expect-error
await detector.detect(new Map())
`

const inPages = `
import { Detector, drawDetections } from 'ocellus'
const detector = await Detector.create()
declare const image: HTMLImageElement, video: HTMLVideoElement, canvas: HTMLCanvasElement
declare const offscreen: OffscreenCanvas, bitmap: ImageBitmap, blob: Blob, file: File, frame: VideoFrame, data: ImageData
for (const source of [image, video, canvas, offscreen, bitmap, blob, file, frame, data]) await detector.detect(source)
await detector.detect(new URL('photo.jpg', location.href))
await detector.detectForVideo(video, performance.now(), { signal: new AbortController().signal })
drawDetections(canvas.getContext('2d')!, canvas, await detector.detect(canvas))
// @ts-expect-error
await detector.detect(document)
`

describe('the types of the package', () => {
  it.each(Object.keys(places) as (keyof typeof places)[])(
    'say what can be called, %s',
    (place) => {
      expect(compile(place, everywhere)).toEqual([])
    },
    120_000,
  )

  it('know files in Node', () => {
    expect(compile('node', inNode)).toEqual([])
  }, 120_000)

  it.each(['page', 'bundler'] as const)(
    'know the pictures of a page, %s',
    (place) => {
      expect(compile(place, inPages)).toEqual([])
    },
    120_000,
  )

  it('need no types of the DOM, of Node or of WebAssembly', () => {
    const { browser } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).exports['.'] as {
      browser: { types: string }
    }
    expect(
      compile('bare', `import { Detector } from '${browser.types.replace(/d\.ts$/, 'js')}'\nDetector`),
    ).toEqual([])
  }, 120_000)
})
