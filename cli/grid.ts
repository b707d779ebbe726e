import { OcellusError } from '../src/host/errors.js'
import type { Pixels } from '../src/host/image/pixels.js'
import { limits } from '../src/host/limits.js'

export interface GridOptions {
  readonly columns: number
  /** Each pixel becomes a square of this side. */
  readonly zoom?: number
  readonly gap?: number
}

/** Size of the sheet that `count` pictures take. Throws E_OPTION for one too large. */
export function sheetOf(
  count: number,
  { width, height }: { readonly width: number; readonly height: number },
  { columns, zoom = 1, gap = 2 }: GridOptions,
): { width: number; height: number } {
  const rows = Math.ceil(count / columns)
  const sheet = {
    width: columns * (width * zoom + gap) - gap,
    height: rows * (height * zoom + gap) - gap,
  }
  if (
    Math.max(sheet.width, sheet.height) > limits.imageSide ||
    sheet.width * sheet.height > limits.imagePixels
  ) {
    throw new OcellusError(
      'E_OPTION',
      `a grid of ${columns}x${rows} pictures would have ${sheet.width}x${sheet.height} pixels: give a folder, or fewer`,
    )
  }
  return sheet
}

/**
 * Pictures of one size row by row on a white sheet; undefined leaves a place empty. Throws
 * E_OPTION.
 */
export function gridOf(
  pictures: readonly (Pixels | undefined)[],
  { columns, zoom = 1, gap = 2 }: GridOptions,
): Pixels {
  const { width, height } = pictures.find((picture) => picture !== undefined)!
  const sheet = sheetOf(pictures.length, { width, height }, { columns, zoom, gap })
  const data = new Uint8ClampedArray(sheet.width * sheet.height * 4).fill(255)
  for (const [n, picture] of pictures.entries()) {
    if (picture === undefined) continue
    const left = (n % columns) * (width * zoom + gap)
    const top = Math.floor(n / columns) * (height * zoom + gap)
    for (let y = 0; y < height * zoom; y++) {
      for (let x = 0; x < width * zoom; x++) {
        const from = (Math.floor(y / zoom) * width + Math.floor(x / zoom)) * 4
        data.set(picture.data.subarray(from, from + 4), ((top + y) * sheet.width + left + x) * 4)
      }
    }
  }
  return { ...sheet, data }
}

/** Columns of a grid that is about as wide as high. */
export const squareColumns = (count: number): number => Math.ceil(Math.sqrt(count))
