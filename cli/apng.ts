import { crc32 } from '../src/host/platform/node/crc32.js'

interface Chunk {
  readonly type: string
  readonly data: Uint8Array
}

const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a)

/**
 * An animated PNG (the PNG specification, third edition, section 11.3.6) of PNG files of one size
 * and kind: their compressed pixels are taken as they are, so nothing is lost and nothing is
 * compressed twice.
 */
export function animatedPng(frames: readonly Uint8Array[], millisecondsEach: number): Uint8Array {
  const [first] = frames.map(chunksOf)
  const header = first.find(({ type }) => type === 'IHDR')!
  const size = header.data.subarray(0, 8)
  let sequence = 0
  const chunks: Chunk[] = [header, { type: 'acTL', data: words(frames.length, 0) }]
  for (const [n, frame] of frames.entries()) {
    const control = new Uint8Array(26)
    control.set(words(sequence++))
    control.set(size, 4)
    new DataView(control.buffer).setUint16(20, millisecondsEach)
    new DataView(control.buffer).setUint16(22, 1000)
    chunks.push({ type: 'fcTL', data: control })
    for (const { type, data } of chunksOf(frame)) {
      if (type !== 'IDAT') continue
      if (n === 0) chunks.push({ type, data })
      else chunks.push({ type: 'fdAT', data: Buffer.concat([words(sequence++), data]) })
    }
  }
  chunks.push({ type: 'IEND', data: new Uint8Array(0) })
  return Buffer.concat([signature, ...chunks.map(bytesOf)])
}

function chunksOf(png: Uint8Array): Chunk[] {
  const view = new DataView(png.buffer, png.byteOffset, png.byteLength)
  const chunks: Chunk[] = []
  for (let at = signature.length; at + 12 <= png.length; ) {
    const length = view.getUint32(at)
    const type = String.fromCharCode(...png.subarray(at + 4, at + 8))
    chunks.push({ type, data: png.subarray(at + 8, at + 8 + length) })
    at += 12 + length
  }
  return chunks
}

function bytesOf({ type, data }: Chunk): Uint8Array {
  const body = Buffer.concat([Uint8Array.from(type, (letter) => letter.charCodeAt(0)), data])
  return Buffer.concat([words(data.length), body, words(crc32(body))])
}

/** Unsigned 32-bit integers, the highest byte first. */
function words(...values: number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4)
  values.forEach((value, i) => {
    new DataView(bytes.buffer).setUint32(i * 4, value)
  })
  return bytes
}
