import { extname } from 'node:path'
import { OcellusError } from '../../errors.js'
import { finishDecoding } from '../../image/decoded.js'
import { drawDetections, type Mark } from '../../image/draw.js'
import { isInterlacedGif } from '../../image/formats/gif.js'
import { type ImageHeader, sniffImage } from '../../image/header.js'
import { checkPixels, type Pixels } from '../../image/pixels.js'
import { type CanvasModule, type CanvasName, type CanvasPackage, canvasPackages } from './packages.js'

/**
 * Upright RGBA of a picture's bytes (JPEG, PNG, WebP, GIF, BMP). Values are as stored: colour
 * profiles are not applied, alpha is left to be ignored. `file` names the picture in messages.
 * Throws E_IMAGE_*, E_CANVAS_MISSING.
 */
export async function decodeImage(bytes: Uint8Array, file: string): Promise<Pixels> {
  const header = sniffImage(bytes, file)
  let failure: unknown
  for (const { name, module } of canvasPackages(orderFor(header))) {
    if (!canDecode(name, header)) continue
    let data: Uint8ClampedArray
    try {
      data = await decode(module, header)
    } catch (cause) {
      // The other package may know this kind of file; if not, the first one's reason is told.
      failure ??= cause
      continue
    }
    return finishDecoding(data, header, file)
  }
  if (failure === undefined) {
    throw new OcellusError(
      'E_IMAGE_FORMAT',
      `${file}: node-canvas can't read this kind of ${header.format}: run \`npm install @napi-rs/canvas\`, or convert it to PNG`,
    )
  }
  const why = failure instanceof Error ? failure.message.split('\n')[0] : String(failure)
  throw new OcellusError('E_IMAGE_FORMAT', `${file} can't be decoded: ${why}`, { cause: failure })
}

const orderFor = (header: ImageHeader): readonly CanvasName[] =>
  canDecode('canvas', header) ? ['canvas', 'napi'] : ['napi', 'canvas']

/** node-canvas knows no WebP, and puts the rows of an interlaced GIF in the wrong order. */
function canDecode(name: CanvasName, { format, plain }: ImageHeader): boolean {
  return name !== 'canvas' || !(format === 'webp' || (format === 'gif' && isInterlacedGif(plain)))
}

async function decode(
  canvases: CanvasModule,
  { width, height, plain }: ImageHeader,
): Promise<Uint8ClampedArray> {
  const image = await canvases.loadImage(Buffer.from(plain.buffer, plain.byteOffset, plain.length))
  if (image.width !== width || image.height !== height) {
    throw new Error(`it has ${image.width}x${image.height} pixels, but its header says ${width}x${height}`)
  }
  const context = canvases.createCanvas(width, height).getContext('2d')
  context.drawImage(image, 0, 0)
  return context.getImageData(0, 0, width, height).data
}

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
  const image = context.createImageData(width, height)
  image.data.set(pixels.data)
  for (let at = 3; at < image.data.length; at += 4) image.data[at] = 255
  context.putImageData(image, 0, 0)
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
