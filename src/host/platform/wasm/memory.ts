import { outOfMemory, pageBytes, pagesFor } from '../../engine/memory.js'

const maximumPages = 65536
/** Room for the model, and for the probe's 4 KiB above the first page: whole pages. */
export const roomFor = (bytes: number): number => Math.max(2, pagesFor(bytes)) * pageBytes

/** Memory of at least so many bytes; a shared one may have more. Throws E_ENGINE_MEMORY. */
export function createMemory(bytes: number, shared: boolean): WebAssembly.Memory {
  const initial = roomFor(bytes) / pageBytes
  try {
    return shared ? sharedMemory(initial) : new WebAssembly.Memory({ initial, maximum: maximumPages })
  } catch (cause) {
    throw outOfMemory(initial * pageBytes, cause)
  }
}

/**
 * Shared memories that were given back and are not collected yet. V8 does not count their bytes, so
 * it collects them late: sessions that follow each other would pile them up.
 */
let spares: WeakRef<WebAssembly.Memory>[] = []
const mostSpares = 8
/** A spare of more times the bytes that are wanted is left for a larger session. */
const mostTimes = 4

function sharedMemory(initial: number): WebAssembly.Memory {
  const bytes = initial * pageBytes
  const fitting = spares
    .map((spare) => spare.deref())
    .filter((memory) => memory !== undefined)
    .filter(({ buffer }) => buffer.byteLength >= bytes && buffer.byteLength <= mostTimes * bytes)
    .sort((a, b) => a.buffer.byteLength - b.buffer.byteLength)
  if (fitting.length === 0) return createShared(initial)
  const [memory] = fitting
  spares = spares.filter((spare) => spare.deref() !== memory)
  // As if it were new: a model must find nothing of another one's weights or pictures.
  new Uint8Array(memory.buffer).fill(0)
  return memory
}

/** Offers a shared memory for the next session: no thread may hold it any more. */
export function giveBack(memory: WebAssembly.Memory): void {
  spares = [new WeakRef(memory), ...spares.filter((spare) => spare.deref() !== undefined)].slice(
    0,
    mostSpares,
  )
}

/**
 * Shared memory cannot move, so its addresses are taken at once: as many as there are, for pictures
 * to come.
 */
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

/** Why memory can't be shared here; undefined where it can. */
export function unshared(): string | undefined {
  if (globalThis.crossOriginIsolated === false) {
    return (
      'the page is not cross-origin isolated; serve it with the headers Cross-Origin-Opener-Policy: same-origin ' +
      'and Cross-Origin-Embedder-Policy: require-corp'
    )
  }
  return typeof SharedArrayBuffer === 'undefined' ? 'there is no SharedArrayBuffer here' : undefined
}
