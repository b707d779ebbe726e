import { OcellusError } from '../errors.js'
import { limits } from '../limits.js'
import { told } from '../shown.js'

/** RGBA, row by row from the top, 4 bytes a pixel, alpha ignored: what a canvas's ImageData is. */
export interface Pixels {
  readonly width: number
  readonly height: number
  readonly data: Uint8Array | Uint8ClampedArray
}

/**
 * Throws E_IMAGE_INPUT unless these are pixels, with the data's length as their size says, and
 * E_IMAGE_TOO_LARGE where there are more than `maxPixels`. Returns how many bytes they have.
 */
export function checkPixels(pixels: Pixels, maxPixels: number = limits.mostPixels): number {
  if (typeof pixels !== 'object' || pixels === null) {
    throw new OcellusError('E_IMAGE_INPUT', 'pixels must be { width, height, data } in RGBA')
  }
  const { width, height, data } = pixels
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) {
    throw new OcellusError(
      'E_IMAGE_INPUT',
      `a picture of ${told(width)}x${told(height)} pixels; both must be at least 1`,
    )
  }
  checkImageSize(width, height, 'the picture', maxPixels)
  if (!(data instanceof Uint8ClampedArray) && !(data instanceof Uint8Array)) checkKind(data)
  if (data.length !== width * height * 4) {
    const why = data.length === 0 ? ' (is its buffer detached?)' : ''
    throw new OcellusError(
      'E_IMAGE_INPUT',
      `${data.length} bytes for ${width}x${height} pixels, expected ${width * height * 4} in RGBA${why}`,
    )
  }
  return width * height * 4
}

/**
 * A copy of the object, not of its pixels, which stays as it was checked: getters of the caller's
 * own may answer otherwise when they are asked again. Throws as `checkPixels` does.
 */
export function checkedPixels({ width, height, data }: Pixels, maxPixels: number): Pixels {
  const own = { width, height, data }
  checkPixels(own, maxPixels)
  return own
}

/** By name, not by class: in a frame or a virtual machine's context, the classes are others. */
function checkKind(data: unknown): void {
  const kind = Object.prototype.toString.call(data).slice(8, -1)
  if (kind === 'Uint8Array' || kind === 'Uint8ClampedArray') return
  throw new OcellusError('E_IMAGE_INPUT', `pixels must be a Uint8Array or Uint8ClampedArray, not ${kind}`)
}

/** What `maxPixels` says, or its default. Throws E_OPTION. */
export function checkMaxPixels(maxPixels: number = limits.imagePixels): number {
  if (Number.isInteger(maxPixels) && maxPixels >= 1 && maxPixels <= limits.mostPixels) return maxPixels
  throw new OcellusError(
    'E_OPTION',
    `maxPixels is ${maxPixels}: give a whole number from 1 to ${limits.mostPixels}`,
  )
}

/** Throws E_IMAGE_TOO_LARGE for a picture beyond the caps, E_IMAGE_EMPTY for one without pixels. */
export function checkImageSize(
  width: number,
  height: number,
  file: string,
  maxPixels: number = limits.imagePixels,
): void {
  if (width < 1 || height < 1) throw new OcellusError('E_IMAGE_EMPTY', `${file} is ${width}x${height} pixels`)
  if (width > limits.imageSide || height > limits.imageSide)
    throw new OcellusError(
      'E_IMAGE_TOO_LARGE',
      `${file} is ${width}x${height}; the most is ${limits.imageSide} a side: scale it down`,
    )
  if (width * height > maxPixels)
    throw new OcellusError(
      'E_IMAGE_TOO_LARGE',
      `${file} is ${width}x${height}, ${width * height} pixels; the most is ${maxPixels}: scale it down, or raise maxPixels (--max-pixels)`,
    )
}
