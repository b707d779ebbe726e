import { type ByteReader, Excerpt, startsWith } from '../bytes.js'
import { exifOrientation, type Orientation } from '../exif.js'
import type { ImageHeader } from './format.js'

const startOfScan = 0xda
const endOfImage = 0xd9
const exifSegment = 0xe1

/**
 * A progressive picture is gone through once a scan. Encoders make about ten; thousands of empty
 * ones in a small file would keep a decoder busy for hours.
 */
const maxScans = 100

/**
 * ITU T.81, annex B: segments, each with its length, and entropy-coded scans between them, up to
 * EOI.
 */
export function readJpeg(reader: ByteReader): ImageHeader {
  const { bytes } = reader
  const excerpt = new Excerpt(bytes)
  excerpt.keep(0, 2)
  let size: { width: number; height: number } | undefined
  let orientation: Orientation | undefined
  let scans = 0
  let at = 2
  for (;;) {
    reader.countPart()
    const { start, code } = nextMarker(reader, at)
    if (code === endOfImage) {
      if (scans === 0 || size === undefined) throw reader.malformed('it ends before its pixels')
      excerpt.keep(start, start + 2)
      return { format: 'jpeg', ...size, orientation: orientation ?? 1, opaque: true, plain: excerpt.result }
    }
    if (isAlone(code)) {
      at = start + 2
      continue
    }
    const length = reader.u16(start + 2)
    if (length < 2) throw reader.malformed(`a segment of ${length} bytes at byte ${start}`)
    let end = start + 2 + length
    if (isFrame(code)) {
      size = { height: reader.u16(start + 5), width: reader.u16(start + 7) }
      reader.checkSize(size.width, size.height)
    }
    reader.need(end)
    const body = bytes.subarray(start + 4, end)
    if (code === exifSegment && startsWith(body, 'Exif\0\0'))
      orientation ??= exifOrientation(body.subarray(6))
    if (code === startOfScan) {
      if (size === undefined) throw reader.malformed('a scan before the size')
      if (++scans > maxScans) throw reader.malformed(`more than ${maxScans} scans`)
      end = endOfScan(reader, end)
    }
    if (!isMetadata(code)) excerpt.keep(start, end)
    at = end
  }
}

/** Start of frame: 0xc0 to 0xcf, less the tables DHT, JPG and DAC that stand among them. */
const isFrame = (code: number): boolean => code >= 0xc0 && code <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(code)

/**
 * Application data and comments, but for JFIF's APP0 and Adobe's APP14, which tell what colours the
 * components are.
 */
const isMetadata = (code: number): boolean => (code >= 0xe1 && code <= 0xef && code !== 0xee) || code === 0xfe

/** TEM and the restart markers have no length. */
const isAlone = (code: number): boolean => code === 0x01 || (code >= 0xd0 && code <= 0xd8)

/** The next 0xff that a code follows; decoders skip what stands before it, and so does this. */
function nextMarker(reader: ByteReader, from: number): { start: number; code: number } {
  let start = from - 1
  let code: number
  do {
    start = nextFf(reader.bytes, start + 1)
    if (start < 0) reader.need(reader.length + 1)
    code = reader.u8(start + 1)
  } while (code === 0xff || code === 0)
  return { start, code }
}

/** As `indexOf`, which by itself takes long for each of many that lie close together. */
function nextFf(bytes: Uint8Array, from: number): number {
  const near = Math.min(from + 16, bytes.length)
  for (let at = from; at < near; at++) if (bytes[at] === 0xff) return at
  return bytes.indexOf(0xff, near)
}

/** Within a scan, 0xff is data before 0 and restarts the coder before 0xd0 to 0xd7. */
function endOfScan(reader: ByteReader, from: number): number {
  let at = from
  for (;;) {
    const { start, code } = nextMarker(reader, at)
    if (!(code >= 0xd0 && code <= 0xd7)) return start
    at = start + 2
  }
}
