import { OcellusError } from '../errors.js'

/** Linear memory as a `WebAssembly.Memory` has it, and as other engines can give it. */
export interface LinearMemory {
  /** Another one after the memory has grown. */
  readonly buffer: ArrayBufferLike
  /** Grows by pages of 64 KiB. Throws where there are no more. */
  grow(pages: number): number
}

export const pageBytes = 65536

export const pagesFor = (bytes: number): number => Math.ceil(bytes / pageBytes)

export function outOfMemory(bytes: number, cause: unknown): OcellusError {
  const mib = Math.ceil(bytes / 2 ** 20)
  return new OcellusError(
    'E_ENGINE_MEMORY',
    `no ${mib} MiB of memory for the model: free some, or use a smaller input`,
    { cause },
  )
}

/** What a closed session holds. */
const noMemory: LinearMemory = {
  buffer: new ArrayBuffer(0),
  grow() {
    throw new RangeError('the memory was given back')
  },
}

/**
 * The engine's memory, and views of all of it that are made anew only after it has grown: growing
 * detaches them.
 */
export class EngineMemory {
  #buffer: ArrayBufferLike | undefined
  #bytes: Uint8Array = new Uint8Array()
  #int8: Int8Array = new Int8Array()
  #words: Int32Array = new Int32Array()
  #floats: Float32Array = new Float32Array()
  #doubles: Float64Array = new Float64Array()

  #memory: LinearMemory
  #byteLength: number

  /**
   * Uses so many bytes of a memory, by default all that it has now; it may have more, from an
   * earlier use.
   */
  constructor(memory: LinearMemory, byteLength: number = memory.buffer.byteLength) {
    this.#memory = memory
    this.#byteLength = byteLength
  }

  get memory(): LinearMemory {
    return this.#memory
  }

  /** Bytes in use: whole pages. */
  get byteLength(): number {
    return this.#byteLength
  }

  get bytes(): Uint8Array {
    this.#renew()
    return this.#bytes
  }

  get int8(): Int8Array {
    this.#renew()
    return this.#int8
  }

  get words(): Int32Array {
    this.#renew()
    return this.#words
  }

  get floats(): Float32Array {
    this.#renew()
    return this.#floats
  }

  get doubles(): Float64Array {
    this.#renew()
    return this.#doubles
  }

  /** Grows the memory where it is smaller. Throws E_ENGINE_MEMORY. */
  ensure(bytes: number): void {
    const needed = pagesFor(bytes) * pageBytes
    if (needed <= this.#byteLength) return
    const missing = (needed - this.#memory.buffer.byteLength) / pageBytes
    try {
      if (missing > 0) this.#memory.grow(missing)
    } catch (cause) {
      throw outOfMemory(bytes, cause)
    }
    this.#byteLength = needed
  }

  /**
   * Goes on in another memory of at least as many bytes; what is in it is the caller's to write.
   */
  replace(memory: LinearMemory): void {
    this.#memory = memory
    this.#renew()
  }

  /** Lets go of the memory, so that whoever still holds this object does not keep it. */
  release(): void {
    this.#byteLength = 0
    this.replace(noMemory)
  }

  #renew(): void {
    const { buffer } = this.#memory
    const length = this.#byteLength
    if (buffer === this.#buffer && length === this.#bytes.length) return
    this.#buffer = buffer
    this.#bytes = new Uint8Array(buffer, 0, length)
    this.#int8 = new Int8Array(buffer, 0, length)
    this.#words = new Int32Array(buffer, 0, length / 4)
    this.#floats = new Float32Array(buffer, 0, length / 4)
    this.#doubles = new Float64Array(buffer, 0, length / 8)
  }
}
