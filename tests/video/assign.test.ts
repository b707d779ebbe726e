import { describe, expect, test } from 'vitest'
import { RandomStream } from '../../src/host/tasks/random.js'
import { Assigner } from '../../src/host/video/assign.js'

function assign(rows: readonly (readonly number[])[], columns: number, assigner = new Assigner()): number[] {
  const columnOf = new Int32Array(rows.length)
  assigner.assign(Float64Array.from(rows.flat()), rows.length, columns, columnOf)
  return [...columnOf]
}

/** The greatest sum of benefits, by trying all: `free` is a bit for each column. */
function best(rows: readonly (readonly number[])[], columns: number): number {
  const known = new Map<number, number>()
  const from = (row: number, free: number): number => {
    if (row === rows.length) return 0
    const key = row * 2 ** columns + free
    const had = known.get(key)
    if (had !== undefined) return had
    let most = from(row + 1, free)
    for (let j = 0; j < columns; j++)
      if ((free >> j) & 1) most = Math.max(most, rows[row][j] + from(row + 1, free & ~(1 << j)))
    known.set(key, most)
    return most
  }
  return from(0, 2 ** columns - 1)
}

const sum = (rows: readonly (readonly number[])[], columnOf: readonly number[]): number =>
  columnOf.reduce((total, column, row) => total + (column < 0 ? 0 : rows[row][column]), 0)

describe('the sum is the greatest, and no column serves twice', () => {
  test.each([
    ['sparse', 0.3],
    ['half full', 0.5],
    ['full', 1],
  ])('%s', (_, share) => {
    const random = new RandomStream(7)
    const assigner = new Assigner()
    for (let n = 0; n < 300; n++) {
      const [count, columns] = [1 + random.below(9), 1 + random.below(9)]
      // Quarters, so that many solutions are equally good.
      const value = () => (random.fraction() < share ? (1 + random.below(4)) / 4 : 0)
      const rows = Array.from({ length: count }, () => Array.from({ length: columns }, value))
      const columnOf = assign(rows, columns, assigner)
      const used = columnOf.filter((column) => column >= 0)
      expect(new Set(used).size).toBe(used.length)
      expect(columnOf.every((column, row) => column < 0 || rows[row][column] > 0)).toBe(true)
      expect(sum(rows, columnOf)).toBe(best(rows, columns))
    }
  })
})

test('fractions of all sizes', () => {
  const random = new RandomStream(8)
  for (let n = 0; n < 100; n++) {
    const rows = Array.from({ length: 8 }, () => Array.from({ length: 8 }, () => random.fraction()))
    expect(sum(rows, assign(rows, 8))).toBeCloseTo(best(rows, 8), 12)
  }
})

test('the same problem has the same solution, whatever was solved before', () => {
  const random = new RandomStream(9)
  const rows = Array.from({ length: 30 }, () => Array.from({ length: 25 }, () => random.below(3)))
  const assigner = new Assigner()
  const first = assign(rows, 25, assigner)
  assign([[1, 2, 3]], 3, assigner)
  expect(assign(rows, 25, assigner)).toEqual(first)
  expect(assign(rows, 25)).toEqual(first)
})

test('nothing to pair', () => {
  expect(assign([], 3)).toEqual([])
  expect(assign([[], []], 0)).toEqual([-1, -1])
  expect(
    assign(
      [
        [0, 0],
        [0, 0],
      ],
      2,
    ),
  ).toEqual([-1, -1])
})

test('500 by 500 that are all alike', () => {
  const rows = Array.from({ length: 500 }, () => new Array<number>(500).fill(0.5))
  expect(new Set(assign(rows, 500)).size).toBe(500)
})
