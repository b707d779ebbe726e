import type { ByteReader } from '../bytes.js'
import type { ImageHeader } from './format.js'

/** BITMAPCOREHEADER, the shortest, has 16-bit sizes. */
const coreHeaderBytes = 12

/** BITMAPFILEHEADER and one of the BITMAPINFOHEADERs (Windows, wingdi.h). */
export function readBmp(reader: ByteReader): ImageHeader {
  const pixelsAt = reader.u32(10, true)
  const headerBytes = reader.u32(14, true)
  const core = headerBytes === coreHeaderBytes
  if (!core && (headerBytes < 40 || headerBytes > 256))
    throw reader.malformed(`a header of ${headerBytes} bytes`)
  const width = core ? reader.u16(18, true) : reader.i32(18, true)
  // A negative height says that the first row is the top one.
  const height = core ? reader.u16(20, true) : Math.abs(reader.i32(22, true))
  reader.checkSize(width, height)
  const bits = reader.u16(core ? 24 : 28, true)
  const compression = core ? 0 : reader.u32(30, true)
  // Run-length-coded pixels have no length that could be foretold.
  const stored = compression === 0 || compression === 3
  reader.need(stored ? pixelsAt + Math.ceil((bits * width) / 32) * 4 * height : pixelsAt + 1)
  return { format: 'bmp', width, height, orientation: 1, opaque: false, plain: reader.bytes }
}
