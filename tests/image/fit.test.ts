import { expect, test } from 'vitest'
import { fitImage } from '../../src/host/image/fit.js'

const size = (width: number, height: number) => ({ width, height })
const placed = (mode: 'letterbox' | 'stretch', source: [number, number], input: [number, number]) => {
  const g = fitImage(mode, size(...source), size(...input))
  return [g.resizedWidth, g.resizedHeight, g.offsetX, g.offsetY]
}

// worked out by hand from darknet's letterbox_image: integer quotients, integer halves
test.each([
  [
    [768, 576],
    [416, 416],
    [416, 312, 0, 52],
  ],
  [
    [576, 768],
    [416, 416],
    [312, 416, 52, 0],
  ],
  [
    [500, 333],
    [416, 416],
    [416, 277, 0, 69],
  ],
  [
    [640, 480],
    [320, 192],
    [256, 192, 32, 0],
  ],
  [
    [416, 416],
    [416, 416],
    [416, 416, 0, 0],
  ],
  [
    [100, 100],
    [416, 320],
    [320, 320, 48, 0],
  ],
  [
    [1, 5000],
    [416, 416],
    [1, 416, 207, 0],
  ],
  [
    [5000, 1],
    [416, 416],
    [416, 1, 0, 207],
  ],
] as [[number, number], [number, number], number[]][])('letterbox %j in %j', (source, input, expected) => {
  expect(placed('letterbox', source, input)).toEqual(expected)
})

test('stretch fills the input', () => {
  expect(placed('stretch', [768, 576], [416, 320])).toEqual([416, 320, 0, 0])
})

test.each([0, -1, 1.5, Number.NaN])('a side of %d is refused', (side) => {
  expect(() => placed('letterbox', [side, 10], [416, 416])).toThrow(
    expect.objectContaining({ code: 'E_IMAGE_INPUT' }),
  )
})
