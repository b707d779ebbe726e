import { type ErrorCode, OcellusError } from '../errors.js'
import { limits } from '../limits.js'
import { checkImageSize } from './pixels.js'

/** Reads numbers from a picture's file. A read past the end says that the file is cut short. */
export class ByteReader {
  readonly #view: DataView
  #parts = 0

  constructor(
    readonly bytes: Uint8Array,
    readonly file: string,
    readonly maxPixels?: number,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  get length(): number {
    return this.bytes.length
  }

  error(code: ErrorCode, what: string): OcellusError {
    return new OcellusError(code, `${this.file} ${what}`)
  }

  malformed(what: string): OcellusError {
    return this.error('E_IMAGE_FORMAT', `is damaged: ${what}`)
  }

  /** Throws E_IMAGE_TOO_LARGE or E_IMAGE_EMPTY for a size that is not within the caps. */
  checkSize(width: number, height: number): void {
    checkImageSize(width, height, this.file, this.maxPixels)
  }

  /** Counts a chunk or segment. Throws E_IMAGE_FORMAT where a file is made of too many. */
  countPart(): void {
    if (++this.#parts > limits.imageParts) throw this.malformed(`it has more than ${limits.imageParts} parts`)
  }

  /** Throws E_IMAGE_TRUNCATED unless the file goes on to byte `end`. */
  need(end: number): void {
    if (end > this.length) {
      throw this.error(
        'E_IMAGE_TRUNCATED',
        `is cut short: it has ${this.length} bytes and needs at least ${end}; copy it again`,
      )
    }
  }

  u8(at: number): number {
    this.need(at + 1)
    return this.bytes[at]
  }

  u16(at: number, little = false): number {
    this.need(at + 2)
    return this.#view.getUint16(at, little)
  }

  u32(at: number, little = false): number {
    this.need(at + 4)
    return this.#view.getUint32(at, little)
  }

  i32(at: number, little = false): number {
    return this.u32(at, little) | 0
  }

  /** The four letters at `at`, as chunks of PNG and RIFF are named. */
  name(at: number): string {
    this.need(at + 4)
    return String.fromCharCode(...this.bytes.subarray(at, at + 4))
  }
}

/** Whether `bytes` start with these, given as Latin-1 text. */
export function startsWith(bytes: Uint8Array, text: string, at = 0): boolean {
  if (bytes.length < at + text.length) return false
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text.charCodeAt(i)) return false
  return true
}

/** Collects stretches of a file. Nothing is copied while they follow on from each other. */
export class Excerpt {
  #start = 0
  #end = 0
  #copy: Uint8Array | undefined
  #length = 0

  constructor(readonly bytes: Uint8Array) {}

  keep(start: number, end: number): void {
    if (start === this.#end) {
      this.#end = end
      return
    }
    this.#flush()
    this.#start = start
    this.#end = end
  }

  get result(): Uint8Array {
    if (this.#copy === undefined && this.#start === 0) return this.bytes.subarray(0, this.#end)
    this.#flush()
    this.#start = this.#end
    return (this.#copy ?? this.bytes).subarray(0, this.#length)
  }

  #flush(): void {
    this.#copy ??= new Uint8Array(this.bytes.length)
    this.#copy.set(this.bytes.subarray(this.#start, this.#end), this.#length)
    this.#length += this.#end - this.#start
  }
}
