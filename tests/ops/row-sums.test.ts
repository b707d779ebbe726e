import { describe, expect, it } from 'vitest'
import { builds, loadEngine, programStart } from '../helpers/engine.js'
import { Random } from '../helpers/kernel.js'

/** Sums of each row by their definition, and the two bits of what there is among the weights. */
function expected(weights: Int8Array, rows: number): { sums: number[]; found: number } {
  const depth = weights.length / rows
  const sums: number[] = []
  let found = 0
  for (let row = 0; row < rows; row++) {
    const list = [...weights.subarray(row * depth, (row + 1) * depth)]
    sums.push(
      list.reduce((a, b) => a + b, 0),
      list.reduce((a, b) => a + Math.abs(b), 0),
    )
    if (list.some((w) => w < -64 || w > 63)) found |= 1
    if (list.includes(-128)) found |= 2
  }
  return { sums, found }
}

describe.each(builds)('sums of rows, %s', (build) => {
  const { memory, exports } = loadEngine(build, 1 << 16)
  const check = (weights: Int8Array, rows: number, offset: number): void => {
    const at = programStart + offset
    const to = programStart + 0x8000
    new Int8Array(memory.buffer, at, weights.length).set(weights)
    // What lies around the rows is not theirs.
    new Int8Array(memory.buffer)[at - 1] = -128
    new Int8Array(memory.buffer)[at + weights.length] = -128
    new Int32Array(memory.buffer, to, 2 * rows + 1)[2 * rows] = 4711
    const found = exports.row_sums_s8(at, rows, weights.length / rows, to)
    const { sums, found: wanted } = expected(weights, rows)
    expect([...new Int32Array(memory.buffer, to, 2 * rows + 1)]).toEqual([...sums, 4711])
    expect(found).toBe(wanted)
  }

  it.each([1, 2, 15, 16, 17, 27, 32, 144, 333])('of %d weights', (depth) => {
    const random = new Random(depth)
    for (const [rows, limit] of [
      [1, 128],
      [3, 128],
      [8, 127],
      [5, 64],
      [4, 63],
    ] as const) {
      const weights = Int8Array.from({ length: rows * depth }, () =>
        random.integer(-limit, Math.min(127, limit)),
      )
      check(weights, rows, 1 + (depth % 7))
    }
  })

  it('with the extremes at every place', () => {
    for (const value of [-128, -127, -65, -64, 63, 64, 127]) {
      check(new Int8Array(64).fill(value), 2, 5)
      for (let at = 0; at < 37; at++) check(new Int8Array(37).fill(0).fill(value, at, at + 1), 1, 3)
    }
  })
})
