import { OcellusError } from '../errors.js'

/** Where the resized picture lies in the network's input; preprocessing and decoding share it. */
export interface Geometry {
  readonly sourceWidth: number
  readonly sourceHeight: number
  readonly inputWidth: number
  readonly inputHeight: number
  readonly resizedWidth: number
  readonly resizedHeight: number
  readonly offsetX: number
  readonly offsetY: number
}

export interface Size {
  readonly width: number
  readonly height: number
}

/**
 * darknet's `letterbox_image` (src/image.c): the side that limits fills the input, the other is the
 * quotient rounded down, and so is half of what remains. A picture of 1xN keeps at least one pixel.
 */
export function pictureGeometry(mode: 'letterbox' | 'stretch', source: Size, input: Size): Geometry {
  for (const side of [source.width, source.height, input.width, input.height]) {
    if (!Number.isSafeInteger(side) || side < 1) {
      throw new OcellusError('E_IMAGE_INPUT', `a picture side of ${side} pixels; give one of at least 1`)
    }
  }
  const resized = mode === 'letterbox' ? letterbox(source, input) : input
  return {
    sourceWidth: source.width,
    sourceHeight: source.height,
    inputWidth: input.width,
    inputHeight: input.height,
    resizedWidth: resized.width,
    resizedHeight: resized.height,
    offsetX: Math.floor((input.width - resized.width) / 2),
    offsetY: Math.floor((input.height - resized.height) / 2),
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
