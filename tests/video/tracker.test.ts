import { describe, expect, test } from 'vitest'
import { type Detection, limits, type Track, Tracker, type TrackerOptions } from '../../src/host/index.js'
import { RandomStream } from '../../src/host/tasks/random.js'
import { codeOf } from '../helpers/code-of.js'
import { detectionAt } from './scenes.js'

const seenIds = (tracks: readonly Track[]): number[] => tracks.filter(({ seen }) => seen).map(({ id }) => id)

/**
 * Updates at a steady rate; `at(seconds)` gives the detections. Returns all tracks of each update.
 */
function follow(
  at: (seconds: number) => Detection[],
  { rate = 10, seconds = 4, ...options }: TrackerOptions & { rate?: number; seconds?: number } = {},
): Track[][] {
  const tracker = new Tracker(options)
  return Array.from({ length: seconds * rate + 1 }, (_, n) => tracker.update(at(n / rate), (n * 1000) / rate))
}

describe('following', () => {
  test('an object is confirmed by its second detection and keeps its id', () => {
    const all = follow((t) => [detectionAt(100 + 60 * t, 200)])
    expect(all.map(seenIds)).toEqual(all.map((_, n) => (n === 0 ? [] : [1])))
    const last = all[all.length - 1][0]
    expect(last).toMatchObject({ label: 'person', classId: 0, score: 0.8, topScore: 0.8, firstTime: 0 })
    expect(last).toMatchObject({ lastTime: 4000, hits: 41, detection: 0, seen: true })
    expect(last.velocity.x).toBeCloseTo(60, 0)
    expect((last.box.xmin + last.box.xmax) / 2).toBeCloseTo(340, 0)
  })

  test('two that pass each other keep their ids', () => {
    const all = follow((t) => [detectionAt(100 + 60 * t, 200), detectionAt(340 - 60 * t, 215)])
    const xOf = (tracks: Track[], id: number) => tracks.find((track) => track.id === id)?.box.xmin ?? 0
    expect(xOf(all[5], 1)).toBeLessThan(xOf(all[5], 2))
    expect(xOf(all[40], 1)).toBeGreaterThan(xOf(all[40], 2))
    expect(all[40].map(({ id }) => id)).toEqual([1, 2])
  })

  test('the best pairs are those with the greatest sum, not the nearest first', () => {
    const tracker = new Tracker()
    const at = (...xs: number[]) => xs.map((x) => detectionAt(x, 200, { width: 100 }))
    for (const time of [0, 100, 200]) tracker.update(at(100, 200), time)
    // The second object's detection lies between both, and the first one's only near the first.
    expect(tracker.update(at(60, 140), 300).map(({ id, detection }) => [id, detection])).toEqual([
      [1, 0],
      [2, 1],
    ])
  })

  test.each([2, 5, 10, 30])('a gap is lost by its time, at %i updates a second', (rate) => {
    const idsAfter = (gap: number) => {
      const all = follow((t) => (t > 2 && t < 2 + gap ? [] : [detectionAt(100 + 10 * t, 200)]), {
        rate,
        seconds: 7,
      })
      return seenIds(all[all.length - 1])
    }
    expect(idsAfter(1.9)).toEqual([1])
    expect(idsAfter(2.9)).toEqual([2])
  })

  test('while it is out of view a track waits where the object is expected', () => {
    const all = follow((t) => (t > 2 && t < 3 ? [] : [detectionAt(100 + 60 * t, 200)]))
    const hidden = all[25][0]
    expect(hidden).toMatchObject({ id: 1, seen: false, detection: -1, lastTime: 2000, hits: 21 })
    expect((hidden.box.xmin + hidden.box.xmax) / 2).toBeCloseTo(250, 0)
    expect(seenIds(all[35])).toEqual([1])
  })

  test('a frame a minute is slow, not dead: what stands still keeps its id', () => {
    const tracker = new Tracker()
    const all = [0, 1, 2, 3].map((n) => tracker.update([detectionAt(100, 200)], n * 60_000))
    expect(all.map(seenIds)).toEqual([[], [1], [1], [1]])
  })

  test.each([
    ['a runner', 200, 40],
    ['a car', 550, 180],
  ])('%s is caught at five updates a second', (_, speed, width) => {
    const all = follow((t) => [detectionAt(50 + speed * t, 200, { width })], { rate: 5 })
    expect(all.map(seenIds)).toEqual(all.map((_, n) => (n === 0 ? [] : [1])))
  })
})

describe('scores', () => {
  test('weak detections continue a track and start none', () => {
    const all = follow((t) => [
      detectionAt(100, 200, { score: t < 1 ? 0.8 : 0.15 }),
      detectionAt(400, 200, { score: 0.35 }),
    ])
    expect(seenIds(all[40])).toEqual([1])
    expect(all[40][0]).toMatchObject({ score: 0.15, topScore: 0.8 })
  })

  test('below the low threshold nothing counts', () => {
    const all = follow((t) => [detectionAt(100, 200, { score: t < 1 ? 0.8 : 0.09 })])
    expect(all[40]).toEqual([])
  })

  test('a low detection continues what was seen a moment ago, not what was lost for long', () => {
    const all = follow((t) =>
      t < 1 ? [detectionAt(100, 200)] : t < 2 ? [] : [detectionAt(100, 200, { score: 0.2 })],
    )
    expect(seenIds(all[25])).toEqual([])
  })

  test('thresholds of labels', () => {
    const scene = () => [
      detectionAt(100, 200, { score: 0.6 }),
      detectionAt(400, 200, { score: 0.6, label: 'cat', classId: 7 }),
    ]
    const labels = (options: TrackerOptions) => follow(scene, options)[40].map(({ label }) => label)
    expect(labels({})).toEqual(['person', 'cat'])
    expect(labels({ labelThresholds: { cat: 0.5 } })).toEqual(['person'])
    expect(labels({ threshold: 0.5, labelThresholds: { cat: 0.3 } })).toEqual(['cat'])
  })

  test('a threshold near 1 can still be reached', () => {
    expect(follow(() => [detectionAt(100, 200, { score: 0.99 })], { threshold: 0.95 })[40]).toHaveLength(1)
  })

  test('minHits', () => {
    const all = follow(() => [detectionAt(100, 200)], { minHits: 5 })
    expect(all.findIndex((tracks) => tracks.length > 0)).toBe(4)
    expect(follow(() => [detectionAt(100, 200)], { minHits: 1 })[0]).toHaveLength(1)
  })
})

describe('labels', () => {
  test('the label is the one with the most votes', () => {
    const label = (t: number) => (Math.round(t * 10) % 3 === 0 ? 'truck' : 'car')
    const all = follow((t) => [
      detectionAt(100 + 20 * t, 200, { label: label(t), classId: label(t) === 'car' ? 2 : 7 }),
    ])
    expect(all[1]).toMatchObject([{ id: 1, label: 'truck' }])
    expect(all[40]).toMatchObject([{ id: 1, label: 'car', classId: 2 }])
  })

  test('more labels than are remembered', () => {
    const all = follow((t) => [
      detectionAt(100, 200, { label: t < 2 ? 'car' : `label ${Math.round(t * 10)}`, classId: 1 }),
    ])
    expect(all[40]).toMatchObject([{ id: 1, label: 'car' }])
  })

  test('one object under two labels is one track', () => {
    const all = follow(() => [
      detectionAt(100, 200, { score: 0.9, label: 'car', width: 100 }),
      detectionAt(101, 201, { score: 0.8, label: 'truck', width: 102 }),
    ])
    expect(all[40]).toMatchObject([{ id: 1, label: 'car' }])
  })

  test('a part of an object starts no track; a person before a car, and a child before a person, do', () => {
    const upper = follow(() => [detectionAt(100, 200), detectionAt(100, 150, { height: 50 })])
    expect(upper[40]).toHaveLength(1)
    const car = follow(() => [
      detectionAt(100, 200, { label: 'car', width: 300 }),
      detectionAt(100, 195, { height: 80 }),
    ])
    expect(car[40]).toHaveLength(2)
    const child = follow(() => [detectionAt(100, 200), detectionAt(100, 200, { width: 20, height: 45 })])
    expect(child[40]).toHaveLength(2)
  })
})

describe('stationary objects', () => {
  const parked = (t: number) => [detectionAt(200 + 3 * Math.sin(40 * t), 200, { label: 'car', width: 120 })]

  test('are told after ten seconds, and again when they leave', () => {
    const all = follow(
      (t) => (t < 15 ? parked(t) : [detectionAt(200 + 40 * (t - 15), 200, { width: 120 })]),
      {
        seconds: 20,
      },
    )
    const told = all.map(([track]) => track?.stationary ?? false)
    expect(told.indexOf(true)).toBe(100)
    expect(told.lastIndexOf(true)).toBeGreaterThan(150)
    expect(told[200]).toBe(false)
    expect(all[200]).toMatchObject([{ id: 1 }])
  })

  test('may be hidden for longer, and be hard to see', () => {
    const hidden = (t: number) => t > 12 && t < 20
    const dusk = (t: number) => parked(t).map((found) => ({ ...found, score: t < 20 ? 0.8 : 0.15 }))
    const all = follow((t) => (hidden(t) ? [] : dusk(t)), { seconds: 25 })
    expect(seenIds(all[250])).toEqual([1])
    expect(follow((t) => (hidden(t) ? [] : dusk(t)), { seconds: 25, stationaryLostMs: 5000 })[250]).toEqual(
      [],
    )
  })

  test('one wrong box does not make them move', () => {
    const all = follow(
      (t) => (Math.round(t * 10) === 120 ? [detectionAt(240, 200, { width: 60 })] : parked(t)),
      {
        seconds: 15,
      },
    )
    expect(all.slice(100).every(([{ stationary }]) => stationary)).toBe(true)
  })
})

describe('time', () => {
  test('the same time twice is no time', () => {
    const tracker = new Tracker()
    for (const time of [0, 100, 200]) tracker.update([detectionAt(100 + time / 5, 200)], time)
    const [before] = tracker.update([detectionAt(160, 200)], 300)
    const [again] = tracker.update([detectionAt(160, 200)], 300)
    expect(again).toMatchObject({ id: 1, hits: 5 })
    expect(Math.abs(again.box.xmin - before.box.xmin)).toBeLessThan(5)
  })

  test('a clock that jumps back loses nothing and goes on from there', () => {
    const tracker = new Tracker()
    for (let n = 0; n < 10; n++) tracker.update([detectionAt(100, 200)], 1e6 + n * 100)
    for (let n = 0; n < 10; n++)
      expect(seenIds(tracker.update([detectionAt(100, 200)], n * 100))).toEqual([1])
    for (let n = 10; n < 29; n++) expect(tracker.update([], n * 100)).toHaveLength(1)
    expect(tracker.update([], 3000)).toEqual([])
  })

  test('a clock that jumps forward loses only what is gone', () => {
    const tracker = new Tracker()
    const both = [detectionAt(100, 200), detectionAt(400, 200)]
    for (let n = 0; n < 10; n++) tracker.update(both, n * 100)
    const after = tracker.update(both.slice(0, 1), 1e9)
    expect(after.map(({ id, seen }) => [id, seen])).toEqual([[1, true]])
  })

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])('%d is refused', (time) => {
    const tracker = new Tracker()
    tracker.update([detectionAt(100, 200)], 0)
    expect(codeOf(() => tracker.update([], time), /milliseconds/)).toBe('E_OPTION')
    expect(seenIds(tracker.update([detectionAt(100, 200)], 100))).toEqual([1])
  })

  test('skipped time loses no track', () => {
    const tracker = new Tracker()
    tracker.update([detectionAt(100, 200)], 0)
    tracker.update([detectionAt(100, 200)], 200)
    for (let n = 1; n < 100; n++) tracker.skip(200 + n * 200)
    expect(seenIds(tracker.update([detectionAt(100, 200)], 20_400))).toEqual([1])
  })

  test('reset forgets the tracks, not the ids', () => {
    const tracker = new Tracker()
    for (const time of [0, 100]) tracker.update([detectionAt(100, 200)], time)
    tracker.reset()
    expect(tracker.update([], 200)).toEqual([])
    tracker.update([detectionAt(100, 200)], 300)
    expect(seenIds(tracker.update([detectionAt(100, 200)], 400))).toEqual([2])
  })
})

describe('hostile detections', () => {
  const box = { xmin: 50, ymin: 50, xmax: 100, ymax: 150 }
  const bad: Detection[] = [
    ...(['xmin', 'ymin', 'xmax', 'ymax'] as const).flatMap((side) =>
      [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e300, -1e300].map((value) => ({
        label: 'person',
        classId: 0,
        score: 0.9,
        box: { ...box, [side]: value },
      })),
    ),
    { label: 'person', classId: 0, score: 0.9, box: { ...box, xmax: 50 } },
    { label: 'person', classId: 0, score: 0.9, box: { ...box, ymax: 40 } },
    { label: 'person', classId: 0, score: Number.NaN, box },
    { label: 'person', classId: 0, score: -1, box },
  ]

  test('are left out', () => {
    const good = detectionAt(300, 200)
    const all = follow(() => [...bad, good])
    expect(all[40]).toMatchObject([{ id: 1, detection: bad.length, hits: 41 }])
  })

  test('10,000 boxes: the best are followed, and no more than the caps allow', () => {
    const random = new RandomStream(3)
    const tracker = new Tracker()
    const crowd = Array.from({ length: 10_000 }, () =>
      detectionAt(random.fraction() * 4000, random.fraction() * 4000, { score: random.fraction() }),
    )
    for (let n = 0; n < 5; n++) {
      const tracks = tracker.update(crowd, n * 100)
      expect(tracks.length).toBeLessThanOrEqual(limits.tracks)
      if (n === 0) continue
      expect(tracks.length).toBeGreaterThan(300)
      const scores = tracks.map(({ score }) => score)
      expect(Math.min(...scores)).toBeGreaterThan(0.9)
    }
  })

  test('10,000 boxes in one place, and 10,000 elsewhere each time', () => {
    const tracker = new Tracker()
    for (let n = 0; n < 20; n++) {
      const one = detectionAt(100 + 500 * (n % 7), 200)
      expect(tracker.update(new Array(10_000).fill(one), n * 100).length).toBeLessThanOrEqual(limits.tracks)
    }
  })

  test('tracks do not pile up', () => {
    const random = new RandomStream(4)
    const tracker = new Tracker({ minHits: 1 })
    for (let n = 0; n < 300; n++) {
      const crowd = Array.from({ length: 100 }, () =>
        detectionAt(random.fraction() * 20_000, random.fraction() * 20_000),
      )
      expect(tracker.update(crowd, n * 33).length).toBeLessThanOrEqual(limits.tracks)
    }
    expect(tracker.update([], 1e6)).toEqual([])
  })
})

test('the same detections give the same tracks', () => {
  const scene = () => {
    const random = new RandomStream(11)
    return follow((t) =>
      Array.from({ length: 12 }, (_, n) =>
        detectionAt(50 * n + 30 * t + 10 * random.fraction(), 200 + 20 * n, { score: random.fraction() }),
      ),
    )
  }
  expect(JSON.stringify(scene())).toBe(JSON.stringify(scene()))
})

describe('options', () => {
  test.each([
    [{ threshold: 1.5 }, /threshold is 1.5/],
    [{ threshold: Number.NaN }, /threshold is NaN/],
    [{ labelThresholds: { cat: -1 } }, /labelThresholds.cat is -1/],
    [{ lowThreshold: 2 }, /lowThreshold/],
    [{ highIou: -0.1 }, /highIou/],
    [{ minHits: 0 }, /minHits is 0; give a whole number/],
    [{ minHits: 1.5 }, /minHits/],
    [{ lostMs: -1 }, /lostMs is -1; give milliseconds/],
    [{ lostMs: Number.POSITIVE_INFINITY }, /lostMs/],
  ])('%o', (options: TrackerOptions, message) => {
    expect(codeOf(() => new Tracker(options), message)).toBe('E_OPTION')
  })

  test('a detector for it looks for weak detections too', () => {
    expect(new Tracker().lowThreshold).toBe(0.1)
    expect(new Tracker({ lowThreshold: 0.2 }).lowThreshold).toBe(0.2)
  })
})
