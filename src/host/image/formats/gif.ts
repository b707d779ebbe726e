import type { ByteReader } from '../bytes.js'
import type { ImageHeader } from './format.js'

const imageBlock = 0x2c
const extensionBlock = 0x21
const trailer = 0x3b

/** GIF89a, section 17 ff. Only the first frame of an animation is read. */
export function readGif(reader: ByteReader): ImageHeader {
  const { bytes } = reader
  const width = reader.u16(6, true)
  const height = reader.u16(8, true)
  reader.checkSize(width, height)
  let at = 13 + tableBytes(reader.u8(10))
  while (reader.u8(at) === extensionBlock) at = endOfSubBlocks(reader, at + 2)
  if (bytes[at] !== imageBlock) throw reader.malformed('it has no pixels')
  const [left, top, columns, rows] = [1, 3, 5, 7].map((offset) => reader.u16(at + offset, true))
  // Some decoders would make the picture larger than its header says.
  if (left + columns > width || top + rows > height) throw reader.malformed('its frame is larger than it is')
  const end = endOfSubBlocks(reader, at + 11 + tableBytes(reader.u8(at + 9)))
  const plain = new Uint8Array(end + 1)
  plain.set(bytes.subarray(0, end))
  plain[end] = trailer
  return { format: 'gif', width, height, orientation: 1, opaque: false, plain }
}

/** Whether the rows of the (first) frame are stored in four passes. */
export function isInterlacedGif(plain: Uint8Array): boolean {
  let at = 13 + tableBytes(plain[10])
  while (plain[at] === extensionBlock) {
    at += 2
    while (plain[at] !== 0) at += 1 + plain[at]
    at++
  }
  return (plain[at + 9] & 0x40) !== 0
}

/** Bytes of the colour table that these flags announce. */
const tableBytes = (flags: number): number => (flags & 0x80 ? 3 * 2 ** ((flags & 7) + 1) : 0)

function endOfSubBlocks(reader: ByteReader, from: number): number {
  let at = from
  for (let length = reader.u8(at); length !== 0; length = reader.u8(at)) at += 1 + length
  return at + 1
}
