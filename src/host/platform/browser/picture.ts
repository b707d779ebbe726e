import { OcellusError } from '../../errors.js'
import { finishDecoding } from '../../image/decoded.js'
import { sniffImage } from '../../image/header.js'
import { checkImageSize, type Pixels } from '../../image/pixels.js'
import { limits } from '../../limits.js'
import { tagOf } from '../../source/bytes.js'
import { addressOf, contentOf, imageContent } from '../../source/content.js'
import { fetchCapped } from './fetch.js'

const accepted =
  'give an image, a video, a canvas, an ImageBitmap, a VideoFrame, a Blob, a Response, a stream, an address, the bytes of an image file, or { width, height, data } in RGBA'

/** Upright RGBA of anything that a browser calls a picture. Throws E_IMAGE_*, E_FILE_*. */
export async function decodePicture(
  source: unknown,
  maxPixels: number = limits.imagePixels,
): Promise<Pixels> {
  const content = await contentOf(source, imageContent)
  if (content !== undefined) return decodeFile(content.bytes, content.file, maxPixels)
  const address = addressOf(source)
  if (address !== undefined)
    return decodeFile(await fetchCapped(address, limits.imageFileBytes), address, maxPixels)
  // By name: the class may be of another window, or not exist here.
  switch (tagOf(source)) {
    case 'HTMLImageElement':
      return readImage(source as HTMLImageElement, maxPixels)
    case 'HTMLVideoElement':
      return readVideo(source as HTMLVideoElement, maxPixels)
    case 'VideoFrame': {
      const frame = source as VideoFrame
      return read(
        frame,
        frame.displayWidth,
        frame.displayHeight,
        maxPixels,
        'the video frame (is it closed?)',
      )
    }
    case 'ImageBitmap': {
      const bitmap = source as ImageBitmap
      return read(bitmap, bitmap.width, bitmap.height, maxPixels, 'the bitmap (is it closed?)')
    }
    case 'HTMLCanvasElement':
    case 'OffscreenCanvas': {
      const canvas = source as HTMLCanvasElement | OffscreenCanvas
      return read(canvas, canvas.width, canvas.height, maxPixels, 'the canvas')
    }
    default:
      throw new OcellusError('E_IMAGE_INPUT', accepted)
  }
}

/**
 * The pixels of a picture's file. The browser is shown it without orientation and colour profile,
 * which
 * `createImageBitmap` obeys in one browser and not in another.
 */
async function decodeFile(bytes: Uint8Array, file: string, maxPixels: number): Promise<Pixels> {
  const header = sniffImage(bytes, file, maxPixels)
  const blob = new Blob([new Uint8Array(header.plain)], { type: `image/${header.format}` })
  const bitmap = await createImageBitmap(blob).catch((cause: unknown) => {
    throw new OcellusError('E_IMAGE_FORMAT', `${file} can't be decoded: ${reason(cause)}`, { cause })
  })
  try {
    const { width, height } = header
    if (bitmap.width !== width || bitmap.height !== height) {
      throw new OcellusError(
        'E_IMAGE_FORMAT',
        `${file} has ${bitmap.width}x${bitmap.height} pixels, but its header says ${width}x${height}`,
      )
    }
    return finishDecoding(draw(bitmap, width, height), header, file)
  } finally {
    bitmap.close()
  }
}

/** An element is drawn as it is seen: upright, unless the page's style says otherwise. */
async function readImage(image: HTMLImageElement, maxPixels: number): Promise<Pixels> {
  const name = image.currentSrc.startsWith('data:') ? 'the image' : image.currentSrc || 'the image'
  await image.decode().catch((cause: unknown) => {
    throw new OcellusError('E_IMAGE_FORMAT', `${name} can't be loaded: ${reason(cause)}`, { cause })
  })
  return read(image, image.naturalWidth, image.naturalHeight, maxPixels, name)
}

function readVideo(video: HTMLVideoElement, maxPixels: number): Pixels {
  if (video.readyState < video.HAVE_CURRENT_DATA) {
    throw new OcellusError('E_IMAGE_INPUT', 'the video has no frame yet: wait for its loadeddata event')
  }
  return read(video, video.videoWidth, video.videoHeight, maxPixels, 'the video')
}

function read(
  source: CanvasImageSource,
  width: number,
  height: number,
  maxPixels: number,
  name: string,
): Pixels {
  checkImageSize(width, height, name, maxPixels)
  try {
    return { width, height, data: draw(source, width, height) }
  } catch (cause) {
    const foreign = cause instanceof DOMException && cause.name === 'SecurityError'
    throw new OcellusError(
      'E_IMAGE_INPUT',
      foreign
        ? `${name} comes from another server, which must allow its use (CORS), and needs crossorigin="anonymous"`
        : `${name} can't be read: ${reason(cause)}`,
      { cause },
    )
  }
}

const reason = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

type Context = OffscreenCanvasRenderingContext2D | CanvasRenderingContext2D

/** Frames of a camera come in one size: their canvas is kept, unless it is large. */
const keptPixels = 2 ** 24
let kept: Context | undefined

function draw(source: CanvasImageSource, width: number, height: number): Uint8ClampedArray {
  const canvas = kept?.canvas
  const context =
    kept !== undefined && canvas?.width === width && canvas.height === height
      ? kept
      : createContext(width, height)
  // Not kept if reading fails: a canvas that once held a foreign picture gives nothing out any
  // more.
  kept = undefined
  context.drawImage(source, 0, 0, width, height)
  const { data } = context.getImageData(0, 0, width, height)
  if (width * height <= keptPixels) kept = context
  return data
}

function createContext(width: number, height: number): Context {
  // Read back at once, so it had better lie in memory.
  const settings: CanvasRenderingContext2DSettings = { willReadFrequently: true }
  let context: Context | null
  if (typeof OffscreenCanvas === 'undefined') {
    const canvas = document.createElement('canvas')
    canvas.width = width
    canvas.height = height
    context = canvas.getContext('2d', settings)
  } else {
    context = new OffscreenCanvas(width, height).getContext('2d', settings)
  }
  if (context === null) throw new OcellusError('E_IMAGE_INPUT', `no canvas of ${width}x${height} pixels here`)
  // Nothing is left of the frame before.
  context.globalCompositeOperation = 'copy'
  return context
}
