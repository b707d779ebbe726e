import { describe, expect, test } from 'vitest'
import type { Orientation } from '../../src/host/image/exif.js'
import { upright } from '../../src/host/image/orient.js'
import { stored } from '../helpers/pictures.js'

const orientations: Orientation[] = [1, 2, 3, 4, 5, 6, 7, 8]

describe.each([
  [4, 3],
  [1, 5],
  [5, 1],
  [1, 1],
])('%i x %i', (width, height) => {
  const pixel = (y: number, x: number) => [y, x, y * 16 + x, 255]
  const rows = Array.from({ length: height }, (_, y) => Array.from({ length: width }, (_, x) => pixel(y, x)))

  test.each(orientations)('orientation %i', (orientation) => {
    const held = stored(rows, orientation)
    const data = Uint8Array.from(held.flat(2))
    const turned = upright({ width: held[0].length, height: held.length, data }, orientation)
    expect([turned.width, turned.height]).toEqual([width, height])
    expect([...turned.data]).toEqual(rows.flat(2))
  })
})

test('pixels at an odd address', () => {
  const bytes = Uint8Array.from([9, 1, 2, 3, 4, 5, 6, 7, 8])
  const turned = upright({ width: 2, height: 1, data: bytes.subarray(1) }, 2)
  expect([...turned.data]).toEqual([5, 6, 7, 8, 1, 2, 3, 4])
})
