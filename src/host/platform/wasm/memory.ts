import { outOfMemory, pageBytes, pagesFor } from '../../engine/memory.js'

const maximumPages = 65536

/** Room for the model, and for the probe's 4 KiB above the first page. Throws E_ENGINE_MEMORY. */
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
