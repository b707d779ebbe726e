/**
 * The formats of a microcontroller's frames, and what their pixels are as RGBA.
 * assembly/micro/preprocess.ts reads them the same way.
 */
export const frameFormats = ['rgba', 'rgb', 'rgb565', 'grey', 'yuv422'] as const
export type FrameFormat = (typeof frameFormats)[number]

export const pixelBytes: Readonly<Record<FrameFormat, number>> = {
  rgba: 4,
  rgb: 3,
  rgb565: 2,
  grey: 1,
  yuv422: 2,
}

const clamp = (value: number): number => Math.max(0, Math.min(255, value))

/** Red, green and blue of pixel `n` of a frame. */
function colourOf(format: FrameFormat, bytes: Uint8Array, n: number): readonly [number, number, number] {
  switch (format) {
    case 'rgba':
      return [bytes[4 * n], bytes[4 * n + 1], bytes[4 * n + 2]]
    case 'rgb':
      return [bytes[3 * n], bytes[3 * n + 1], bytes[3 * n + 2]]
    case 'grey':
      return [bytes[n], bytes[n], bytes[n]]
    case 'rgb565': {
      const word = bytes[2 * n] | (bytes[2 * n + 1] << 8)
      const five = (b: number): number => (b << 3) | (b >> 2)
      const green = (word >> 5) & 63
      return [five(word >> 11), (green << 2) | (green >> 4), five(word & 31)]
    }
    case 'yuv422': {
      const pair = (n >> 1) * 4
      const y = bytes[pair + 2 * (n & 1)]
      const u = bytes[pair + 1] - 128
      const v = bytes[pair + 3] - 128
      return [
        clamp(y + ((91881 * v + 32768) >> 16)),
        clamp(y - ((22554 * u + 46802 * v + 32768) >> 16)),
        clamp(y + ((116130 * u + 32768) >> 16)),
      ]
    }
  }
}

/** A frame's pixels as RGBA. */
export function rgbaOf(format: FrameFormat, bytes: Uint8Array): Uint8Array {
  const count = Math.floor(bytes.length / pixelBytes[format])
  const rgba = new Uint8Array(count * 4)
  for (let n = 0; n < count; n++) rgba.set([...colourOf(format, bytes, n), 255], n * 4)
  return rgba
}
