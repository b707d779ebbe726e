/** Bytes of a JPEG that is still believed. */
const mostBytes = 32 << 20

/** Cuts what ffmpeg's mpjpeg muxer writes into JPEGs. */
export class JpegReader {
  #pieces: Buffer[] = []
  #bytes = 0
  /** Bytes of the picture that is being read; undefined while its header is. */
  #wanted: number | undefined

  constructor(readonly done: (jpeg: Buffer) => void) {}

  push(chunk: Buffer): void {
    this.#pieces.push(chunk)
    this.#bytes += chunk.length
    while (this.#next());
  }

  #next(): boolean {
    if (this.#wanted !== undefined) {
      if (this.#bytes < this.#wanted) return false
      const all = this.#join()
      // A copy, so that a kept picture does not keep the chunks around it alive.
      this.done(Buffer.from(all.subarray(0, this.#wanted)))
      this.#keep(all.subarray(this.#wanted))
      this.#wanted = undefined
      return true
    }
    const all = this.#join()
    const end = all.indexOf('\r\n\r\n')
    if (end < 0) return false
    const length = Number(/content-length: *(\d{1,9})/i.exec(all.toString('latin1', 0, end))?.[1])
    if (!(length > 0 && length <= mostBytes)) {
      // Whatever this is, the next header is not far.
      this.#keep(all.subarray(end + 4))
      return true
    }
    this.#wanted = length
    this.#keep(all.subarray(end + 4))
    return true
  }

  #join(): Buffer {
    if (this.#pieces.length !== 1) this.#pieces = [Buffer.concat(this.#pieces)]
    return this.#pieces[0]
  }

  #keep(rest: Buffer): void {
    this.#pieces = [rest]
    this.#bytes = rest.length
  }
}
