import type { Orientation } from './exif.js'
import type { Pixels } from './pixels.js'

/**
 * Pixels turned upright. An output pixel (x, y) is the source's `origin + x * right + y * down`,
 * which covers all eight ways to hold a camera.
 */
export function upright({ width, height, data }: Pixels, orientation: Orientation): Pixels {
  if (orientation === 1) return { width, height, data }
  const last = width * height - 1
  const lastRow = last - width + 1
  const [origin, right, down] = {
    2: [width - 1, -1, width],
    3: [last, -1, -width],
    4: [lastRow, 1, -width],
    5: [0, width, 1],
    6: [lastRow, -width, 1],
    7: [last, -width, -1],
    8: [width - 1, width, -1],
  }[orientation]
  const swap = orientation >= 5
  const [columns, rows] = swap ? [height, width] : [width, height]
  const source = words(data)
  const target = new Uint32Array(source.length)
  let to = 0
  for (let y = 0; y < rows; y++) {
    let from = origin + y * down
    for (let x = 0; x < columns; x++) {
      target[to++] = source[from]
      from += right
    }
  }
  return { width: columns, height: rows, data: new Uint8ClampedArray(target.buffer) }
}

/** A pixel a word; copied where the bytes do not lie at a multiple of 4. */
function words(data: Pixels['data']): Uint32Array {
  const aligned = data.byteOffset % 4 === 0 ? data : new Uint8Array(data)
  return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4)
}
