import { OcellusError } from '../errors.js'
import type { ImageHeader } from './header.js'
import { upright } from './orient.js'
import type { Pixels } from './pixels.js'

/**
 * What a decoder drew on an empty canvas, checked and turned upright. A canvas starts transparent:
 * what the decoder did not reach has stayed so.
 */
export function finishDecoding(data: Uint8ClampedArray, header: ImageHeader, file: string): Pixels {
  if (header.opaque && !isOpaque(data)) {
    throw new OcellusError(
      'E_IMAGE_TRUNCATED',
      `${file} can't be decoded to its end: it is damaged; copy it again`,
    )
  }
  return upright({ width: header.width, height: header.height, data }, header.orientation)
}

function isOpaque(data: Uint8ClampedArray): boolean {
  for (let at = 3; at < data.length; at += 4) if (data[at] !== 255) return false
  return true
}
