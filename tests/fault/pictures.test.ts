import { deflateSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { chunk, pngHeader, pngSignature } from '../helpers/pictures.js'
import { lineOf, made, ocellus, scratchFolder, tellsMemory } from './child.js'

const folder = scratchFolder()

/** A black PNG: a few KB, whatever its size. */
function blackPng(width: number, height: number): Uint8Array {
  const pixels = deflateSync(new Uint8Array((width * 3 + 1) * height), { level: 9 })
  const head = Buffer.from(pngSignature, 'latin1')
  return Buffer.concat([head, pngHeader(width, height, 2), chunk('IDAT', pixels), chunk('IEND')])
}

/**
 * A black GIF (GIF89a, appendix F): every code is the longest run of zeros so far and one more, so
 * that n codes make n squared pixels.
 */
function blackGif(width: number, height: number): Uint8Array {
  const head = Buffer.from('GIF89a\0\0\0\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\0\0\0\0\0\x02', 'latin1')
  for (const at of [6, 24]) {
    head.writeUInt16LE(width, at)
    head.writeUInt16LE(height, at + 2)
  }
  const [clear, end] = [4, 5]
  const bytes: number[] = []
  let [held, bits] = [0, 0]
  const put = (code: number, size: number): void => {
    held |= code << bits
    for (bits += size; bits >= 8; bits -= 8) {
      bytes.push(held & 255)
      held >>>= 8
    }
  }
  put(clear, 3)
  let [size, next, run] = [3, 6, 1]
  for (let left = width * height; left > 0; run++) {
    const length = Math.min(run, left)
    put(length === 1 ? 0 : 4 + length, size)
    left -= length
    if (next === 2 ** size && size < 12) size++
    if (++next < 4096) continue
    put(clear, 12)
    size = 3
    next = 6
    run = 0
  }
  put(end, size)
  put(0, 7)
  const blocks: number[] = []
  for (let at = 0; at < bytes.length; at += 255) {
    const block = bytes.slice(at, at + 255)
    blocks.push(block.length, ...block)
  }
  return Buffer.concat([head, Buffer.from([...blocks, 0, 0x3b])])
}

const [side, most] = [4898, 24_000_000]
const allowed = (pixels: number): number => (pixels * 12) / 2 ** 20 + 100

describe.each([
  ['png', blackPng],
  ['gif', blackGif],
] as const)('%s', (ending, make) => {
  test.runIf(tellsMemory)('one of 24 million pixels takes at most 12 bytes a pixel and 100 MiB', () => {
    expect(side * side).toBeLessThanOrEqual(most)
    const file = made(folder, `large.${ending}`, make(side, side))
    const ended = ocellus(['detect', file, '--json'])
    expect(ended.code, ended.stderr).toBe(0)
    expect(JSON.parse(ended.stdout).images[0]).toMatchObject({ width: side, height: side })
    expect(ended.peakMiB).toBeLessThan(allowed(side * side))
  })

  test('a larger one is refused by its header, and decoded when that is asked for', () => {
    const file = made(folder, `larger.${ending}`, make(side + 2, side + 2))
    const refused = ocellus(['detect', file])
    expect(refused.code).toBe(1)
    expect(lineOf(refused).code).toBe('E_IMAGE_TOO_LARGE')
    expect(lineOf(refused).text).toContain('--max-pixels')
    if (tellsMemory) expect(refused.peakMiB).toBeLessThan(150)
    const decoded = ocellus(['detect', file, '--max-pixels', String((side + 2) ** 2)])
    expect(decoded.code, decoded.stderr).toBe(0)
  })
})

test.each([
  ['png', blackPng(10_000, 10_000)],
  ['gif', blackGif(10_000, 10_000)],
] as const)('a bomb of 100 million pixels: %s', (ending, bytes) => {
  expect(bytes.length).toBeLessThan(500_000)
  const ended = ocellus(['detect', made(folder, `bomb.${ending}`, bytes)])
  expect(lineOf(ended).code).toBe('E_IMAGE_TOO_LARGE')
  if (tellsMemory) expect(ended.peakMiB).toBeLessThan(150)
})
