import { type ByteReader, Excerpt, startsWith } from '../bytes.js'
import { exifOrientation, type Orientation } from '../exif.js'
import type { ImageHeader } from './format.js'

const dropped = new Set(['ICCP', 'EXIF', 'XMP '])
/** Bits of VP8X's flags: colour profile, EXIF and XMP are there. */
const droppedFlags = 0x20 | 0x08 | 0x04

/**
 * WebP Container Specification (RFC 9649, section 2): RIFF chunks around a VP8 or VP8L bit stream.
 */
export function readWebp(reader: ByteReader): ImageHeader {
  const { bytes } = reader
  if (reader.name(8) !== 'WEBP') throw reader.error('E_IMAGE_FORMAT', 'is a RIFF file, but not a picture')
  const riffEnd = 8 + reader.u32(4, true)
  const { width, height } = sizeOf(reader)
  reader.checkSize(width, height)
  reader.need(riffEnd)
  const excerpt = new Excerpt(bytes)
  excerpt.keep(0, 12)
  let orientation: Orientation = 1
  let hasPixels = false
  for (let at = 12; at + 8 <= riffEnd; ) {
    reader.countPart()
    const name = reader.name(at)
    const length = reader.u32(at + 4, true)
    reader.need(at + 8 + length)
    const end = at + 8 + length + (length % 2)
    if (name === 'EXIF') orientation = orientationOf(bytes.subarray(at + 8, at + 8 + length))
    if (name === 'VP8 ' || name === 'VP8L' || name === 'ANMF') hasPixels = true
    if (!dropped.has(name)) excerpt.keep(at, Math.min(end, bytes.length))
    at = end
  }
  if (!hasPixels) throw reader.malformed('it has no pixels')
  // Plain VP8 has no alpha.
  const opaque = startsWith(bytes, 'VP8 ', 12)
  return { format: 'webp', width, height, orientation, opaque, plain: repaired(excerpt.result) }
}

function sizeOf(reader: ByteReader): { width: number; height: number } {
  const name = reader.name(12)
  const u24 = (at: number): number => reader.u16(at, true) + (reader.u8(at + 2) << 16)
  switch (name) {
    case 'VP8 ':
      if (reader.u8(23) !== 0x9d || reader.u16(24) !== 0x012a) throw reader.malformed('no VP8 key frame')
      return { width: reader.u16(26, true) & 0x3fff, height: reader.u16(28, true) & 0x3fff }
    case 'VP8L': {
      if (reader.u8(20) !== 0x2f) throw reader.malformed('no VP8L stream')
      const bits = reader.u32(21, true)
      return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 }
    }
    case 'VP8X':
      return { width: u24(24) + 1, height: u24(27) + 1 }
    default:
      throw reader.malformed(`it starts with ${JSON.stringify(name)}`)
  }
}

/** Some writers put JPEG's prefix before the block, which the specification does not have. */
function orientationOf(block: Uint8Array): Orientation {
  return exifOrientation(startsWith(block, 'Exif\0\0') ? block.subarray(6) : block)
}

/** Length and flags as they are without what was left out. */
function repaired(excerpt: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(excerpt)
  new DataView(bytes.buffer).setUint32(4, bytes.length - 8, true)
  if (startsWith(bytes, 'VP8X', 12)) bytes[20] &= ~droppedFlags
  return bytes
}
