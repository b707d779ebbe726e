/** How a picture must be turned to stand upright: the values 1 to 8 of EXIF's tag 0x0112. */
export type Orientation = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8

const orientationTag = 0x0112
const short = 3

/**
 * The orientation in a block of EXIF, which is a TIFF file (EXIF 2.32, 4.5 and 4.6.4). Blocks that
 * can't be read count as upright, as in every viewer: the pixels are good all the same.
 */
export function exifOrientation(block: Uint8Array): Orientation {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength)
  const order = block.length >= 8 ? view.getUint16(0) : 0
  const little = order === 0x4949
  if (!little && order !== 0x4d4d) return 1
  if (view.getUint16(2, little) !== 42) return 1
  const directory = view.getUint32(4, little)
  if (directory + 2 > block.length) return 1
  const count = view.getUint16(directory, little)
  for (let i = 0; i < count; i++) {
    const entry = directory + 2 + i * 12
    if (entry + 12 > block.length) return 1
    if (view.getUint16(entry, little) !== orientationTag) continue
    const value = view.getUint16(entry + 8, little)
    const good = view.getUint16(entry + 2, little) === short && value >= 1 && value <= 8
    return good ? (value as Orientation) : 1
  }
  return 1
}
