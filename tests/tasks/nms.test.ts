import { expect, test } from 'vitest'
import { suppress } from '../helpers/candidates.js'
import { builds } from '../helpers/engine.js'
import type { SuppressSettings } from '../helpers/reference-detection.js'

const options: SuppressSettings = {
  kind: 'greedy',
  iou: 0.5,
  beta: 0.6,
  agnostic: false,
  bestOnly: false,
  clip: false,
  maxResults: Number.POSITIVE_INFINITY,
  width: 100,
  height: 100,
}

type Corners = [xmin: number, ymin: number, xmax: number, ymax: number]
type Row = [box: Corners, score: number, classId?: number]

/** Numbers of the rows that are kept, best first. */
function kept(rows: Row[], changed: Partial<SuppressSettings> = {}): number[] {
  const candidates = rows.map(([box, score, classId = 0], origin) => ({ box, score, classId, origin }))
  const [one, other] = builds.map((build) =>
    suppress(build, candidates, { ...options, ...changed }).map(({ origin }) => origin),
  )
  expect(other).toEqual(one)
  return one
}

test('the better of two that overlap stays; an overlap of exactly the threshold is allowed', () => {
  const rows: Row[] = [[[0, 0, 10, 10], 0.5], [[0, 0, 10, 20], 0.9], [[0, 0, 10, 9.9], 0.8]] // biome-ignore format: rows
  expect(kept(rows)).toEqual([1, 2])
  expect(kept([rows[0], rows[1]])).toEqual([1, 0])
  expect(kept([rows[0], rows[1]], { iou: 0.499 })).toEqual([1])
})

test('what was dropped suppresses nothing', () => {
  const at = (x: number): Corners => [x, 0, x + 10, 10]
  expect(kept([[at(0), 0.9], [at(3), 0.8], [at(6), 0.7]])).toEqual([0, 2]) // biome-ignore format: rows
})

test('classes are apart unless agnostic', () => {
  const rows: Row[] = [[[0, 0, 10, 10], 0.5, 1], [[0, 0, 10, 10], 0.9, 2]] // biome-ignore format: rows
  expect(kept(rows)).toEqual([1, 0])
  expect(kept(rows, { agnostic: true })).toEqual([1])
  expect(kept(rows, { maxResults: 1 })).toEqual([1])
})

test('exact ties: the first stays', () => {
  const box: Corners = [0, 0, 10, 10]
  expect(kept([[box, 0.5], [box, 0.5], [box, 0.5]])).toEqual([0]) // biome-ignore format: rows
})

test('boxes without an area suppress nothing and divide by nothing', () => {
  const point: Corners = [5, 5, 5, 5]
  expect(kept([[point, 0.5], [point, 0.5], [[9, 9, 1, 1], 0.4], [[0, 0, 10, 10], 0.3]])).toHaveLength(4) // biome-ignore format: rows
})

test('DIoU: IoU - (d^2 / c^2)^beta, distances relative to the photo', () => {
  // IoU 1/3; centres 5 apart of 20 and 0 of 10, enclosing 15x10: d^2/c^2 = 0.0625 / (0.5625 + 1)
  const rows: Row[] = [[[0, 0, 10, 10], 0.9], [[5, 0, 15, 10], 0.8]] // biome-ignore format: rows
  const diou = 1 / 3 - (0.0625 / 1.5625) ** 0.6
  const sides = { kind: 'diou', width: 20, height: 10 } as const
  expect(kept(rows, { ...sides, iou: diou + 1e-9 })).toEqual([0, 1])
  expect(kept(rows, { ...sides, iou: diou - 1e-9 })).toEqual([0])
})

test('10,000 equal scores, overlapping or apart', () => {
  const same = Array.from({ length: 10_000 }, (): Row => [[0, 0, 10, 10], 0.5])
  const apart = Array.from(
    { length: 10_000 },
    (_, i): Row => [
      [20 * (i % 100), 20 * Math.floor(i / 100), 20 * (i % 100) + 10, 20 * Math.floor(i / 100) + 10],
      0.5,
    ],
  )
  for (const kind of ['greedy', 'diou'] as const) {
    expect(kept(same, { kind })).toEqual([0])
    expect(kept(apart, { kind })).toEqual(apart.map((_, i) => i))
  }
})
