import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type Detection, Scene } from '../../src/host/index.js'
import { RandomStream } from '../../src/host/tasks/random.js'
import { type MotFrames, parseMot } from '../../tools/evaluate/mot.js'
import { sharedData, skipUnless } from '../helpers/require.js'

const [width, height] = [1920, 1080]

/** In pixels: where each line begins and ends. */
const lines = {
  across: [0, 540, 1920, 540],
  upright: [960, 0, 960, 1080],
  slope: [0, 378, 1920, 810],
  steep: [576, 972, 1344, 324],
  short: [384, 648, 960, 648],
  low: [0, 756, 1920, 756],
} as const

type Counts = Record<string, { in: number; out: number }>

/**
 * The independent count, by the ids of the ground truth: a person's feet are the middle of the
 * lower side of the box. Where they were last more than 1 % of the height on one side of the line
 * (extended), and now are on the other, they have crossed it if the straight way between the two
 * places meets the line itself. Everybody counts once in each direction.
 */
function countByHand(people: MotFrames): Counts {
  const counts: Counts = {}
  for (const [name, [ax, ay, bx, by]] of Object.entries(lines)) {
    const last = new Map<number, { x: number; y: number; right: boolean }>()
    const who = { in: new Set<number>(), out: new Set<number>() }
    const length = Math.hypot(bx - ax, by - ay)
    for (const frame of [...people.keys()].sort((a, b) => a - b)) {
      for (const person of people.get(frame) ?? []) {
        const x = Math.min(Math.max(person.x + person.width / 2, 0), width)
        const y = Math.min(Math.max(person.y + person.height, 0), height)
        const distance = ((bx - ax) * (y - ay) - (by - ay) * (x - ax)) / length
        if (Math.abs(distance) <= 0.01 * height) continue
        const before = last.get(person.id)
        const right = distance > 0
        last.set(person.id, { x, y, right })
        if (before === undefined || before.right === right) continue
        // Do the line's ends lie on different sides of the way?
        const side = (px: number, py: number) =>
          (x - before.x) * (py - before.y) - (y - before.y) * (px - before.x)
        if (side(ax, ay) > 0 === side(bx, by) > 0) continue
        who[right ? 'in' : 'out'].add(person.id)
      }
    }
    counts[name] = { in: who.in.size, out: who.out.size }
  }
  return counts
}

/** The product's count: it sees boxes, off by up to `jitter` pixels on each side, and no ids. */
function countByScene(people: MotFrames, jitter: number, every: number): Counts {
  const random = new RandomStream(1)
  const off = (): number => jitter * (2 * random.fraction() - 1)
  const words = Object.entries(lines).map(([name, [ax, ay, bx, by]]) => {
    return `${name}:${ax / width},${ay / height} ${bx / width},${by / height}`
  })
  const scene = new Scene({ lines: words })
  for (let frame = 1; frame <= 1050; frame += every) {
    const detections = (people.get(frame) ?? []).map((person): Detection => {
      const [xmin, ymin] = [person.x + off(), person.y + off()]
      const [xmax, ymax] = [person.x + person.width + off(), person.y + person.height + off()]
      return { label: 'person', classId: 0, score: 0.9, box: { xmin, ymin, xmax, ymax } }
    })
    scene.update(detections, { timeMs: ((frame - 1) * 1000) / 30, width, height })
  }
  return scene.engine.counts()
}

const runs = [
  { jitter: 0, every: 1 },
  { jitter: 5, every: 1 },
  { jitter: 0, every: 6 },
  { jitter: 5, every: 6 },
]

for (const { jitter, every } of runs) {
  test(`lines on MOT17-04, every ${every}. frame, ${jitter} pixels of jitter`, (context) => {
    const path = sharedData('mot/gt.txt')
    skipUnless(context, path, 'mot/gt.txt of the shared data')
    const people = new Map(
      [...parseMot(readFileSync(path, 'utf8'), 'gt.txt')]
        .filter(([frame]) => (frame - 1) % every === 0)
        .map(([frame, boxes]) => [frame, boxes.filter(({ classId, score }) => classId === 1 && score !== 0)]),
    )
    const expected = countByHand(people)
    expect(expected.across).toEqual({ in: 8, out: 9 })
    expect(countByScene(people, jitter, every)).toEqual(expected)
  })
}
