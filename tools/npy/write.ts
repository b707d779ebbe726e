import type { TensorData } from '../../src/host/engine/session.js'

const descriptions = { Float32Array: '<f4', Int8Array: '|i1', Int32Array: '<i4' } as const

/**
 * A NumPy array file, version 1.0 (numpy.lib.format), little-endian and row-major. Its values are
 * parts of one type that follow one another.
 */
export function writeNpy(parts: readonly TensorData[], shape: readonly number[]): Uint8Array {
  const kind = parts[0].constructor.name as keyof typeof descriptions
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ')
  const words = `{'descr': '${descriptions[kind]}', 'fortran_order': False, 'shape': (${sizes}), }`
  // Magic, version and length take 10 bytes; the data starts at a multiple of 64.
  const length = Math.ceil((10 + words.length + 1) / 64) * 64 - 10
  const header = `${words.padEnd(length - 1)}\n`
  const bytes = new Uint8Array(10 + length + parts.reduce((sum, part) => sum + part.byteLength, 0))
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, length & 255, length >> 8])
  bytes.set(new TextEncoder().encode(header), 10)
  let at = 10 + length
  for (const part of parts) {
    writeValues(part, bytes, at)
    at += part.byteLength
  }
  return bytes
}

/** Little-endian on every processor. */
function writeValues(values: TensorData, bytes: Uint8Array, at: number): void {
  const view = new DataView(bytes.buffer, at)
  const write =
    values instanceof Float32Array
      ? (i: number) => view.setFloat32(i * 4, values[i], true)
      : values instanceof Int32Array
        ? (i: number) => view.setInt32(i * 4, values[i], true)
        : (i: number) => view.setInt8(i, values[i])
  for (let i = 0; i < values.length; i++) write(i)
}
