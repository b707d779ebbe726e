import { extname } from 'node:path'
import { OcellusError } from '../../errors.js'
import { type DrawingContext, drawDetections, type Mark } from '../../image/draw.js'
import { isInterlacedGif } from '../../image/formats/gif.js'
import { type ImageFormat, type ImageHeader, sniffImage } from '../../image/header.js'
import { upright } from '../../image/orient.js'
import { checkPixels, type Pixels } from '../../image/pixels.js'

/** What node-canvas and @napi-rs/canvas have in common, as far as it is used. */
interface CanvasModule {
  createCanvas(width: number, height: number): Canvas
  loadImage(bytes: Buffer): Promise<{ readonly width: number; readonly height: number }>
}

interface Canvas {
  getContext(kind: '2d'): Context
  toBuffer(mime: 'image/png'): Buffer
  toBuffer(mime: 'image/jpeg', quality: unknown): Buffer
}

interface Context extends DrawingContext {
  drawImage(image: unknown, x: number, y: number): void
  getImageData(x: number, y: number, width: number, height: number): ImageDataLike
  createImageData(width: number, height: number): ImageDataLike
  putImageData(data: ImageDataLike, x: number, y: number): void
}

interface ImageDataLike {
  readonly data: Uint8ClampedArray
}

interface CanvasPackage {
  readonly name: 'canvas' | '@napi-rs/canvas'
  readonly module: CanvasModule
  /** Each package counts JPEG's quality in its own way. */
  readonly jpegQuality: unknown
}

/** What OCELLUS_CANVAS may be: one of the packages, and no other is tried. */
const names = { canvas: 'canvas', napi: '@napi-rs/canvas' } as const

const loaded = new Map<string, Promise<CanvasPackage | undefined>>()

/** A package, or undefined where it is not installed or its binary does not load. */
function load(name: CanvasPackage['name']): Promise<CanvasPackage | undefined> {
  let found = loaded.get(name)
  if (found === undefined) {
    found = import(name).then(
      (namespace: CanvasModule & { default?: CanvasModule }) => ({
        name,
        module: namespace.default ?? namespace,
        jpegQuality: name === 'canvas' ? { quality: 0.92 } : 92,
      }),
      () => undefined,
    )
    loaded.set(name, found)
  }
  return found
}

/** The installed packages, the one to try first in front. Throws E_CANVAS_MISSING when there is none. */
async function packages(format: ImageFormat): Promise<CanvasPackage[]> {
  const forced = process.env.OCELLUS_CANVAS
  if (forced && !Object.hasOwn(names, forced)) {
    throw new OcellusError('E_OPTION', `OCELLUS_CANVAS is ${JSON.stringify(forced)}; give canvas or napi`)
  }
  // node-canvas knows no WebP and puts the rows of an interlaced GIF in the wrong order.
  const order = format === 'webp' || format === 'gif' ? ['napi', 'canvas'] : ['canvas', 'napi']
  const wanted = forced ? [forced] : order
  const found = await Promise.all(wanted.map((key) => load(names[key as keyof typeof names])))
  const usable = found.filter((p) => p !== undefined)
  if (usable.length === 0) {
    const one = forced ? names[forced as keyof typeof names] : 'canvas or @napi-rs/canvas'
    throw new OcellusError(
      'E_CANVAS_MISSING',
      `no package that reads and writes pictures: run \`npm install @napi-rs/canvas\` (looked for ${one})`,
    )
  }
  return usable
}

/**
 * Upright RGBA of a picture's bytes (JPEG, PNG, WebP, GIF, BMP). Values are as stored: colour profiles are not
 * applied, alpha is left to be ignored. `file` names the picture in messages. Throws E_IMAGE_*, E_CANVAS_MISSING.
 */
export async function decodeImage(bytes: Uint8Array, file: string): Promise<Pixels> {
  const header = sniffImage(bytes, file)
  const [first] = (await packages(header.format)).filter((p) => canDecode(p, header))
  if (first === undefined) {
    throw new OcellusError(
      'E_IMAGE_FORMAT',
      `${file} is a picture that node-canvas can't read: run \`npm install @napi-rs/canvas\`, or convert it to PNG`,
    )
  }
  const { width, height } = header
  let data: Uint8ClampedArray
  try {
    data = await decode(first.module, header)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split('\n')[0] : String(cause)
    throw new OcellusError('E_IMAGE_FORMAT', `${file} can't be decoded: ${why}`, { cause })
  }
  if (header.opaque && !isOpaque(data)) {
    throw new OcellusError(
      'E_IMAGE_TRUNCATED',
      `${file} can't be decoded to its end: it is damaged; copy it again`,
    )
  }
  return upright({ width, height, data }, header.orientation)
}

function canDecode({ name }: CanvasPackage, { format, plain }: ImageHeader): boolean {
  if (name !== 'canvas') return true
  return format !== 'webp' && !(format === 'gif' && isInterlacedGif(plain))
}

async function decode(canvases: CanvasModule, { width, height, plain }: ImageHeader) {
  const image = await canvases.loadImage(Buffer.from(plain.buffer, plain.byteOffset, plain.length))
  if (image.width !== width || image.height !== height) {
    throw new Error(`it has ${image.width}x${image.height} pixels, but its header says ${width}x${height}`)
  }
  const context = canvases.createCanvas(width, height).getContext('2d')
  context.drawImage(image, 0, 0)
  return context.getImageData(0, 0, width, height).data
}

/** A canvas starts transparent: what a decoder did not reach stays so. */
function isOpaque(data: Uint8ClampedArray): boolean {
  for (let at = 3; at < data.length; at += 4) if (data[at] !== 255) return false
  return true
}

/** The file of a picture, PNG or JPEG by the ending of its name. Throws E_OPTION for another ending. */
export async function encodeImage(pixels: Pixels, file: string): Promise<Uint8Array> {
  return drawOn(pixels, [], file)
}

/** The file of a picture with boxes and labels drawn over it, PNG or JPEG by the ending of its name. */
export async function drawOn(pixels: Pixels, found: readonly Mark[], file: string): Promise<Uint8Array> {
  checkPixels(pixels)
  const png = extname(file).toLowerCase() === '.png'
  if (!png && !['.jpg', '.jpeg'].includes(extname(file).toLowerCase())) {
    throw new OcellusError('E_OPTION', `${file}: a picture's name ends in .jpg, .jpeg or .png`)
  }
  const [{ module, jpegQuality }] = await packages(png ? 'png' : 'jpeg')
  const { width, height } = pixels
  const canvas = module.createCanvas(width, height)
  const context = canvas.getContext('2d')
  const image = context.createImageData(width, height)
  image.data.set(pixels.data)
  for (let at = 3; at < image.data.length; at += 4) image.data[at] = 255
  context.putImageData(image, 0, 0)
  drawDetections(context, pixels, found)
  return png ? canvas.toBuffer('image/png') : canvas.toBuffer('image/jpeg', jpegQuality)
}
