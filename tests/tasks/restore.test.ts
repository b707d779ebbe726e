import { describe, expect, it } from 'vitest'
import {
  maskedError,
  pictureOf,
  psnrOf,
  type Scene,
  valueAt,
} from '../../src/host/tasks/autoencoder/restore.js'
import { Random } from '../helpers/kernel.js'

const plain = { mean: [0, 0, 0], std: [1, 1, 1] } as const
const normal = { mean: [0.4, 0.5, 0.6], std: [0.2, 0.25, 0.3] } as const

function scene(seed: number): Scene {
  const random = new Random(seed)
  const values = Float32Array.from({ length: 4 * 6 * 3 }, () => (random.bits() >>> 8) / 2 ** 24)
  return { rows: 2, columns: 3, patch: 2, values }
}

/** Rows of patches, normalised as the network's input is, and each by itself where asked. */
function rowsOf(from: Scene, norm: typeof normal | typeof plain, each: boolean): Float32Array {
  const rows: number[] = []
  for (let place = 0; place < 6; place++) {
    const row = Array.from(
      { length: 12 },
      (_, n) => (from.values[valueAt(from, place, n)] - norm.mean[n % 3]) / norm.std[n % 3],
    )
    const centre = row.reduce((a, b) => a + b, 0) / 12
    const deviation = Math.sqrt(row.reduce((sum, v) => sum + (v - centre) ** 2, 0) / 11 + 1e-6)
    rows.push(...(each ? row.map((v) => (v - centre) / deviation) : row))
  }
  return Float32Array.from(rows)
}

describe('patches become a picture again', () => {
  it('each value at its place', () => {
    const from = scene(1)
    // Patch 4 is in the second row and column; its value 7 is the second row's first pixel, green.
    expect(valueAt(from, 4, 7)).toBe((3 * 6 + 2) * 3 + 1)
    const picture = pictureOf(rowsOf(from, normal, false), from, [0], normal, false)
    picture.forEach((value, n) => {
      expect(value).toBeCloseTo(from.values[n], 5)
    })
  })

  it('also from patches normalised each by itself, as far as they are visible', () => {
    const from = scene(2)
    const visible = [0, 2, 5]
    const picture = pictureOf(rowsOf(from, normal, true), from, visible, normal, true)
    for (const place of visible) {
      for (let n = 0; n < 12; n++) {
        const at = valueAt(from, place, n)
        expect(picture[at]).toBeCloseTo(from.values[at], 5)
      }
    }
  })

  it('a hidden patch takes mean and deviation from the visible ones', () => {
    const values = new Float32Array(72)
    const from: Scene = { rows: 2, columns: 3, patch: 2, values }
    // Constant patches: left 0.2, right 0.8; the one between lies as near to both.
    for (let n = 0; n < 12; n++) {
      values[valueAt(from, 0, n)] = 0.2
      values[valueAt(from, 2, n)] = 0.8
    }
    const picture = pictureOf(new Float32Array(72), from, [0, 2], plain, true)
    for (let n = 0; n < 12; n++) expect(picture[valueAt(from, 1, n)]).toBeCloseTo(0.5, 6)
    // Patch 3 lies beneath the left: weights 1 and 1 / 5.
    expect(picture[valueAt(from, 3, 0)]).toBeCloseTo((0.2 + 0.8 / 5) / 1.2, 6)
  })
})

it('the error counts hidden patches alone, of values limited to 0..1', () => {
  const from: Scene = { rows: 2, columns: 3, patch: 2, values: new Float32Array(72) }
  const picture = new Float32Array(72).fill(0.5)
  picture[valueAt(from, 1, 0)] = 9
  picture[valueAt(from, 3, 0)] = 0.75
  expect(maskedError(picture, from, [1, 2, 4])).toBeCloseTo((35 * 0.25 + 0.5625) / 36, 6)
  expect(psnrOf(0.01)).toBeCloseTo(20, 9)
})
