/**
 * A NumPy array file, version 1.0 (numpy.lib.format): little-endian float32, row-major, of parts that follow one another.
 */
export function writeNpy(parts: readonly Float32Array[], shape: readonly number[]): Uint8Array {
  const sizes = shape.length === 1 ? `${shape[0]},` : shape.join(', ')
  const words = `{'descr': '<f4', 'fortran_order': False, 'shape': (${sizes}), }`
  // Magic, version and length take 10 bytes; the data starts at a multiple of 64.
  const length = Math.ceil((10 + words.length + 1) / 64) * 64 - 10
  const header = `${words.padEnd(length - 1)}\n`
  const values = parts.reduce((sum, part) => sum + part.length, 0)
  const bytes = new Uint8Array(10 + length + values * 4)
  bytes.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, length & 255, length >> 8])
  bytes.set(new TextEncoder().encode(header), 10)
  const data = new DataView(bytes.buffer, 10 + length)
  let at = 0
  for (const part of parts) {
    for (const value of part) {
      data.setFloat32(at, value, true)
      at += 4
    }
  }
  return bytes
}
