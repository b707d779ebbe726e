import { extname } from 'node:path'
import { OcellusError } from '../../errors.js'
import { finishDecoding, StripPicture } from '../../image/decoded.js'
import { drawDetections, type Mark } from '../../image/draw.js'
import type { Size } from '../../image/fit.js'
import { isInterlacedGif } from '../../image/formats/gif.js'
import { type ImageFormat, type ImageHeader, sniffImage } from '../../image/header.js'
import { checkPixels, type Pixels } from '../../image/pixels.js'
import { type CanvasModule, type CanvasName, type CanvasPackage, canvasPackages } from './packages.js'

/**
 * Upright RGBA of a picture's bytes (JPEG, PNG, WebP, GIF, BMP). Values are as stored: colour
 * profiles are not applied, alpha is left to be ignored. `file` names the picture in messages, and
 * one of more than `maxPixels` is not decoded. Throws E_IMAGE_*, E_CANVAS_MISSING.
 */
export async function decodeImage(bytes: Uint8Array, file: string, maxPixels?: number): Promise<Pixels> {
  // Nothing here waits: while the pixels are drawn, nobody holds the file any more.
  return loadPicture(sniffImage(bytes, file, maxPixels), file).then((loaded) => draw(loaded, file))
}

/** A picture that a package has decoded, and what its file said of it. */
interface Loaded {
  readonly canvases: CanvasModule
  readonly image: Size
  readonly header: Omit<ImageHeader, 'plain'>
}

async function loadPicture({ plain, ...header }: ImageHeader, file: string): Promise<Loaded> {
  const { format, width, height } = header
  const interlaced = format === 'gif' && isInterlacedGif(plain)
  let failure: unknown
  for (const { name, module: canvases } of canvasPackages(orderFor(format, interlaced))) {
    if (!canDecode(name, format, interlaced)) continue
    try {
      const image = await canvases.loadImage(Buffer.from(plain.buffer, plain.byteOffset, plain.length))
      if (image.width === width && image.height === height) return { canvases, image, header }
      failure ??= new Error(
        `it has ${image.width}x${image.height} pixels, but its header says ${width}x${height}`,
      )
    } catch (cause) {
      // The other package may know this kind of file; if not, the first one's reason is told.
      failure ??= cause
    }
  }
  if (failure === undefined) {
    throw new OcellusError(
      'E_IMAGE_FORMAT',
      `${file}: node-canvas can't read this kind of ${format}: run \`npm install @napi-rs/canvas\`, or convert it to PNG`,
    )
  }
  throw undecodable(file, failure)
}

function undecodable(file: string, cause: unknown): OcellusError {
  const why = cause instanceof Error ? cause.message.split('\n')[0] : String(cause)
  return new OcellusError('E_IMAGE_FORMAT', `${file} can't be decoded: ${why}`, { cause })
}

const orderFor = (format: ImageFormat, interlaced: boolean): readonly CanvasName[] =>
  canDecode('canvas', format, interlaced) ? ['canvas', 'napi'] : ['napi', 'canvas']

/** node-canvas knows no WebP, and puts the rows of an interlaced GIF in the wrong order. */
const canDecode = (name: CanvasName, format: ImageFormat, interlaced: boolean): boolean =>
  name !== 'canvas' || !(format === 'webp' || interlaced)

async function draw({ canvases, image, header }: Loaded, file: string): Promise<Pixels> {
  const { width, height } = header
  const rows = stripRows(width, height)
  try {
    const context = canvases.createCanvas(width, rows).getContext('2d')
    if (rows === height) {
      context.drawImage(image, 0, 0)
      return finishDecoding(context.getImageData(0, 0, width, height).data, header, file)
    }
    const picture = new StripPicture(header, file)
    for (let top = 0; top < height; top += rows) {
      context.clearRect(0, 0, width, rows)
      context.drawImage(image, 0, -top)
      picture.add(context.getImageData(0, 0, width, Math.min(rows, height - top)).data, top)
      // The package gives a strip's memory back between events only.
      await new Promise((done) => setImmediate(done))
    }
    return picture.pixels
  } catch (cause) {
    if (cause instanceof OcellusError) throw cause
    throw undecodable(file, cause)
  }
}

/**
 * Pixels that pass a canvas at once. A picture of more goes through a smaller canvas strip by strip:
 * a whole one and what is read of it would take 8 bytes a pixel, beside the decoder's own 4.
 */
const stripPixels = 2 ** 18

const stripRows = (width: number, height: number): number =>
  width * height <= stripPixels ? height : Math.max(1, Math.floor(stripPixels / width))

/**
 * The file of a picture with boxes and labels drawn over it, PNG or JPEG by the ending of its name.
 * Throws E_OPTION for another ending, E_CANVAS_MISSING.
 */
export async function drawOn(pixels: Pixels, found: readonly Mark[], file: string): Promise<Uint8Array> {
  checkPixels(pixels)
  const ending = extname(file).toLowerCase()
  if (!['.png', '.jpg', '.jpeg'].includes(ending)) {
    throw new OcellusError('E_OPTION', `${file}: a picture's name ends in .jpg, .jpeg or .png`)
  }
  const { module, jpegQuality } = anyPackage()
  const { width, height } = pixels
  const canvas = module.createCanvas(width, height)
  const context = canvas.getContext('2d')
  const rows = stripRows(width, height)
  for (let top = 0; top < height; top += rows) {
    const strip = context.createImageData(width, Math.min(rows, height - top))
    strip.data.set(pixels.data.subarray(top * width * 4, top * width * 4 + strip.data.length))
    for (let at = 3; at < strip.data.length; at += 4) strip.data[at] = 255
    context.putImageData(strip, 0, top)
  }
  drawDetections(context, pixels, found)
  return ending === '.png' ? canvas.toBuffer('image/png') : canvas.toBuffer('image/jpeg', jpegQuality)
}

/** The file of a picture as it is, PNG or JPEG by the ending of its name. */
export const encodeImage = (pixels: Pixels, file: string): Promise<Uint8Array> => drawOn(pixels, [], file)

function anyPackage(): CanvasPackage {
  const { value } = canvasPackages(['canvas', 'napi']).next()
  if (value === undefined) throw new OcellusError('E_CANVAS_MISSING', 'no canvas')
  return value
}
