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

/** The engine's memory, and views of all of it that are made anew only after it has grown: growing detaches them. */
export class EngineMemory {
  #buffer: ArrayBufferLike | undefined
  #bytes: Uint8Array = new Uint8Array()
  #int8: Int8Array = new Int8Array()
  #words: Int32Array = new Int32Array()
  #floats: Float32Array = new Float32Array()
  #doubles: Float64Array = new Float64Array()

  constructor(public memory: LinearMemory) {}

  get byteLength(): number {
    return this.memory.buffer.byteLength
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
    const missing = pagesFor(bytes) - this.byteLength / pageBytes
    if (missing <= 0) return
    try {
      this.memory.grow(missing)
    } catch (cause) {
      throw outOfMemory(bytes, cause)
    }
  }

  /** Lets go of the memory, so that whoever still holds this object does not keep it. */
  release(): void {
    this.memory = noMemory
    this.#renew()
  }

  #renew(): void {
    const { buffer } = this.memory
    if (buffer === this.#buffer) return
    this.#buffer = buffer
    this.#bytes = new Uint8Array(buffer)
    this.#int8 = new Int8Array(buffer)
    this.#words = new Int32Array(buffer)
    this.#floats = new Float32Array(buffer)
    this.#doubles = new Float64Array(buffer)
  }
}
