import { OcellusError } from '../errors.js'
import { limits } from '../limits.js'
import { plainBytes } from '../source/bytes.js'
import { ByteReader, startsWith } from './bytes.js'
import { readBmp } from './formats/bmp.js'
import type { ImageHeader } from './formats/format.js'
import { readGif } from './formats/gif.js'
import { readJpeg } from './formats/jpeg.js'
import { readPng } from './formats/png.js'
import { readWebp } from './formats/webp.js'

export type { ImageFormat, ImageHeader } from './formats/format.js'

const readers: readonly (readonly [signature: string, read: (reader: ByteReader) => ImageHeader])[] = [
  ['\xff\xd8\xff', readJpeg],
  ['\x89PNG\r\n\x1a\n', readPng],
  ['RIFF', readWebp],
  ['GIF87a', readGif],
  ['GIF89a', readGif],
  ['BM', readBmp],
]

/**
 * Reads the structure of a picture's file without decoding it: the format by its first bytes, the
 * size held to the caps, and that the file goes on to its end. Throws E_IMAGE_*; `file` names the
 * picture in messages.
 */
export function sniffImage(given: Uint8Array, file: string, maxPixels?: number): ImageHeader {
  const bytes = plainBytes(given)
  if (bytes.length === 0) throw new OcellusError('E_IMAGE_EMPTY', `${file} is empty`)
  if (bytes.length > limits.imageFileBytes) {
    throw new OcellusError(
      'E_IMAGE_TOO_LARGE',
      `${file} has ${bytes.length} bytes; the most is ${limits.imageFileBytes}: scale it down`,
    )
  }
  const reader = new ByteReader(bytes, file, maxPixels)
  for (const [signature, read] of readers) {
    if (startsWith(bytes, signature)) return read(reader)
    // A file that ends within its signature is the start of a picture.
    if (signature.length > bytes.length && signature.startsWith(latin(bytes))) reader.need(signature.length)
  }
  throw reader.error('E_IMAGE_FORMAT', 'is not a picture that can be read: convert it to JPEG or PNG')
}

const latin = (bytes: Uint8Array): string => String.fromCharCode(...bytes)
