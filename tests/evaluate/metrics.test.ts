import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { LabelBox } from '../../tools/evaluate/dataset.js'
import { detectionMetrics, type FoundBox } from '../../tools/evaluate/metrics.js'

type Corners = [number, number, number, number]
interface Case {
  name: string
  photos: {
    labels: { classId: number; box: Corners; crowd: boolean }[]
    found: { classId: number; box: Corners; score: number }[]
  }[]
  coco: Figures
  voc: Figures
}
interface Figures {
  ap50: number
  ap75: number
  ap: number
  perClass: Record<string, [ap50: number, ap75: number, ap: number]>
}

const boxOf = ([xmin, ymin, xmax, ymax]: Corners) => ({ xmin, ymin, xmax, ymax })
const near = (value: number) => expect.closeTo(value, 9)

// what pycocotools 2.0.11 and numpy say of random detections; see generate.py beside it
const fixture = new URL('../fixtures/metrics/metrics.json', import.meta.url)
const cases: Case[] = JSON.parse(readFileSync(fixture, 'utf8'))

describe.each(cases)('$name', ({ photos, ...expected }) => {
  const scored = photos.map(({ labels, found }) => ({
    labels: labels.map((label) => ({ ...label, box: boxOf(label.box) })),
    found: found.map((one) => ({ ...one, box: boxOf(one.box) })),
  }))
  test.each(['coco', 'voc'] as const)('%s', (protocol) => {
    const { perClass, ...means } = detectionMetrics(scored, protocol)
    const { perClass: classes, ...figures } = expected[protocol]
    expect(means).toMatchObject({ ap50: near(figures.ap50), ap75: near(figures.ap75), ap: near(figures.ap) })
    expect([...perClass.keys()].map(String)).toEqual(Object.keys(classes))
    for (const [classId, found] of perClass) {
      const [ap50, ap75, ap] = classes[classId]
      expect(found).toMatchObject({ ap50: near(ap50), ap75: near(ap75), ap: near(ap) })
    }
  })
})

const label = (xmin: number, crowd = false, classId = 0): LabelBox => ({
  classId,
  box: { xmin, ymin: 0, xmax: xmin + 10, ymax: 10 },
  crowd,
})
const found = (xmin: number, score: number, classId = 0): FoundBox => ({
  classId,
  score,
  box: { xmin, ymin: 0, xmax: xmin + 10, ymax: 10 },
})

test('a perfect detector has an average precision of 1', () => {
  const photos = [{ labels: [label(0), label(20)], found: [found(0, 0.9), found(20, 0.8)] }]
  for (const protocol of ['coco', 'voc'] as const) {
    expect(detectionMetrics(photos, protocol)).toMatchObject({ ap50: 1, ap75: 1, ap: 1, boxes: 2 })
  }
})

test('finding nothing is 0, a class without labels does not count', () => {
  const photos = [{ labels: [label(0)], found: [found(0, 0.9, 3)] }]
  const metrics = detectionMetrics(photos, 'coco')
  expect(metrics).toMatchObject({ ap50: 0, ap: 0, boxes: 1 })
  expect([...metrics.perClass.keys()]).toEqual([0])
})

test('a crowd is neither an object to find nor a mistake to find things in', () => {
  const photos = [{ labels: [label(0), label(100, true)], found: [found(0, 0.8), found(100, 0.9)] }]
  for (const protocol of ['coco', 'voc'] as const) {
    expect(detectionMetrics(photos, protocol)).toMatchObject({ ap50: 1, boxes: 1 })
  }
})

test('nothing at all has no average', () => {
  expect(detectionMetrics([], 'coco').ap50).toBeNaN()
})
