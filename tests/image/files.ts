/** Pictures of other formats than PNG, right in their structure, whatever their pixels. */

export const latin = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0))

export const joined = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts))

const u16 = (value: number): Uint8Array => Uint8Array.of(value & 255, (value >> 8) & 255)
const u32 = (value: number): Uint8Array => joined(u16(value & 0xffff), u16(value >>> 16))
const u24 = (value: number): Uint8Array => u32(value).subarray(0, 3)

/** A segment of a JPEG. */
export function segment(code: number, body: string): Uint8Array {
  return joined(Uint8Array.of(0xff, code, (body.length + 2) >> 8, (body.length + 2) & 255), latin(body))
}

/** A grey JPEG with an empty scan: enough for whoever does not decode it. */
export function jpeg(width: number, height: number, segments: readonly Uint8Array[] = []): Uint8Array {
  const size = String.fromCharCode(8, height >> 8, height & 255, width >> 8, width & 255)
  return joined(
    Uint8Array.of(0xff, 0xd8),
    ...segments,
    segment(0xdb, `\0${'\x01'.repeat(64)}`),
    segment(0xc0, `${size}\x01\x01\x11\0`),
    segment(0xc4, `\0\x01${'\0'.repeat(15)}\0`),
    segment(0xda, '\x01\x01\0\0\x3f\0'),
    // Data with a stuffed and a restart marker.
    Uint8Array.of(0x12, 0xff, 0x00, 0x34, 0xff, 0xd0, 0x56, 0xff, 0xd9),
  )
}

export interface GifOptions {
  readonly frames?: number
  readonly frameWidth?: number
  readonly interlaced?: boolean
  /** Palette indices 0 to 3, row by row as they are stored. Default: all 1. */
  readonly indices?: readonly number[]
}

/**
 * A GIF of four colours: black, red, green, blue. Codes are never compressed: the table is cleared
 * before each pixel.
 */
export function gif(width: number, height: number, options: GifOptions = {}): Uint8Array {
  const { frames = 1, frameWidth = width, interlaced = false } = options
  const indices = options.indices ?? new Array<number>(Math.min(width * height, 4096)).fill(1)
  // Codes of 3 bits: 4 clears, 5 ends.
  const codes = [...indices.flatMap((index) => [4, index]), 5]
  const bytes = new Uint8Array(Math.ceil((codes.length * 3) / 8) + 1)
  codes.forEach((code, i) => {
    const at = (i * 3) >> 3
    const value = code << ((i * 3) & 7)
    bytes[at] |= value & 255
    bytes[at + 1] |= value >> 8
  })
  const blocks: Uint8Array[] = []
  for (let at = 0; at < bytes.length; at += 255) {
    const block = bytes.subarray(at, at + 255)
    blocks.push(Uint8Array.of(block.length), block)
  }
  const frame = joined(
    Uint8Array.of(0x2c, 0, 0, 0, 0),
    u16(frameWidth),
    u16(height),
    Uint8Array.of(interlaced ? 0x40 : 0, 2),
    ...blocks,
    Uint8Array.of(0),
  )
  return joined(
    latin('GIF89a'),
    u16(width),
    u16(height),
    Uint8Array.of(0x81, 0, 0, 0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255),
    latin('!\xfe\x02hi\0'),
    ...new Array<Uint8Array>(frames).fill(frame),
    Uint8Array.of(0x3b),
  )
}

/** A BMP of 24 bits, all 7; negative heights are stored from the top. */
export function bmp(width: number, height: number): Uint8Array {
  const stride = Math.max(0, Math.ceil((width * 3) / 4) * 4)
  const pixels = new Uint8Array(Math.min(stride * Math.abs(height), 4096)).fill(7)
  return joined(
    latin('BM'),
    u32(54 + pixels.length),
    u32(0),
    u32(54),
    u32(40),
    u32(width),
    u32(height),
    u16(1),
    u16(24),
    u32(0),
    u32(pixels.length),
    u32(0),
    u32(0),
    u32(0),
    u32(0),
    pixels,
  )
}

const riff = (...chunks: readonly Uint8Array[]): Uint8Array => {
  const body = joined(latin('WEBP'), ...chunks)
  return joined(latin('RIFF'), u32(body.length), body)
}

function riffChunk(name: string, body: Uint8Array): Uint8Array {
  return joined(latin(name), u32(body.length), body, new Uint8Array(body.length % 2))
}

const vp8 = (width: number, height: number): Uint8Array =>
  riffChunk(
    'VP8 ',
    joined(Uint8Array.of(0x10, 0, 0, 0x9d, 0x01, 0x2a), u16(width), u16(height), new Uint8Array(6)),
  )

/** The three kinds of WebP, with empty pixels. */
export const webp = {
  lossy: (width: number, height: number): Uint8Array => riff(vp8(width, height)),
  lossless: (width: number, height: number): Uint8Array =>
    riff(
      riffChunk(
        'VP8L',
        joined(Uint8Array.of(0x2f), u32((width - 1) | ((height - 1) << 14)), new Uint8Array(6)),
      ),
    ),
  /** With an ICC profile, and EXIF where it is given. */
  extended: (width: number, height: number, exif?: Uint8Array): Uint8Array =>
    riff(
      riffChunk('VP8X', joined(Uint8Array.of(exif ? 0x28 : 0x20, 0, 0, 0), u24(width - 1), u24(height - 1))),
      riffChunk('ICCP', latin('profile')),
      vp8(width & 0x3fff, height & 0x3fff),
      ...(exif ? [riffChunk('EXIF', exif)] : []),
    ),
}
