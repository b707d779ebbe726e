import { describe, expect, it } from 'vitest'
import type { Pixels } from '../../src/host/image/pixels.js'
import { cropToFit } from '../../src/host/tasks/autoencoder/crop.js'
import { maskKinds, visibleOfPicture, visiblePatches } from '../../src/host/tasks/autoencoder/mask.js'

const grid = { rows: 8, columns: 8 }

describe.each(maskKinds)('%s masks', (kind) => {
  it.each([0.05, 0.25, 0.5, 0.6, 0.75, 0.9, 0.95])('hide %d of the patches', (ratio) => {
    for (const { rows, columns } of [grid, { rows: 14, columns: 14 }, { rows: 3, columns: 5 }]) {
      const places = rows * columns
      const visible = visiblePatches(kind, ratio, 5, { rows, columns })
      expect(new Set(visible).size).toBe(visible.length)
      expect(visible).toEqual([...visible].sort((a, b) => a - b))
      expect(visible[0]).toBeGreaterThanOrEqual(0)
      expect(visible[visible.length - 1]).toBeLessThan(places)
      expect(Math.abs(visible.length - places * (1 - ratio))).toBeLessThan(1)
      expect(visiblePatches(kind, ratio, 5, { rows, columns })).toEqual(visible)
    }
  })

  it.each([0, 1, 0.049, 0.951, -1, Number.NaN])('refuse the ratio %d', (ratio) => {
    expect(() => visiblePatches(kind, ratio, 1, grid)).toThrow(expect.objectContaining({ code: 'E_OPTION' }))
  })
})

it('the seed chooses', () => {
  for (const kind of ['random', 'block'] as const)
    expect(visiblePatches(kind, 0.75, 1, grid)).not.toEqual(visiblePatches(kind, 0.75, 2, grid))
  expect(visiblePatches('random', 0.75, 1, grid)).toMatchInlineSnapshot(`
    [
      6,
      10,
      11,
      15,
      17,
      22,
      23,
      25,
      27,
      30,
      37,
      38,
      46,
      48,
      50,
      52,
    ]
  `)
})

it('a grid of a quarter is every second row and column', () => {
  const expected = [0, 2, 4, 6].flatMap((y) => [0, 2, 4, 6].map((x) => y * 8 + x))
  expect(visiblePatches('grid', 0.75, 1, grid)).toEqual(expected)
})

const picture = (width: number, height: number, light: (x: number, y: number) => boolean): Pixels => {
  const data = new Uint8ClampedArray(width * height * 4).fill(255)
  for (let p = 0; p < width * height; p++)
    if (!light(p % width, Math.floor(p / width))) data.fill(0, p * 4, p * 4 + 3)
  return { width, height, data }
}

describe('a mask that is a picture', () => {
  it('hides the patches that are half light', () => {
    const mask = picture(40, 30, (x, y) => x >= 10 && x < 20 && y < 15)
    expect(visibleOfPicture(mask, mask, { rows: 2, columns: 4 })).toEqual([0, 2, 3, 4, 5, 6, 7])
    const half = picture(40, 30, (x) => x < 5)
    expect(visibleOfPicture(half, half, { rows: 1, columns: 4 })).toEqual([1, 2, 3])
  })

  it('leaves transparent pixels visible', () => {
    const mask = picture(4, 4, (x) => x < 2)
    for (let y = 0; y < 4; y++) mask.data[(y * 4 + 0) * 4 + 3] = 0
    expect(visibleOfPicture(mask, mask, { rows: 1, columns: 4 })).toEqual([0, 2, 3])
  })

  it.each([
    ['of another size', picture(4, 5, (x) => x < 2)],
    ['that hides nothing', picture(4, 4, () => false)],
    ['that hides everything', picture(4, 4, () => true)],
  ])('is refused: one %s', (_, mask) => {
    const covered = { width: 4, height: 4 }
    expect(() => visibleOfPicture(mask, covered, { rows: 2, columns: 2 })).toThrow(
      expect.objectContaining({ code: 'E_OPTION' }),
    )
  })
})

it('crops the middle to proportions', () => {
  const wide = picture(6, 2, (x) => x === 2)
  const cropped = cropToFit(wide, 64, 64)
  expect([cropped.width, cropped.height]).toEqual([2, 2])
  expect(cropped.data[0]).toBe(255)
  expect(cropped.data[4]).toBe(0)
  expect(cropToFit(wide, 30, 10)).toBe(wide)
  expect(
    cropToFit(
      picture(1, 9, () => true),
      64,
      64,
    ),
  ).toMatchObject({ width: 1, height: 1 })
})
