import { inflateSync } from 'node:zlib'
import type { Pixels } from '../../src/host/image/pixels.js'

const paeth = (a: number, b: number, c: number): number => {
  const [pa, pb, pc] = [Math.abs(b - c), Math.abs(a - c), Math.abs(a + b - 2 * c)]
  return pa <= pb && pa <= pc ? a : pb <= pc ? b : c
}

/**
 * Pixels of a PNG of 8-bit RGB, not interlaced (PNG specification, 2nd edition, sections 5, 9):
 * what a test's checksums rest on must not depend on which canvas package is installed, or on any.
 */
export function decodePng(file: Uint8Array): Pixels {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength)
  const [width, height, format] = [view.getUint32(16), view.getUint32(20), view.getUint32(24)]
  // Bit depth 8, colour type 2, compression 0, filter 0; then interlacing.
  if (format !== 0x08020000 || file[28] !== 0) throw new Error('not a PNG of 8-bit RGB')
  const parts: Uint8Array[] = []
  for (let at = 8; at < file.length; at += view.getUint32(at) + 12) {
    const isData = view.getUint32(at + 4) === 0x49444154
    if (isData) parts.push(file.subarray(at + 8, at + 8 + view.getUint32(at)))
  }
  const rows = inflateSync(Buffer.concat(parts))
  const stride = width * 3
  const data = new Uint8Array(width * height * 4).fill(255)
  let above = new Uint8Array(stride)
  for (let y = 0; y < height; y++) {
    const start = y * (stride + 1)
    const row = rows.subarray(start + 1, start + 1 + stride)
    for (let i = 0; i < stride; i++) {
      const [left, up, corner] = [i < 3 ? 0 : row[i - 3], above[i], i < 3 ? 0 : above[i - 3]]
      row[i] += [0, left, up, (left + up) >> 1, paeth(left, up, corner)][rows[start]]
      data[(y * width + Math.floor(i / 3)) * 4 + (i % 3)] = row[i]
    }
    above = new Uint8Array(row)
  }
  return { width, height, data }
}
