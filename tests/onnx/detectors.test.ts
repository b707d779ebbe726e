import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Detector } from '../../src/host/platform/node.js'
import { readNpy } from '../../tools/npy/read.js'
import { familyNames, familyOf } from '../../tools/onnx/detectors.js'
import { readOnnx } from '../../tools/onnx/read.js'
import { sharedData, skipUnless } from '../helpers/require.js'
import { recordedOutput, sampleCount } from './recorded.js'

interface Best {
  readonly classId: number
  readonly score: number
  readonly box: readonly [number, number, number, number]
}

/** The best box of a recorded network's outputs, by the formulas of its own demo, and its level. */
type Reference = (folder: string, sample: number) => Best

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))
const around = (x: number, y: number, w: number, h: number) =>
  [x - w / 2, y - h / 2, x + w / 2, y + h / 2] as const

/** Row `row` of a recorded [samples, rows, width]. */
const rowsOf = (folder: string, name: string, sample: number, width: number): number[][] => {
  const all = Array.from(recordedOutput(folder, name))
  const own = all.slice((sample * all.length) / sampleCount, ((sample + 1) * all.length) / sampleCount)
  return Array.from({ length: own.length / width }, (_, n) => own.slice(n * width, (n + 1) * width))
}

const better = (best: Best | undefined, next: Best): Best =>
  best === undefined || next.score > best.score ? next : best

const nanodet: Reference = (folder, sample) => {
  let best: Best | undefined
  // The file's names say nothing: classes and boxes of a level are those with as many rows.
  for (const [cls, dis, stride] of [
    ['cls_score0', 'bbox_pred1', 8],
    ['bbox_pred0', 'cls_score2', 16],
    ['cls_score1', 'bbox_pred2', 32],
  ] as const) {
    const boxes = rowsOf(folder, dis, sample, 32)
    const side = 320 / stride
    rowsOf(folder, cls, sample, 80).forEach((scores, n) => {
      const score = Math.max(...scores)
      const [left, top, right, bottom] = [0, 8, 16, 24].map((first) => {
        const exps = boxes[n].slice(first, first + 8).map(Math.exp)
        const sum = exps.reduce((a, b) => a + b)
        return exps.reduce((mean, e, bin) => mean + (e / sum) * bin, 0) * stride
      })
      const [x, y] = [((n % side) + 0.5) * stride, (Math.floor(n / side) + 0.5) * stride]
      const box = [x - left, y - top, x + right, y + bottom] as const
      best = better(best, { classId: scores.indexOf(score), score, box })
    })
  }
  return best!
}

const yunet: Reference = (folder, sample) => {
  let best: Best | undefined
  for (const stride of [8, 16, 32]) {
    const [cls, obj, boxes] = (
      [
        ['cls', 1],
        ['obj', 1],
        ['bbox', 4],
      ] as const
    ).map(([what, width]) => rowsOf(folder, `${what}_${stride}`, sample, width))
    const side = 320 / stride
    cls.forEach(([c], n) => {
      const [dx, dy, dw, dh] = boxes[n]
      const box = around(
        ((n % side) + dx) * stride,
        (Math.floor(n / side) + dy) * stride,
        Math.exp(dw) * stride,
        Math.exp(dh) * stride,
      )
      best = better(best, { classId: 0, score: Math.sqrt(c * obj[n][0]), box })
    })
  }
  return best!
}

const ultraface: Reference = (folder, sample) => {
  const boxes = rowsOf(folder, 'boxes', sample, 4)
  let best: Best | undefined
  rowsOf(folder, 'scores', sample, 2).forEach(([, score], n) => {
    const [a, b, c, d] = boxes[n]
    best = better(best, { classId: 0, score, box: [a * 320, b * 240, c * 320, d * 240] })
  })
  return best!
}

const fastestdet: Reference = (folder, sample) => {
  const maps = rowsOf(folder, '758', sample, 484)
  let best: Best | undefined
  for (let n = 0; n < 484; n++) {
    const [objectness, x, y, w, h, ...classes] = maps.map((map) => map[n])
    const most = Math.max(...classes)
    const box = around(
      ((Math.tanh(x) + (n % 22)) / 22) * 352,
      ((Math.tanh(y) + Math.floor(n / 22)) / 22) * 352,
      sigmoid(w) * 352,
      sigmoid(h) * 352,
    )
    best = better(best, { classId: classes.indexOf(most), score: objectness ** 0.6 * most ** 0.4, box })
  }
  return best!
}

const yolox: Reference = (folder, sample) => {
  const rows = rowsOf(folder, 'output', sample, 8)
  let best: Best | undefined
  let n = 0
  for (const stride of [8, 16, 32]) {
    const side = 416 / stride
    for (let cell = 0; cell < side * side; cell++, n++) {
      const [x, y, w, h, objectness, ...classes] = rows[n]
      const most = Math.max(...classes)
      const box = around(
        ((cell % side) + x) * stride,
        (Math.floor(cell / side) + y) * stride,
        Math.exp(w) * stride,
        Math.exp(h) * stride,
      )
      best = better(best, { classId: classes.indexOf(most), score: objectness * most, box })
    }
  }
  return best!
}

/** A recorded picture as a camera gives it. */
function pictureOf(folder: string, sample: number) {
  const { shape, data } = readNpy(new Uint8Array(readFileSync(join(folder, 'in_u8.npy'))), 'in_u8.npy')
  const told = JSON.parse(readFileSync(join(folder, 'input.json'), 'utf8')) as { order: 'rgb' | 'bgr' }
  const [, , height, width] = shape
  const area = height * width
  const pixels = new Uint8ClampedArray(area * 4).fill(255)
  for (let c = 0; c < 3; c++)
    for (let n = 0; n < area; n++)
      pixels[n * 4 + (told.order === 'bgr' ? 2 - c : c)] = Number(data[(sample * 3 + c) * area + n])
  return { width, height, data: pixels }
}

const root = sharedData('onnx-real')
const known: readonly [string, Reference, string][] = [
  ['nanodet', nanodet, 'NanoDet'],
  ['yolox_nano', yolox, 'YOLOX'],
  ['fastestdet', fastestdet, 'FastestDet'],
  ['yunet_n_320', yunet, 'YuNet'],
  ['ultraface-rfb-320', ultraface, 'UltraFace'],
]

describe('detectors from ONNX', () => {
  test('are there', (context) => skipUnless(context, root, 'onnx-real of the shared data'))

  test.each(root === undefined ? [] : known)(
    '%s finds what its own demo finds',
    async (name, reference, title) => {
      const folder = join(root!, name)
      const path = join(folder, 'model.onnx')
      const said: string[] = []
      const model = readOnnx(new Uint8Array(readFileSync(path)), path, { task: 'auto' }, (line) =>
        said.push(line),
      )
      expect(said.join()).toContain(`taken for a ${title} detector`)
      const detector = await Detector.create({ model, scoreThreshold: 1e-5, clip: false, threads: 1 })
      for (let sample = 0; sample < sampleCount; sample++) {
        const { classId, score, box } = reference(folder, sample)
        const [best] = detector.detectPixels(pictureOf(folder, sample))
        expect(best.classId).toBe(classId)
        expect(best.score).toBeCloseTo(score, 4)
        const { xmin, ymin, xmax, ymax } = best.box
        for (const [n, side] of [xmin, ymin, xmax, ymax].entries())
          expect(Math.abs(side - box[n])).toBeLessThan(0.05)
      }
      detector.close()
    },
  )

  test('a face and a person where they are', async (context) => {
    skipUnless(context, root, 'onnx-real of the shared data')
    const path = join(root!, 'yunet_n_320/model.onnx')
    const model = readOnnx(new Uint8Array(readFileSync(path)), path, { task: 'auto' })
    const detector = await Detector.create({ model, threads: 1 })
    const [face, ...others] = await detector.detect(new URL('../../samples/astronaut.jpg', import.meta.url))
    expect(others).toEqual([])
    expect(face).toMatchObject({ label: 'face' })
    // Her face, by eye.
    expect(face.box.xmin).toBeGreaterThan(165)
    expect(face.box.xmax).toBeLessThan(285)
    expect(face.box.ymin).toBeGreaterThan(45)
    expect(face.box.ymax).toBeLessThan(190)
    detector.close()
  })
})

describe('families', () => {
  const ends = (outputs: readonly (readonly [string, readonly number[]])[], decodes = false) => ({
    width: 640,
    height: 640,
    outputs: outputs.map(([name, dims]) => ({ name, dims })),
    decodes,
  })

  test.each([
    ['yolov8', [['output0', [1, 84, 8400]]], 80],
    ['yolov8', [['output0', [1, 5, 8400]]], 1],
    ['yolov5', [['output', [1, 25200, 85]]], 80],
    ['yolox', [['output', [1, 8400, 85]]], 80],
    ['nanodet-plus', [['output', [1, 8500, 112]]], 80],
  ] as const)('%s by its shapes', (name, outputs, classes) => {
    const known = familyOf(ends(outputs))
    expect(known?.name).toBe(name)
    expect(known?.found.classes).toBe(classes)
  })

  test('a YOLOX that decodes its boxes itself has no grid', () => {
    const known = familyOf(ends([['output', [1, 8400, 85]]], true))
    expect(known?.found.dense.map(({ encoding }) => encoding)).toEqual(['center'])
  })

  test.each([
    [[['logits', [1, 1000]]]],
    [[['output0', [1, 84, 8399]]]],
    [[['mask', [1, 21, 640, 640]]]],
    [
      [
        ['a', [1, 10]],
        ['b', [1, 10]],
      ],
    ],
  ] as const)('no detector: %j', (outputs) => {
    expect(familyOf(ends(outputs))).toBeUndefined()
  })

  test('have words of their own', () => expect(new Set(familyNames).size).toBe(familyNames.length))
})
