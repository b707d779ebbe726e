import { describe, expect, test } from 'vitest'
import type { DenseHead, Tensor } from '../../src/host/graph/types.js'
import { fitImage } from '../../src/host/image/fit.js'
import { DenseDecoder } from '../../src/host/tasks/detection/dense.js'
import { settingsOf } from '../../src/host/tasks/detection/options.js'

const labels = ['a', 'b']
const task = { kind: 'detection', labels, heads: [], nms: { kind: 'greedy', iou: 0.5, beta: 0 } } as const

/** Decodes rows of numbers on a photo of 64x64 that fills an input of 32x32. */
function find(
  rows: readonly (readonly number[])[],
  head: Partial<DenseHead>,
  options: Parameters<typeof settingsOf>[0] = {},
  capacity = 100,
) {
  const columns = (first: number) => ({ tensor: 't', first, transposed: false })
  const whole: DenseHead = {
    scores: columns(4),
    boxes: columns(0),
    curve: 'none',
    powers: [1, 1],
    encoding: 'center',
    bins: 1,
    firstRow: 0,
    rows: rows.length,
    columns: 1,
    scale: [1, 1],
    shift: 0,
    ...head,
  }
  const tensor: Tensor = { name: 't', shape: [1, 1, rows.length, rows[0].length], dtype: 'float32' }
  const engine = { outputs: [tensor], output: () => Float32Array.from(rows.flat()) }
  const geometry = fitImage('stretch', { width: 64, height: 64 }, { width: 32, height: 32 })
  return new DenseDecoder([whole], 2, engine).find(geometry, settingsOf(options, task), capacity)
}

const boxOf = ({ xmin, ymin, xmax, ymax }: { xmin: number; ymin: number; xmax: number; ymax: number }) => [
  xmin,
  ymin,
  xmax,
  ymax,
]

describe('boxes of dense heads', () => {
  test.each([
    ['center', [8, 6, 4, 2], {}, [12, 10, 20, 14]],
    ['corners', [0.25, 0.5, 0.5, 1], { scale: [32, 32] }, [16, 32, 32, 64]],
    ['grid', [0.5, 0.25, Math.log(2), 0], { scale: [4, 4] }, [-4, -2, 12, 6]],
    ['tanhGrid', [0, 0, 0, 0], { scale: [4, 4] }, [-16, -16, 16, 16]],
    ['distances', [1, 2, 3, 4], { scale: [4, 4], shift: 0.5 }, [-4, -12, 28, 36]],
  ] as const)('%s', (encoding, values, head, box) => {
    const [found] = find([[...values, 0.9, 0.1]], { encoding, ...head })
    boxOf(found).forEach((side, n) => {
      expect(side).toBeCloseTo(box[n], 4)
    })
    expect(found).toMatchObject({ classId: 0, origin: 0 })
    expect(found.score).toBeCloseTo(0.9, 6)
  })

  test('distributions are the mean of a softmax', () => {
    // Equal chances of 0 and 1 to the left; nearly certainly 1 upwards, 0 to the right, 1 down.
    const [found] = find([[0, 0, -50, 50, 50, -50, -50, 50, 0.9, 0.1]], {
      encoding: 'distribution',
      bins: 2,
      scores: { tensor: 't', first: 8, transposed: false },
      scale: [4, 4],
      shift: 0.5,
    })
    boxOf(found).forEach((side, n) => {
      expect(side).toBeCloseTo([0, -4, 4, 12][n], 5)
    })
  })

  test('cells follow one another along the rows of the grid', () => {
    const rows = Array.from({ length: 6 }, () => [0, 0, 0, 0, 0.9, 0])
    const found = find(rows, { encoding: 'grid', rows: 2, columns: 3, scale: [8, 8] })
    expect(found.map(({ xmin, xmax, ymin, ymax }) => [(xmin + xmax) / 2, (ymin + ymax) / 2])).toEqual([
      [0, 0],
      [16, 0],
      [32, 0],
      [0, 16],
      [16, 16],
      [32, 16],
    ])
  })
})

describe('scores of dense heads', () => {
  const objectness = { tensor: 't', first: 4, transposed: false }
  const scores = { tensor: 't', first: 5, transposed: false }

  test('are the product of the powers of objectness and class', () => {
    const [found] = find([[8, 8, 4, 4, 0.64, 0.1, 0.25]], { objectness, scores, powers: [0.5, 0.5] })
    expect(found.classId).toBe(1)
    expect(found.score).toBeCloseTo(0.4, 6)
  })

  test('go through a sigmoid where they are logits', () => {
    const [found] = find([[8, 8, 4, 4, 2, 1, -1]], { objectness, scores, curve: 'sigmoid' })
    expect(found.score).toBeCloseTo(1 / (1 + Math.exp(-2)) / (1 + Math.exp(-1)), 6)
  })

  test('are a softmax over the classes and the background', () => {
    const found = find([[8, 8, 4, 4, 1, 2, 0.5]], { curve: 'softmax' })
    expect(found[0].score).toBeCloseTo(Math.exp(2) / (Math.exp(1) + Math.exp(2) + Math.exp(0.5)), 6)
    expect(find([[8, 8, 4, 4, 1, 2, 5]], { curve: 'softmax' })).toEqual([])
  })

  test('of a transposed tensor stand a row a class', () => {
    const rows = [
      [8, 16],
      [8, 16],
      [4, 4],
      [4, 4],
      [0.9, 0.1],
      [0.2, 0.8],
    ]
    const columns = (first: number) => ({ tensor: 't', first, transposed: true })
    const found = find(rows, { scores: columns(4), boxes: columns(0), rows: 2 })
    // The photo is twice as wide as the input.
    expect(found.map(({ classId, xmin }) => [classId, xmin / 2])).toEqual([
      [0, 6],
      [1, 14],
    ])
  })

  test('of several classes each count with multiLabel, and only of those allowed', () => {
    const row = [8, 8, 4, 4, 0.6, 0.7]
    expect(find([row], {}, { multiLabel: true }).map(({ classId }) => classId)).toEqual([0, 1])
    expect(find([row], {}, { categoryDenylist: ['b'] }).map(({ classId }) => classId)).toEqual([0])
  })

  test('that are no numbers, and boxes that are not finite, are no candidates', () => {
    const nan = Number.NaN
    expect(find([[8, 8, 4, 4, nan, nan]], {})).toEqual([])
    expect(find([[8, nan, 4, 4, 0.9, 0]], {})).toEqual([])
    expect(find([[0, 0, 1e9, 0, 0.9, 0]], { encoding: 'grid' })).toEqual([])
    expect(find([[8, 8, 4, 4, nan, 0.9, 0]], { objectness, scores })).toEqual([])
  })

  test('keep the best where there are more than the list holds', () => {
    const rows = [0.5, 0.9, 0.7].map((score) => [8, 8, 4, 4, score, 0])
    expect(find(rows, {}, {}, 2).map(({ origin }) => origin)).toEqual([1, 2])
  })
})
