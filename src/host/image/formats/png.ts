import { type ByteReader, Excerpt } from '../bytes.js'
import { exifOrientation, type Orientation } from '../exif.js'
import type { ImageHeader } from './format.js'

/**
 * What makes the pixels; all else (gAMA, iCCP, eXIf, texts, the frames of an animation) is left
 * out.
 */
const wanted = new Set(['IHDR', 'PLTE', 'tRNS', 'IDAT', 'IEND'])
const colourTypes = [0, 2, 3, 4, 6]

/** PNG, third edition, section 5: chunks of length, name, data and checksum, from IHDR to IEND. */
export function readPng(reader: ByteReader): ImageHeader {
  const { bytes } = reader
  const excerpt = new Excerpt(bytes)
  excerpt.keep(0, 8)
  if (reader.u32(8) !== 13 || reader.name(12) !== 'IHDR')
    throw reader.malformed('it does not start with IHDR')
  const width = reader.u32(16)
  const height = reader.u32(20)
  reader.checkSize(width, height)
  const colourType = reader.u8(25)
  if (!colourTypes.includes(colourType)) throw reader.malformed(`colour type ${colourType}`)
  let opaque = colourType < 4
  let orientation: Orientation = 1
  let hasPixels = false
  for (let at = 8; ; ) {
    reader.countPart()
    const length = reader.u32(at)
    const name = reader.name(at + 4)
    const end = at + 12 + length
    reader.need(end)
    if (name === 'eXIf') orientation = exifOrientation(bytes.subarray(at + 8, end - 4))
    if (name === 'IDAT') hasPixels = true
    if (name === 'tRNS') opaque = false
    if (wanted.has(name)) excerpt.keep(at, end)
    else if (isCritical(name))
      throw reader.malformed(`it needs ${JSON.stringify(name)}, which no decoder knows`)
    at = end
    if (name === 'IEND') break
  }
  if (!hasPixels) throw reader.malformed('it has no pixels')
  return { format: 'png', width, height, orientation, opaque, plain: excerpt.result }
}

/** Section 5.4: a capital first letter says that the picture can't be shown without the chunk. */
const isCritical = (name: string): boolean => (name.charCodeAt(0) & 0x20) === 0
