import { OcellusError } from '../errors.js'
import { limits } from '../limits.js'

/** RGBA, row by row from the top, 4 bytes a pixel, alpha ignored: what a canvas's ImageData is. */
export interface Pixels {
  readonly width: number
  readonly height: number
  readonly data: Uint8Array | Uint8ClampedArray
}

/** Throws E_IMAGE_INPUT unless the data is there and has the length that its size says. */
export function checkPixels({ width, height, data }: Pixels): void {
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) {
    throw new OcellusError('E_IMAGE_INPUT', `a picture of ${width}x${height} pixels; both must be at least 1`)
  }
  checkImageSize(width, height, 'the picture')
  if (!(data instanceof Uint8Array || data instanceof Uint8ClampedArray)) {
    throw new OcellusError('E_IMAGE_INPUT', 'pixels must be a Uint8Array or Uint8ClampedArray in RGBA')
  }
  if (data.length !== width * height * 4) {
    const why = data.length === 0 ? ' (is its buffer detached?)' : ''
    throw new OcellusError(
      'E_IMAGE_INPUT',
      `${data.length} bytes for ${width}x${height} pixels, expected ${width * height * 4} in RGBA${why}`,
    )
  }
}

/** Throws E_IMAGE_TOO_LARGE for a picture beyond the caps, E_IMAGE_EMPTY for one without pixels. */
export function checkImageSize(width: number, height: number, file: string): void {
  if (width < 1 || height < 1) throw new OcellusError('E_IMAGE_EMPTY', `${file} is ${width}x${height} pixels`)
  if (width > limits.imageSide || height > limits.imageSide || width * height > limits.imagePixels) {
    throw new OcellusError(
      'E_IMAGE_TOO_LARGE',
      `${file} is ${width}x${height}; the most is ${limits.imageSide} a side and ${limits.imagePixels / 1e6} megapixels: scale it down`,
    )
  }
}
