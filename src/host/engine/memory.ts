import { outOfMemory, pageBytes, pagesFor } from './build.js'

/** The engine's memory, and views of all of it that are made anew only after it has grown: growing detaches them. */
export class EngineMemory {
  #buffer: ArrayBufferLike | undefined
  #bytes = new Uint8Array()
  #int8 = new Int8Array()
  #words = new Int32Array()
  #floats = new Float32Array()
  #doubles = new Float64Array()

  constructor(readonly memory: WebAssembly.Memory) {}

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
