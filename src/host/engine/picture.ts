import { type ImageSource, isPixels } from '../image/image-source.js'
import { checkMaxPixels, checkPixels, type Pixels } from '../image/pixels.js'
import { checkOptions, type OptionNames } from '../options.js'
import { platform } from './platform.js'
import { type StopOptions, stopOf } from './stop.js'

/** How a picture is decoded. */
export interface DecodeOptions {
  /**
   * The most pixels that it may have. Default: `limits.imagePixels`, 24 million. Decoding takes up
   * to 12 bytes a pixel.
   */
  readonly maxPixels?: number
}

const decodeNames = { maxPixels: 'number' } satisfies OptionNames<DecodeOptions>

/**
 * Upright RGBA pixels of a picture: of a file's path or address, of its bytes, or of whatever else
 * the platform takes for a picture. Pixels that are given come back as they are. Colour profiles
 * are not applied.
 *
 * Throws E_IMAGE_* for a picture that can't be decoded or is larger than `maxPixels` allows, E_FILE_*
 * for one that can't be read, and E_CANVAS_MISSING in Node without a package that decodes.
 *
 * @example
 * const { width, height, data } = await decodeImage('photo.jpg')
 */
export async function decodeImage(source: ImageSource, options?: DecodeOptions): Promise<Pixels> {
  checkOptions(options, decodeNames, 'decodeImage')
  const maxPixels = checkMaxPixels(options?.maxPixels)
  if (!isPixels(source)) return platform().decodeImage(source, maxPixels)
  checkPixels(source, maxPixels)
  return source
}

/** As `decodeImage`, unless the work is stopped before or after. Throws E_ABORTED, E_DEADLINE. */
export async function decodeUnlessStopped(
  source: ImageSource,
  options: StopOptions | undefined,
  maxPixels: number,
): Promise<Pixels> {
  const stop = stopOf(options)
  stop?.()
  const pixels = await decodeImage(source, { maxPixels })
  stop?.()
  return pixels
}
