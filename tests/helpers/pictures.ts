import { crc32, deflateSync } from 'node:zlib'

/** Pictures made byte by byte, so that tests know what decoders must find in them. */

const concat = (...parts: readonly (Uint8Array | string)[]): Uint8Array =>
  new Uint8Array(Buffer.concat(parts.map((p) => (typeof p === 'string' ? Buffer.from(p, 'latin1') : p))))

export function chunk(name: string, data: Uint8Array = new Uint8Array()): Uint8Array {
  const body = concat(name, data)
  const bytes = Buffer.alloc(body.length + 8)
  bytes.writeUInt32BE(data.length, 0)
  bytes.set(body, 4)
  bytes.writeUInt32BE(crc32(body), body.length + 4)
  return new Uint8Array(bytes)
}

export const pngSignature = '\x89PNG\r\n\x1a\n'

export interface PngOptions {
  /** 0 grey, 2 RGB, 3 palette, 4 grey with alpha, 6 RGBA. */
  readonly colourType: 0 | 2 | 3 | 4 | 6
  readonly depth?: 1 | 8 | 16
  /** Chunks between IHDR and the pixels. */
  readonly before?: readonly Uint8Array[]
  /** Bytes of the pixels that are left out at the end. */
  readonly missing?: number
}

export function pngHeader(width: number, height: number, colourType: number, depth = 8): Uint8Array {
  const bytes = Buffer.alloc(13)
  bytes.writeUInt32BE(width, 0)
  bytes.writeUInt32BE(height, 4)
  bytes[8] = depth
  bytes[9] = colourType
  return chunk('IHDR', bytes)
}

/** A PNG file of these samples, row by row, whatever channels the colour type has. */
export function png(
  width: number,
  height: number,
  samples: readonly number[],
  options: PngOptions,
): Uint8Array {
  const { colourType, depth = 8, before = [], missing = 0 } = options
  const perRow = samples.length / height
  const rowBytes = Math.ceil((perRow * depth) / 8)
  const raw = new Uint8Array((rowBytes + 1) * height)
  samples.forEach((sample, i) => {
    const at = Math.floor(i / perRow) * (rowBytes + 1) + 1
    const column = i % perRow
    if (depth === 16) raw.set([sample >> 8, sample & 255], at + 2 * column)
    else if (depth === 8) raw[at + column] = sample
    else raw[at + (column >> 3)] |= sample << (7 - (column & 7))
  })
  const pixels = new Uint8Array(deflateSync(raw.subarray(0, raw.length - missing)))
  const header = pngHeader(width, height, colourType, depth)
  return concat(pngSignature, header, ...before, chunk('IDAT', pixels), chunk('IEND'))
}

/** A TIFF block whose only entry is the orientation. */
export function exif(orientation: number, order: 'II' | 'MM' = 'II'): Uint8Array {
  const block = Buffer.alloc(26)
  const [u16, u32] =
    order === 'II'
      ? [block.writeUInt16LE.bind(block), block.writeUInt32LE.bind(block)]
      : [block.writeUInt16BE.bind(block), block.writeUInt32BE.bind(block)]
  block.write(order, 0)
  u16(42, 2)
  u32(8, 4)
  u16(1, 8)
  u16(0x0112, 10)
  u16(3, 12)
  u32(1, 14)
  u16(orientation, 18)
  return new Uint8Array(block)
}

/** A JPEG with an EXIF segment in front. */
export function withExif(jpeg: Uint8Array, orientation: number, order: 'II' | 'MM' = 'II'): Uint8Array {
  const body = concat('Exif\0\0', exif(orientation, order))
  const head = Uint8Array.of(0xff, 0xe1, (body.length + 2) >> 8, (body.length + 2) & 255)
  return concat(jpeg.subarray(0, 2), head, body, jpeg.subarray(2))
}

/**
 * What a camera held in this way stores of an upright picture: the inverse of turning it upright.
 */
export function stored<T>(rows: readonly (readonly T[])[], orientation: number): T[][] {
  const height = rows.length
  const width = rows[0].length
  const at = (y: number, x: number): T => rows[y][x]
  const make = (h: number, w: number, f: (y: number, x: number) => T): T[][] =>
    Array.from({ length: h }, (_, y) => Array.from({ length: w }, (_, x) => f(y, x)))
  // EXIF 2.32: where row 0 and column 0 of what is stored lie on the upright picture.
  switch (orientation) {
    case 2:
      return make(height, width, (y, x) => at(y, width - 1 - x)) // top, right
    case 3:
      return make(height, width, (y, x) => at(height - 1 - y, width - 1 - x)) // bottom, right
    case 4:
      return make(height, width, (y, x) => at(height - 1 - y, x)) // bottom, left
    case 5:
      return make(width, height, (y, x) => at(x, y)) // left, top
    case 6:
      return make(width, height, (y, x) => at(x, width - 1 - y)) // right, top
    case 7:
      return make(width, height, (y, x) => at(height - 1 - x, width - 1 - y)) // right, bottom
    case 8:
      return make(width, height, (y, x) => at(height - 1 - x, y)) // left, bottom
    default:
      return make(height, width, at)
  }
}
