import type { Pixels } from '../src/host/image/pixels.js'

/** Pictures shorter than this are shown larger, by whole factors. */
const leastHeight = 224

/**
 * Pictures of one size in a row, a white line between them: masked, restored and original, as MAE's
 * authors show them.
 */
export function besideEachOther(pictures: readonly Pixels[]): Pixels {
  const { width, height } = pictures[0]
  const factor = Math.max(1, Math.ceil(leastHeight / height))
  const gap = Math.max(2, Math.round((height * factor) / 56))
  const step = width * factor + gap
  const sheet = { width: step * pictures.length - gap, height: height * factor }
  const data = new Uint8ClampedArray(sheet.width * sheet.height * 4).fill(255)
  for (const [n, picture] of pictures.entries()) {
    for (let y = 0; y < sheet.height; y++) {
      for (let x = 0; x < width * factor; x++) {
        const from = (Math.floor(y / factor) * width + Math.floor(x / factor)) * 4
        data.set(picture.data.subarray(from, from + 4), (y * sheet.width + n * step + x) * 4)
      }
    }
  }
  return { ...sheet, data }
}
