import { OcellusError } from '../errors.js'
import type { ImageHeader } from './header.js'
import { placeRows, upright, uprightSize } from './orient.js'
import type { Pixels } from './pixels.js'

/** What is left of a header when the file's bytes are no longer needed. */
type Stored = Omit<ImageHeader, 'plain'>

/**
 * What a decoder drew on an empty canvas, checked and turned upright. A canvas starts transparent:
 * what the decoder did not reach has stayed so.
 */
export function finishDecoding(data: Uint8ClampedArray, header: Stored, file: string): Pixels {
  checkOpaque(data, header, file)
  return upright({ width: header.width, height: header.height, data }, header.orientation)
}

/** As `finishDecoding`, for a picture that comes in strips of rows: no second copy of it is made. */
export class StripPicture {
  readonly #header: Stored
  readonly #file: string
  readonly #words: Uint32Array<ArrayBuffer>

  constructor(header: Stored, file: string) {
    this.#header = header
    this.#file = file
    this.#words = new Uint32Array(header.width * header.height)
  }

  /** Takes whole rows as stored, of which the first is row `top`. */
  add(rows: Uint8ClampedArray, top: number): void {
    checkOpaque(rows, this.#header, this.#file)
    placeRows(this.#words, this.#header, this.#header.orientation, rows, top)
  }

  /** The picture, once all rows have come. */
  get pixels(): Pixels {
    const size = uprightSize(this.#header, this.#header.orientation)
    return { ...size, data: new Uint8ClampedArray(this.#words.buffer) }
  }
}

function checkOpaque(data: Uint8ClampedArray, { opaque }: Stored, file: string): void {
  if (!opaque || isOpaque(data)) return
  throw new OcellusError(
    'E_IMAGE_TRUNCATED',
    `${file} can't be decoded to its end: it is damaged; copy it again`,
  )
}

function isOpaque(data: Uint8ClampedArray): boolean {
  for (let at = 3; at < data.length; at += 4) if (data[at] !== 255) return false
  return true
}
