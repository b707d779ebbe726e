import { OcellusError } from '../../../errors.js'
import { limits } from '../../../limits.js'

/** A buffer for one frame, shared with the detector's thread. */
export interface Slot {
  readonly index: number
  readonly bytes: Uint8Array
  width: number
  height: number
}

const headerEnd = Buffer.from('ENDHDR\n')
const mostHeaderBytes = 256

/**
 * Cuts a stream of PAM pictures into frames and writes their pixels where the caller wants them. It
 * copies every byte once. Each picture tells its size, so that a source may change it.
 */
export class PamReader {
  #header = Buffer.alloc(0)
  #slot: Slot | undefined
  #filled = 0
  #wanted = 0

  /**
   * `take` gives a slot for a frame of that size, `done` gets it when it is full; where `done` returns false, no more
   * is read until `push` is called again.
   */
  constructor(
    readonly take: (width: number, height: number) => Slot,
    readonly done: (slot: Slot) => boolean,
  ) {}

  /**
   * Reads from a chunk, and returns what is left of it when a frame was refused more room. Throws
   * E_CAMERA_FORMAT.
   */
  push(chunk: Buffer): Buffer | undefined {
    let at = 0
    while (at < chunk.length) {
      if (this.#slot === undefined) {
        at = this.#readHeader(chunk, at)
        continue
      }
      const count = Math.min(this.#wanted - this.#filled, chunk.length - at)
      this.#slot.bytes.set(chunk.subarray(at, at + count), this.#filled)
      at += count
      this.#filled += count
      if (this.#filled < this.#wanted) continue
      const full = this.#slot
      this.#slot = undefined
      if (!this.done(full)) return at < chunk.length ? chunk.subarray(at) : undefined
    }
    return undefined
  }

  /** Whether the stream stands between two frames. */
  get whole(): boolean {
    return this.#slot === undefined && this.#header.length === 0
  }

  #readHeader(chunk: Buffer, at: number): number {
    const before = this.#header.length
    this.#header = Buffer.concat([this.#header, chunk.subarray(at, at + mostHeaderBytes)])
    const end = this.#header.indexOf(headerEnd)
    if (end < 0) {
      if (this.#header.length >= mostHeaderBytes) throw broken()
      return chunk.length
    }
    const text = this.#header.toString('latin1', 0, end)
    const width = Number(/^WIDTH (\d{1,6})$/m.exec(text)?.[1])
    const height = Number(/^HEIGHT (\d{1,6})$/m.exec(text)?.[1])
    if (!text.startsWith('P7\n') || !/^DEPTH 4$/m.test(text) || !(width > 0) || !(height > 0)) throw broken()
    if (width > limits.imageSide || height > limits.imageSide || width * height > limits.imagePixels)
      throw new OcellusError('E_CAMERA_FORMAT', `a frame of ${width}x${height} pixels is too large`)
    this.#header = Buffer.alloc(0)
    this.#slot = this.take(width, height)
    this.#slot.width = width
    this.#slot.height = height
    this.#filled = 0
    this.#wanted = width * height * 4
    return at + end + headerEnd.length - before
  }
}

const broken = (): OcellusError => new OcellusError('E_CAMERA_FORMAT', 'what ffmpeg sends is no picture')
