import { OcellusError } from '../errors.js'

export const pageBytes = 65536
const maximumPages = 65536

export const pagesFor = (bytes: number): number => Math.ceil(bytes / pageBytes)

/** Room for the model, and for the probe's 4 KiB above the first page. */
export function createMemory(bytes: number, shared: boolean): WebAssembly.Memory {
  const initial = Math.max(2, pagesFor(bytes))
  try {
    return shared ? createShared(initial) : new WebAssembly.Memory({ initial, maximum: maximumPages })
  } catch (cause) {
    throw outOfMemory(initial * pageBytes, cause)
  }
}

/** Shared memory cannot move, so its addresses are taken at once: as many as there are, for pictures to come. */
function createShared(initial: number): WebAssembly.Memory {
  for (let maximum = maximumPages; maximum > initial; maximum /= 2) {
    try {
      return new WebAssembly.Memory({ initial, maximum, shared: true })
    } catch {
      // Half of it may be there.
    }
  }
  return new WebAssembly.Memory({ initial, maximum: initial, shared: true })
}

export function outOfMemory(bytes: number, cause: unknown): OcellusError {
  const mib = Math.ceil(bytes / 2 ** 20)
  return new OcellusError(
    'E_ENGINE_MEMORY',
    `no ${mib} MiB of memory for the model: free some, or use a smaller input`,
    { cause },
  )
}

/** The engine's memory, and views of all of it that are made anew only after it has grown: growing detaches them. */
export class EngineMemory {
  #buffer: ArrayBufferLike | undefined
  #bytes = new Uint8Array()
  #int8 = new Int8Array()
  #words = new Int32Array()
  #floats = new Float32Array()
  #doubles = new Float64Array()

  constructor(public memory: WebAssembly.Memory) {}

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
