import { OcellusError } from '../errors.js'

/**
 * What an object is by its own name: classes of frames, Jest and other virtual machines are not
 * ours.
 */
export const tagOf = (value: unknown): string => Object.prototype.toString.call(value).slice(8, -1)

/** A DataView takes true buffers only, of any realm and kind, whatever they call themselves. */
function isBuffer(value: unknown): value is ArrayBufferLike {
  try {
    return new DataView(value as ArrayBuffer).byteLength >= 0
  } catch {
    return false
  }
}

/**
 * The bytes that a value holds: a typed array or DataView of any kind and offset, Node's Buffer
 * among them, or an ArrayBuffer, from any realm. Undefined for anything else.
 *
 * The result is always a plain Uint8Array, as parsers expect one: of a Buffer, `slice` would be a
 * view of memory that other Buffers share. It is a view of the same memory, but a copy of shared
 * memory, which could change while it is read. Throws E_INPUT_TYPE for memory that was given away.
 */
export function bytesOf(value: unknown): Uint8Array | undefined {
  const view = viewOf(value)
  if (view === undefined) return undefined
  try {
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
    return tagOf(view.buffer) === 'SharedArrayBuffer' ? new Uint8Array(bytes) : bytes
  } catch (cause) {
    throw new OcellusError('E_INPUT_TYPE', 'the memory of these bytes was given away: is it detached?', {
      cause,
    })
  }
}

interface View {
  readonly buffer: ArrayBufferLike
  readonly byteOffset: number
  readonly byteLength: number
}

function viewOf(value: unknown): View | undefined {
  if (ArrayBuffer.isView(value)) return value
  return isBuffer(value) ? { buffer: value, byteOffset: 0, byteLength: value.byteLength } : undefined
}

/** As `bytesOf`, of what is known to hold bytes. */
export function plainBytes(value: ArrayBufferView | Uint8Array): Uint8Array {
  return bytesOf(value) ?? new Uint8Array(0)
}
