import type { Pixels } from '../../image/pixels.js'

/**
 * The largest part of a picture, around its middle, that has the proportions of `width` to
 * `height`.
 */
export function cropToFit(pixels: Pixels, width: number, height: number): Pixels {
  const wanted = width / height
  const columns = Math.max(1, Math.min(pixels.width, Math.round(pixels.height * wanted)))
  const rows = Math.max(1, Math.min(pixels.height, Math.round(pixels.width / wanted)))
  if (columns === pixels.width && rows === pixels.height) return pixels
  const left = Math.floor((pixels.width - columns) / 2)
  const top = Math.floor((pixels.height - rows) / 2)
  const data = new Uint8ClampedArray(columns * rows * 4)
  for (let y = 0; y < rows; y++) {
    const from = ((top + y) * pixels.width + left) * 4
    data.set(pixels.data.subarray(from, from + columns * 4), y * columns * 4)
  }
  return { width: columns, height: rows, data }
}
