import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { DetectionTask, YoloHead } from '../../src/host/graph/types.js'
import { fitImage } from '../../src/host/image/fit.js'
import { limits } from '../../src/host/limits.js'
import type { DetectionOptions } from '../../src/host/tasks/detection/options.js'
import { decodeHeads } from '../helpers/decoding.js'
import { builds } from '../helpers/engine.js'
import type { HeadOutput } from '../helpers/reference-detection.js'
import { sharedData, skipUnless } from '../helpers/require.js'

const head: YoloHead = { output: 'head', anchors: [[10, 20]], scaleXY: 1, newCoords: false }
const square = fitImage('stretch', { width: 32, height: 32 }, { width: 32, height: 32 })
const logit = (p: number) => Math.log(p / (1 - p))

/** A head of one row whose cells hold x, y, w, h, objectness, classes. */
const row = (...cells: number[][]): HeadOutput => ({
  data: Float32Array.from(cells.flat()),
  height: 1,
  width: cells.length,
})

/** Every candidate of a head, best first: nothing is suppressed or cut. */
function decode(
  output: HeadOutput,
  of: Partial<YoloHead> = {},
  multiLabel = false,
  scoreThreshold = 0.25,
  geometry = square,
) {
  const anchors = of.anchors?.length ?? 1
  const classes = output.data.length / (output.height * output.width * anchors) - 5
  const task: DetectionTask = {
    kind: 'detection',
    labels: Array.from({ length: classes }, (_, n) => `class ${n}`),
    heads: [{ ...head, ...of }],
    nms: { kind: 'greedy', iou: 1, beta: 0.6 },
  }
  const [found, other] = builds.map((build) =>
    decodeHeads([output], task, geometry, { scoreThreshold, multiLabel, clip: false }, build),
  )
  expect(other).toEqual(found)
  return found.map(({ box, score, classId }) => ({
    box: [box.xmin, box.ymin, box.xmax, box.ymax],
    score,
    classId,
  }))
}

describe('one head', () => {
  test('YOLOv3: sigmoid centres, exponential sizes, score = objectness * class', () => {
    const [found] = decode(row([0, 0, Math.log(2), 0, logit(0.9), logit(0.2), logit(0.8)]))
    // centre in the middle of the only cell, 20x20
    expect(found.box).toEqual([6, 6, 26, 26].map((v) => expect.closeTo(v, 4)))
    expect(found).toMatchObject({ score: expect.closeTo(0.72, 6), classId: 1 })
  })

  test('scale_x_y widens the cell about its middle', () => {
    const [found] = decode(row([logit(0.75), 0, 0, 0, 9, 9]), { scaleXY: 1.2 })
    expect((found.box[0] + found.box[2]) / 2).toBeCloseTo(32 * (0.75 * 1.2 - 0.1), 4)
  })

  test('new_coords: values are logistic already, sizes (2v)^2', () => {
    const [found] = decode(row([0.75, 0.5, 1, 0.5, 0.9, 0.5]), { scaleXY: 2, newCoords: true })
    // x = 0.75 * 2 - 0.5 = 1 cell of 32; w = 4 * 10
    expect(found.box).toEqual([12, 6, 52, 26].map((v) => expect.closeTo(v, 4)))
    expect(found.score).toBeCloseTo(0.45, 6)
  })

  test('cells and anchors are read row by row, anchors innermost', () => {
    const data = new Float32Array(2 * 3 * 2 * 6).fill(-9)
    const at = ((1 * 3 + 2) * 2 + 1) * 6
    data.set([0, 0, 0, 0, 9, 9], at)
    const anchors: [number, number][] = [[1, 1], [4, 8]] // biome-ignore format: pairs
    const [found] = decode({ data, height: 2, width: 3 }, { anchors })
    const x = (2.5 / 3) * 32
    expect(found.box).toEqual([x - 2, 20, x + 2, 28].map((v) => expect.closeTo(v, 4)))
  })

  test('a letterboxed head comes back to the photo', () => {
    const geometry = fitImage('letterbox', { width: 64, height: 32 }, { width: 32, height: 32 })
    const [found] = decode(row([0, 0, 0, 0, 9, 9]), {}, false, 0.1, geometry)
    // the centre stays the centre; one input pixel is two of the photo
    expect(found.box).toEqual([22, -4, 42, 36].map((v) => expect.closeTo(v, 9)))
  })

  test('multi-label: each class above the threshold; else the best', () => {
    const cell = row([0, 0, 0, 0, 9, logit(0.6), logit(0.1), logit(0.7)])
    expect(decode(cell, {}, true).map((f) => f.classId)).toEqual([2, 0])
    expect(decode(cell).map((f) => f.classId)).toEqual([2])
  })

  test('a score exactly at the threshold is kept', () => {
    expect(decode(row([0, 0, 0, 0, 0, 0]), {}, false, 0.25)).toHaveLength(1)
    expect(decode(row([0, 0, 0, 0, 0, 0]), {}, true, 0.25)).toHaveLength(1)
    expect(decode(row([0, 0, 0, 0, 0, 0]), {}, false, 0.25 + 2 ** -53)).toHaveLength(0)
    expect(decode(row([0, 0, 0, 0, 0.5, 0.5]), { newCoords: true }, true, 0.25)).toHaveLength(1)
    expect(decode(row([0, 0, 0, 0, 99, 99]), {}, true, 1)).toHaveLength(1)
    expect(decode(row([0, 0, 0, 0, -999, -999]), {}, true, 0)).toHaveLength(1)
  })

  test.each([0, 1, 2, 3, 4, 5])('NaN in place %d is never a detection', (place) => {
    const cell = [0, 0, 0, 0, 9, 9]
    cell[place] = Number.NaN
    for (const newCoords of [false, true]) {
      for (const multiLabel of [false, true]) {
        expect(decode(row(cell), { newCoords }, multiLabel, 0)).toEqual([])
      }
    }
  })

  test('an infinite size is no box, a NaN class leaves the others alone', () => {
    expect(decode(row([0, 0, 1e30, 0, 9, 9]))).toEqual([])
    expect(decode(row([0, 0, 0, 0, 9, Number.NaN, 9])).map((f) => f.classId)).toEqual([1])
  })
})

test('candidates beyond the cap: the best stay', () => {
  // 900 boxes of 50 classes, far apart, scores all different
  const [side, classes] = [30, 50]
  const data = new Float32Array(side * side * (5 + classes))
  const total = side * side * classes
  const scores = Array.from({ length: total }, (_, n) => Math.fround(((n * 7919) % total) / total))
  for (let n = 0; n < side * side; n++) {
    data.set([0.5, 0.5, 0.01, 0.01, 1, ...scores.slice(n * classes, (n + 1) * classes)], (5 + classes) * n)
  }
  const found = decode({ data, height: side, width: side }, { newCoords: true }, true, 0)
  expect(found.map(({ score }) => score)).toEqual(scores.sort((a, b) => b - a).slice(0, limits.candidates))
})

describe('options of a detector', () => {
  const task: DetectionTask = {
    kind: 'detection',
    labels: ['cat', 'dog'],
    heads: [head],
    nms: { kind: 'greedy', iou: 0.45, beta: 0.6 },
  }
  const run = (options: DetectionOptions, ...cells: number[][]) =>
    decodeHeads([row(...cells)], task, square, { scoreThreshold: 0.1, ...options })

  test('boxes are cut at the photo, and left whole on demand', () => {
    const wide = [0, 0, Math.log(10), 0, 9, 9, -9]
    expect(run({}, wide)[0].box).toMatchObject({ xmin: 0, xmax: 32 })
    expect(run({ clip: false }, wide)[0].box.xmax).toBeCloseTo(66, 3)
  })

  test('a box outside the photo is not one of the maxResults', () => {
    const outside = [9, 0, -9, 0, 9, 9, -9]
    const shifted: DetectionTask = { ...task, heads: [{ ...head, scaleXY: 4 }] }
    const options = { scoreThreshold: 0.1, maxResults: 1 }
    const found = decodeHeads([row(outside, [0, 0, 0, 0, 1, 9, -9])], shifted, square, options)
    expect(found.map((f) => f.score)).toEqual([expect.closeTo(0.731, 3)])
  })

  test('allow and deny lists choose the class before the best is taken', () => {
    const both = [0, 0, 0, 0, 9, logit(0.6), logit(0.7)]
    expect(run({}, both)[0].label).toBe('dog')
    expect(run({ categoryAllowlist: ['cat'] }, both)[0].label).toBe('cat')
    expect(run({ categoryDenylist: ['dog'] }, both)[0].label).toBe('cat')
    expect(() => run({ categoryAllowlist: ['cow'] }, both)).toThrow(/no label 'cow'/)
  })

  // two boxes on the same place: the first is cat 0.9 / dog 0.8, the second cat 0.5 / dog 0.85
  const first = [0, 0, 0, 0, 30, logit(0.9), logit(0.8)]
  const second = [0, 0, 0, 0, 30, logit(0.5), logit(0.85)]
  const twoAnchors: DetectionTask = { ...task, heads: [{ ...head, anchors: [[10, 20], [10, 20]] }] } // biome-ignore format: pairs
  const together = (options: DetectionOptions) => {
    const data = Float32Array.from([...first, ...second])
    return decodeHeads([{ data, height: 1, width: 1 }], twoAnchors, square, options).map(
      ({ label, score }) => `${label} ${score.toFixed(2)}`,
    )
  }

  test('the class first, then suppression: each box has one class', () => {
    expect(together({})).toEqual(['cat 0.90', 'dog 0.85'])
    expect(together({ agnostic: true })).toEqual(['cat 0.90'])
    expect(together({ maxResults: 1 })).toEqual(['cat 0.90'])
  })

  test('multi-label: suppression per class among all pairs', () => {
    expect(together({ multiLabel: true })).toEqual(['cat 0.90', 'dog 0.85'])
    expect(together({ multiLabel: true, iouThreshold: 1 })).toHaveLength(4)
  })

  test('darknet: suppression per class among all pairs, then the best class of each box', () => {
    expect(together({ order: 'darknet' })).toEqual(['cat 0.90', 'dog 0.85'])
    expect(together({ order: 'darknet', iouThreshold: 1 })).toEqual(['cat 0.90', 'dog 0.85'])
    expect(together({ order: 'darknet', maxResults: 1 })).toEqual(['cat 0.90'])
  })

  test.each([
    { scoreThreshold: Number.NaN },
    { scoreThreshold: 1.5 },
    { iouThreshold: -1 },
    { maxResults: 0 },
    { maxResults: 1.5 },
  ])('%j is refused', (options) => {
    expect(() => run(options)).toThrow(expect.objectContaining({ code: 'E_OPTION' }))
  })
})

/**
 * Reference detections by OpenCV of the raw heads that it computed itself, boxes to 0.001 pixels.
 */
describe.each(['yolo-fastest-1.1', 'yolo-fastest-1.1-xl'])('%s on dog.jpg', (name) => {
  test('gives the reference detections', (context) => {
    const raw = sharedData(`reference/raw_dog_${name}`)
    const json = sharedData(`reference/${name}_stretch.json`)
    skipUnless(context, raw && json, `reference/${name} of the shared data`)
    const reference = JSON.parse(readFileSync(json, 'utf8')).images['darknet_samples/dog.jpg']
    const load = (file: string, side: number): HeadOutput => {
      const bytes = readFileSync(`${raw}/${file}`)
      return { data: new Float32Array(new Uint8Array(bytes).buffer), height: side, width: side }
    }
    const anchors: [number, number][] = [[12, 18], [37, 49], [52, 132], [115, 73], [119, 199], [242, 238]] // biome-ignore format: pairs
    const heads = [anchors.slice(3), anchors.slice(0, 3)].map((a) => ({ ...head, anchors: a }))
    const labels = Array.from({ length: 80 }, (_, i) => `class ${i}`)
    const task: DetectionTask = {
      kind: 'detection',
      labels,
      heads,
      nms: { kind: 'greedy', iou: 0.45, beta: 0.6 },
    }
    const [width, height] = reference.size
    const found = decodeHeads(
      [load('permute_121_f32_1x10x10x255.bin', 10), load('permute_130_f32_1x20x20x255.bin', 20)],
      task,
      fitImage('stretch', { width, height }, { width: 320, height: 320 }),
      { scoreThreshold: 0.05, clip: false },
    )
    const summary = found.map(({ classId, score, box }) => ({
      class: classId,
      score: expect.closeTo(score, 5),
      box_xyxy: [box.xmin, box.ymin, box.xmax, box.ymax].map((v) => expect.closeTo(v, 2)),
    }))
    expect(reference.detections).toEqual(summary.map((d) => expect.objectContaining(d)))
  })
})
