import type { Orientation } from './exif.js'
import type { Pixels } from './pixels.js'

/** Pixels turned upright. */
export function upright(pixels: Pixels, orientation: Orientation): Pixels {
  const { width, height, data } = pixels
  if (orientation === 1) return { width, height, data }
  const target = new Uint32Array(width * height)
  placeRows(target, pixels, orientation, data, 0)
  return { ...uprightSize(pixels, orientation), data: new Uint8ClampedArray(target.buffer) }
}

type Stored = Pick<Pixels, 'width' | 'height'>

/** Width and height of a picture that is stored in this orientation, once it is upright. */
export const uprightSize = ({ width, height }: Stored, orientation: Orientation): Stored =>
  orientation >= 5 ? { width: height, height: width } : { width, height }

/**
 * Writes rows of a stored picture, of which the first is row `top`, to where they lie upright. The
 * pixel (x, y) goes to `origin + x * right + y * down`, which covers all eight ways to hold a camera.
 */
export function placeRows(
  target: Uint32Array,
  { width, height }: Stored,
  orientation: Orientation,
  rows: Pixels['data'],
  top: number,
): void {
  const last = width * height - 1
  const [origin, right, down] = {
    1: [0, 1, width],
    2: [width - 1, -1, width],
    3: [last, -1, -width],
    4: [last - width + 1, 1, -width],
    5: [0, height, 1],
    6: [height - 1, height, -1],
    7: [last, -height, -1],
    8: [last - height + 1, -height, 1],
  }[orientation]
  const source = words(rows)
  const count = source.length / width
  for (let y = 0, from = 0; y < count; y++) {
    let to = origin + (top + y) * down
    for (let x = 0; x < width; x++) {
      target[to] = source[from++]
      to += right
    }
  }
}

/** A pixel a word; copied where the bytes do not lie at a multiple of 4. */
function words(data: Pixels['data']): Uint32Array {
  const aligned = data.byteOffset % 4 === 0 ? data : new Uint8Array(data)
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4)
}
