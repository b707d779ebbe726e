import { OcellusError } from '../errors.js'
import { told } from '../shown.js'

/**
 * How a picture lies on a network's input, in its pixels: resized to this size, placed at this
 * offset.
 */
export interface Fit {
  readonly resizedWidth: number
  readonly resizedHeight: number
  readonly offsetX: number
  readonly offsetY: number
}

/** A fit and the sizes that it was made for: preprocessing and decoding share it. */
export interface Geometry extends Fit {
  readonly sourceWidth: number
  readonly sourceHeight: number
  readonly inputWidth: number
  readonly inputHeight: number
}

/** In pixels. */
export interface Size {
  readonly width: number
  readonly height: number
}

/**
 * How a picture of a size is fitted to a network's input, as `Session.setImage` takes it. `stretch`
 * fills the input. `letterbox` keeps the picture's proportions, as darknet's `letterbox_image`
 * (src/image.c) does: the side that limits fills the input, the other is the quotient rounded down,
 * and so is half of what remains. A picture of 1xN keeps at least one pixel. Throws E_IMAGE_INPUT
 * for a side below 1.
 *
 * @example
 * fitImage('letterbox', { width: 640, height: 480 }, { width: 416, height: 416 })
 * // resizedWidth 416, resizedHeight 312, offsetX 0, offsetY 52, and the sizes given
 */
export function fitImage(mode: 'letterbox' | 'stretch', source: Size, input: Size): Geometry {
  const { width: sourceWidth, height: sourceHeight } = source
  const { width: inputWidth, height: inputHeight } = input
  for (const side of [sourceWidth, sourceHeight, inputWidth, inputHeight]) {
    if (!Number.isSafeInteger(side) || side < 1) {
      throw new OcellusError(
        'E_IMAGE_INPUT',
        `a picture side of ${told(side)} pixels; give one of at least 1`,
      )
    }
  }
  const resized =
    mode === 'letterbox'
      ? letterbox({ width: sourceWidth, height: sourceHeight }, { width: inputWidth, height: inputHeight })
      : { width: inputWidth, height: inputHeight }
  return {
    sourceWidth,
    sourceHeight,
    inputWidth,
    inputHeight,
    resizedWidth: resized.width,
    resizedHeight: resized.height,
    offsetX: Math.floor((inputWidth - resized.width) / 2),
    offsetY: Math.floor((inputHeight - resized.height) / 2),
  }
}

function letterbox(source: Size, input: Size): Size {
  // input.width / source.width < input.height / source.height, without the rounding of a quotient
  const widthLimits = input.width * source.height < input.height * source.width
  return widthLimits
    ? {
        width: input.width,
        height: Math.max(1, Math.floor((source.height * input.width) / source.width)),
      }
    : {
        width: Math.max(1, Math.floor((source.width * input.height) / source.height)),
        height: input.height,
      }
}
