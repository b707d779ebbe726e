import { expect, it } from 'vitest'
import { JpegReader } from '../../src/host/platform/node/camera/mpjpeg.js'
import { PamReader, type Slot } from '../../src/host/platform/node/camera/pam.js'

const pam = (width: number, height: number, fill: number): Buffer =>
  Buffer.concat([
    Buffer.from(`P7\nWIDTH ${width}\nHEIGHT ${height}\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n`),
    Buffer.alloc(width * height * 4, fill),
  ])

const slot = (width: number, height: number): Slot => ({
  index: 0,
  bytes: new Uint8Array(width * height * 4),
  width: 0,
  height: 0,
})

it.each([1, 7, 64, 100_000])('frames whose size changes, in chunks of %d bytes', (step) => {
  const stream = Buffer.concat([pam(4, 3, 1), pam(8, 2, 2), pam(1, 1, 3)])
  const found: string[] = []
  const reader = new PamReader(slot, ({ width, height, bytes }) => {
    expect(new Set(bytes).size).toBe(1)
    found.push(`${width}x${height}:${bytes[0]}`)
    return true
  })
  for (let at = 0; at < stream.length; at += step)
    expect(reader.push(stream.subarray(at, at + step))).toBeUndefined()
  expect(found).toEqual(['4x3:1', '8x2:2', '1x1:3'])
})

it('gives back what it was not asked for', () => {
  let full = 0
  const reader = new PamReader(slot, () => ++full > 1)
  const rest = reader.push(Buffer.concat([pam(2, 2, 1), pam(2, 2, 2), pam(2, 2, 3)]))
  expect(full).toBe(1)
  expect(reader.push(rest!)).toBeUndefined()
  expect(full).toBe(3)
})

it.each([
  ['P6\n4 3\n255\n', 'other formats'],
  ['P7\nWIDTH 99999\nHEIGHT 99999\nDEPTH 4\nMAXVAL 255\nENDHDR\n', 'frames that are too large'],
  ['P7\nWIDTH 0\nHEIGHT 2\nDEPTH 4\nMAXVAL 255\nENDHDR\n', 'empty frames'],
  ['P7\nWIDTH 4\nHEIGHT 2\nDEPTH 3\nMAXVAL 255\nENDHDR\n', 'frames that are not RGBA'],
])('%j: refuses %2$s', (header) => {
  const reader = new PamReader(slot, () => true)
  expect(() => reader.push(Buffer.from(header.padEnd(300)))).toThrow(
    expect.objectContaining({ code: 'E_CAMERA_FORMAT' }),
  )
})

it.each([1, 10, 100_000])('JPEGs in chunks of %d bytes', (step) => {
  const part = (text: string): string =>
    `--ocellus\r\nContent-type: image/jpeg\r\nContent-length: ${text.length}\r\n\r\n${text}\r\n`
  const stream = Buffer.from(`${part('one')}${part('t\r\n\r\nwo')}${part('three')}`)
  const found: string[] = []
  const reader = new JpegReader((jpeg) => found.push(jpeg.toString()))
  for (let at = 0; at < stream.length; at += step) reader.push(stream.subarray(at, at + step))
  expect(found).toEqual(['one', 't\r\n\r\nwo', 'three'])
})

it('JPEGs after a part without a length', () => {
  const found: string[] = []
  const reader = new JpegReader((jpeg) => found.push(jpeg.toString()))
  reader.push(Buffer.from('--ocellus\r\n\r\njunk\r\n--ocellus\r\nContent-length: 2\r\n\r\nok\r\n'))
  expect(found).toEqual(['ok'])
})
