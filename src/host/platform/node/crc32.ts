import * as zlib from 'node:zlib'

const table = Uint32Array.from({ length: 256 }, (_, n) => {
  let c = n
  for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1
  return c
})

/** As `crc32`, where Node has none. */
export function plainCrc32(bytes: Uint8Array, before = 0): number {
  let c = ~before
  for (let i = 0; i < bytes.length; i++) c = table[(c ^ bytes[i]) & 255] ^ (c >>> 8)
  return ~c >>> 0
}

/**
 * The checksum of PNG and zip, of bytes that follow others whose checksum is `before`. Node's own
 * came with 20.15.
 */
export const crc32: (bytes: Uint8Array, before?: number) => number = zlib.crc32 ?? plainCrc32
