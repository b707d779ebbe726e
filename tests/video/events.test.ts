import { describe, expect, test } from 'vitest'
import {
  type Detection,
  EventEngine,
  type EventOptions,
  Scene,
  type SceneOptions,
  type Track,
  type VideoEvent,
} from '../../src/host/index.js'
import { RandomStream } from '../../src/host/tasks/random.js'
import { codeOf } from '../helpers/code-of.js'
import { detectionAt } from './scenes.js'

const [width, height] = [640, 360]

/** The events of a scene that is looked at ten times a second. */
function happen(
  at: (seconds: number) => readonly Detection[],
  { seconds = 10, ...options }: SceneOptions & { seconds?: number } = {},
): VideoEvent[] {
  const scene = new Scene(options)
  const events: VideoEvent[] = []
  for (let n = 0; n <= seconds * 10; n++) {
    const frame = { timeMs: 5000 + n * 100, position: n / 10, width, height }
    events.push(...scene.update(at(n / 10), frame).events)
  }
  return [...events, ...scene.close()]
}

const brief = (events: readonly VideoEvent[]): string[] =>
  events
    .filter(({ type }) => type !== 'update')
    .map(({ type, id, position, zone, line, direction }) =>
      [type, id, position, zone, line, direction].filter((word) => word !== undefined).join(' '),
    )

describe('start and end', () => {
  test('an object that comes and goes', () => {
    const events = happen((t) => (t >= 1 && t <= 4 ? [detectionAt(100, 200)] : []))
    expect(brief(events)).toEqual(['start 1 1.1', 'end 1 4'])
    expect(events[0]).toEqual({
      v: 1,
      type: 'start',
      position: 1.1,
      id: '1',
      label: 'person',
      score: 0.8,
      topScore: 0.8,
      box: { xmin: 80, ymin: 100, xmax: 120, ymax: 200 },
      width,
      height,
      zones: [],
      stationary: false,
      duration: 0,
    })
    expect(events[1]).toMatchObject({ type: 'end', duration: 2.9 })
  })

  test('the end is told when the object was last seen, though it is known only later', () => {
    const scene = new Scene()
    const frames: number[] = []
    for (let n = 0; n < 60; n++) {
      const found = n < 20 ? [detectionAt(100, 200)] : []
      for (const { type, position } of scene.update(found, {
        timeMs: n * 100,
        position: n / 10,
        width,
        height,
      }).events)
        if (type === 'end') frames.push(n, position ?? Number.NaN)
    }
    expect(frames).toEqual([40, 1.9])
  })

  test('no event without a second look, and none for what is doubtful', () => {
    expect(happen((t) => (t === 3 ? [detectionAt(100, 200)] : []))).toEqual([])
    expect(happen(() => [detectionAt(100, 200, { score: 0.3 })])).toEqual([])
  })

  test('close ends all, once, and the scene can go on', () => {
    const scene = new Scene({ prefix: 'x', zones: ['all:0,0 1,0 1,1 0,1'] })
    const see = (n: number) =>
      scene.update([detectionAt(100, 200), detectionAt(400, 200)], { timeMs: n * 100, width, height }).events
    for (let n = 0; n < 5; n++) see(n)
    expect(brief(scene.close())).toEqual(['leave x-1 all', 'end x-1', 'leave x-2 all', 'end x-2'])
    expect(scene.close()).toEqual([])
    expect(brief([5, 6].flatMap(see))).toEqual(['start x-3', 'start x-4'])
  })

  test('every start has one end, every enter one leave, through noise, losses and clocks that jump', () => {
    for (let seed = 1; seed <= 20; seed++) {
      const random = new RandomStream(seed)
      const scene = new Scene({
        minHits: 1 + random.below(3),
        lostMs: random.below(1500),
        stationaryMs: 1000,
        zones: ['left:0,0 0.5,0 0.5,1 0,1', 'low:0,0.5 1,0.5 1,1 0,1'],
        lines: ['gate:0,0.5 1,0.5'],
        updateMs: 0,
      })
      const events: VideoEvent[] = []
      let timeMs = 0
      for (let n = 0; n < 300; n++) {
        timeMs += random.below(50) === 0 ? (random.below(3) - 1) * 1e6 : random.below(200)
        const found = Array.from({ length: random.below(8) }, (_, i) =>
          detectionAt(80 * i + 40 * random.fraction(), 150 + 20 * i + 40 * random.fraction(), {
            score: random.fraction(),
            label: ['person', 'cat'][random.below(2)],
          }),
        )
        if (random.below(40) === 0) events.push(...scene.close())
        else if (random.below(20) === 0) scene.skip({ timeMs, width, height })
        else events.push(...scene.update(found, { timeMs, width, height }).events)
      }
      events.push(...scene.close())
      expect(scene.engine.active).toBe(0)
      const open = new Map<string, Set<string>>()
      const ended = new Set<string>()
      for (const { type, id, zone, zones, duration } of events) {
        expect(duration).toBeGreaterThanOrEqual(0)
        if (type === 'start') {
          expect(open.has(id) || ended.has(id)).toBe(false)
          open.set(id, new Set())
          continue
        }
        const inside = open.get(id)
        if (inside === undefined) throw new Error(`${type} of ${id}, which has not started`)
        if (type === 'enter') {
          expect(inside.has(zone ?? '')).toBe(false)
          inside.add(zone ?? '')
        }
        if (type === 'leave') expect(inside.delete(zone ?? '')).toBe(true)
        expect(new Set(zones)).toEqual(inside)
        if (type !== 'end') continue
        expect(inside.size).toBe(0)
        open.delete(id)
        ended.add(id)
      }
      expect(open.size).toBe(0)
      expect(ended.size).toBeGreaterThan(5)
    }
  })
})

describe('a parked car', () => {
  const parked = (t: number): Detection[] => {
    const shaking = 3 * Math.sin(37 * t)
    return [
      detectionAt(300 + shaking, 200, { label: 'car', width: 120, height: 60, score: t % 3 < 2 ? 0.8 : 0.2 }),
    ]
  }

  test('is one event, for as long as it stands', () => {
    const events = happen((t) => (t > 100 && t < 106 ? [] : parked(t)), { seconds: 300 })
    expect(brief(events)).toEqual(['start 1 0.1', 'end 1 300'])
    const updates = events.filter(({ type }) => type === 'update')
    expect(updates.map(({ stationary, position }) => [stationary, position])).toEqual([[true, 10]])
    expect(events[events.length - 1]).toMatchObject({ stationary: true, duration: 299.9 })
  })

  test('is the same object when it leaves', () => {
    const events = happen(
      (t) => (t < 30 ? parked(t) : [detectionAt(300 + 50 * (t - 30), 200, { label: 'car', width: 120 })]),
      {
        seconds: 34,
      },
    )
    expect(brief(events)).toEqual(['start 1 0.1', 'end 1 34'])
    expect(events.filter(({ type }) => type === 'update').map(({ stationary }) => stationary)).toEqual([
      true,
      false,
    ])
  })
})

describe('updates', () => {
  const walking = (t: number) => [detectionAt(50 + 50 * t, 200)]

  test('come at most every five seconds while something changes', () => {
    const times = happen(walking, { seconds: 12 }).flatMap(({ type, position }) =>
      type === 'update' ? [position] : [],
    )
    expect(times).toEqual([5.1, 10.1])
  })

  test('come as often as they are asked for', () => {
    const times = happen(walking, { seconds: 4, updateMs: 1000 }).flatMap(({ type, position }) =>
      type === 'update' ? [position] : [],
    )
    expect(times).toEqual([1.1, 2.1, 3.1])
    expect(happen(walking, { seconds: 4, updateMs: 0 }).length).toBeGreaterThan(20)
  })

  test('do not come while nothing changes', () => {
    const still = happen(() => [detectionAt(100, 200)], { seconds: 9 })
    expect(still.map(({ type }) => type)).toEqual(['start', 'end'])
  })

  test('tell a better score and another label', () => {
    const better = happen((t) => [detectionAt(100, 200, { score: t < 2 ? 0.6 : 0.9 })], { seconds: 9 })
    expect(better.map(({ type, topScore }) => [type, topScore])).toEqual([
      ['start', 0.6],
      ['update', 0.9],
      ['end', 0.9],
    ])
    const other = happen((t) => [detectionAt(100, 200, { label: t < 1 ? 'car' : 'truck' })], { seconds: 9 })
    expect(other.map(({ type, label }) => [type, label])).toEqual([
      ['start', 'car'],
      ['update', 'truck'],
      ['end', 'truck'],
    ])
  })
})

describe('zones', () => {
  const walking = (t: number) => [detectionAt(50 + 50 * t, 200)]
  const middle = 'middle:0.4,0 0.6,0 0.6,1 0.4,1'

  test('are entered and left by the middle of the lower side, after three frames', () => {
    const events = happen(walking, { zones: [middle] })
    // 0.4 of 640 is 256, at 4.12 s; 0.6 is 384, at 6.68 s.
    expect(brief(events)).toEqual(['start 1 0.1', 'enter 1 4.4 middle', 'leave 1 6.9 middle', 'end 1 10'])
    expect(events.filter(({ type }) => type === 'enter')).toMatchObject([{ zones: ['middle'] }])
    expect(events.filter(({ type }) => type === 'leave')).toMatchObject([{ zones: [] }])
  })

  test('inertia is the number of frames, and one frame that says otherwise begins it anew', () => {
    const at = (options: EventOptions) =>
      brief(happen(walking, options)).filter((line) => line.startsWith('enter'))
    const zone = {
      name: 'z',
      points: [
        [0.4, 0],
        [0.6, 0],
        [0.6, 1],
        [0.4, 1],
      ] as const,
    }
    expect(at({ zones: [{ ...zone, inertia: 1 }] })).toEqual(['enter 1 4.2 z'])
    expect(at({ zones: [{ ...zone, inertia: 10 }] })).toEqual(['enter 1 5.1 z'])
    const engine = new EventEngine({ zones: [zone] })
    const track = (inside: boolean): Track => ({
      ...someTrack,
      box: detectionAt(inside ? 320 : 100, 200).box,
    })
    const types = [false, true, true, false, true, true, true, false, false, true, false, false, false].map(
      (inside, n) =>
        engine.update([track(inside)], { timeMs: n * 100, width, height }).map(({ type }) => type)[0],
    )
    expect(
      types.flatMap((type, n) => (type === 'enter' || type === 'leave' ? [`${n} ${type}`] : [])),
    ).toEqual(['6 enter', '12 leave'])
  })

  test('loitering counts time from the first frame inside', () => {
    const loitering = (loiterMs: number) =>
      brief(
        happen(walking, {
          zones: [
            {
              name: 'z',
              points: [
                [0.4, 0],
                [0.6, 0],
                [0.6, 1],
                [0.4, 1],
              ],
              loiterMs,
            },
          ],
        }),
      )
    expect(loitering(2000)).toEqual(['start 1 0.1', 'enter 1 6.2 z', 'leave 1 6.9 z', 'end 1 10'])
    expect(loitering(3000)).toEqual(['start 1 0.1', 'end 1 10'])
  })

  test('several at once, in the order in which they were given, and only for their labels', () => {
    const all = (name: string, labels?: string[]) => ({
      name,
      points: [
        [0, 0],
        [1, 0],
        [1, 1],
        [0, 1],
      ] as const,
      labels,
    })
    const events = happen(() => [detectionAt(100, 200)], {
      seconds: 1,
      zones: [all('b', ['person']), all('a'), all('cats', ['cat'])],
    })
    expect(brief(events)).toEqual([
      'start 1 0.1',
      'enter 1 0.3 b',
      'enter 1 0.3 a',
      'leave 1 1 b',
      'leave 1 1 a',
      'end 1 1',
    ])
    expect(events[2].zones).toEqual(['b', 'a'])
    expect(events[events.length - 1].zones).toEqual([])
  })

  test('at the lower edge of the picture, where boxes reach beyond it', () => {
    const events = happen(() => [detectionAt(320, 372)], { seconds: 1, zones: ['low:0,0.8 1,0.8 1,1 0,1'] })
    expect(brief(events)).toContain('enter 1 0.3 low')
  })

  test('an object that is lost inside leaves where and when it was last seen', () => {
    const events = happen((t) => (t < 5 ? [detectionAt(320, 200)] : []), { zones: [middle] })
    expect(brief(events)).toEqual(['start 1 0.1', 'enter 1 0.3 middle', 'leave 1 4.9 middle', 'end 1 4.9'])
  })
})

const someTrack: Track = {
  id: 1,
  label: 'person',
  classId: 0,
  score: 0.8,
  topScore: 0.8,
  box: detectionAt(100, 200).box,
  seen: true,
  detection: 0,
  velocity: { x: 0, y: 0 },
  firstTime: 0,
  lastTime: 0,
  hits: 2,
  stationary: false,
}

describe('lines', () => {
  const gate = 'gate:0.5,1 0.5,0'
  const swinging = (t: number) => [detectionAt(320 + 100 * Math.sin(t), 200)]

  test('count who crosses, by direction', () => {
    const scene = (t: number) => [detectionAt(50 + 60 * t, 200), detectionAt(550 - 60 * t, 300)]
    const events = happen(scene, { lines: [gate] }).filter(({ type }) => type === 'cross')
    expect(events.map(({ id, line, direction, counts }) => [id, line, direction, counts])).toEqual([
      ['2', 'gate', 'out', { in: 0, out: 1 }],
      ['1', 'gate', 'in', { in: 1, out: 1 }],
    ])
  })

  test('once for an object in each direction, or each time', () => {
    const counts = (once: boolean) => {
      const line = { name: 'gate', from: [0.5, 1], to: [0.5, 0], once } as const
      return happen(swinging, { seconds: 30, lines: [line] })
        .filter(({ type }) => type === 'cross')
        .map(({ direction }) => direction)
        .join(' ')
    }
    expect(counts(true)).toBe('out in')
    expect(counts(false)).toBe('out in out in out in out in out')
  })

  test('not who stands on them and sways', () => {
    const swaying = (t: number) => [detectionAt(320 + 3 * Math.sin(9 * t), 200)]
    expect(
      happen(swaying, { seconds: 30, lines: [{ name: 'g', from: [0.5, 1], to: [0.5, 0], once: false }] }),
    ).toHaveLength(3)
  })

  test('not who passes beyond their ends', () => {
    const events = happen((t) => [detectionAt(50 + 60 * t, 300)], { lines: ['short:0.5,0.6 0.5,0'] })
    expect(events.some(({ type }) => type === 'cross')).toBe(false)
  })

  test('never who is not confirmed', () => {
    const flying = (t: number) =>
      t === 5 ? [detectionAt(300, 200)] : t === 5.1 ? [detectionAt(340, 200)] : []
    expect(happen(flying, { lines: [gate], minHits: 3 })).toEqual([])
  })

  test('who was out of sight while crossing', () => {
    const hidden = (t: number) => (t > 4 && t < 5.5 ? [] : [detectionAt(50 + 60 * t, 200)])
    expect(brief(happen(hidden, { lines: [gate] }))).toEqual([
      'start 1 0.1',
      'cross 1 5.5 gate in',
      'end 1 10',
    ])
  })

  test('only their labels', () => {
    const line = { name: 'gate', from: [0.5, 1], to: [0.5, 0], labels: ['cat'] } as const
    expect(happen(swinging, { lines: [line] }).some(({ type }) => type === 'cross')).toBe(false)
  })
})

describe('the form', () => {
  test('fields in their order, numbers rounded, one line of JSON', () => {
    const scene = new Scene({ camera: 'front', prefix: 'k3f9', lines: ['gate:0.5,1 0.5,0'], updateMs: 0 })
    const lines: string[] = []
    for (let n = 0; n < 8; n++) {
      const frame = {
        timeMs: n * 133.333,
        date: 1_767_225_600_000 + n * 133,
        position: n / 7.5,
        width,
        height,
      }
      const found = [detectionAt(290 + 10.77 * n, 200.123, { score: 0.812345 })]
      lines.push(...scene.update(found, frame).events.map((event) => JSON.stringify(event)))
    }
    const keys = (line: string) => Object.keys(JSON.parse(line) as object).join(' ')
    const common =
      'v type time position camera id label score topScore box width height zones stationary duration'
    expect(keys(lines[0])).toBe(common)
    const cross = lines.find((line) => line.includes('"cross"')) ?? ''
    expect(keys(cross)).toBe(`${common} line direction counts`)
    expect(cross).toMatch(
      /^\{"v":1,"type":"cross","time":"2026-01-01T00:00:00\.\d{3}Z","position":0\.\d{1,3},"camera":"front","id":"k3f9-1","label":"person","score":0\.8123,"topScore":0\.8123,"box":\{"xmin":\d+(\.\d)?,"ymin":\d+(\.\d)?,"xmax":\d+(\.\d)?,"ymax":\d+(\.\d)?\},"width":640,"height":360,"zones":\[\],"stationary":false,"duration":0\.\d{1,3},"line":"gate","direction":"in","counts":\{"in":1,"out":0\}\}$/,
    )
  })

  test('the same detections give the same bytes', () => {
    const run = () => {
      const random = new RandomStream(6)
      return JSON.stringify(
        happen(
          (t) =>
            Array.from({ length: 6 }, (_, n) =>
              detectionAt(100 * n + 20 * t + 9 * random.fraction(), 300, { score: random.fraction() }),
            ),
          { updateMs: 300, zones: ['left:0,0 0.5,0 0.5,1 0,1'], lines: ['gate:0.5,1 0.5,0'], prefix: 'a' },
        ),
      )
    }
    expect(run()).toBe(run())
  })
})

describe('refused', () => {
  test('two zones, or two lines, with one name; more than anybody needs', () => {
    const zone = 'a:0,0 1,0 1,1'
    expect(codeOf(() => new EventEngine({ zones: [zone, zone] }), /zone 'a': two have this name/)).toBe(
      'E_ZONE',
    )
    expect(codeOf(() => new EventEngine({ lines: ['b:0,0 1,1', 'b:0,0 1,0'] }), /line 'b': two/)).toBe(
      'E_ZONE',
    )
    const many = Array.from({ length: 101 }, (_, n) => `z${n}:0,0 1,0 1,1`)
    expect(codeOf(() => new EventEngine({ zones: many }), /101 of them, more than 100/)).toBe('E_ZONE')
    expect(new EventEngine({ zones: [zone], lines: ['a:0,0 1,1'] }).counts()).toEqual({
      a: { in: 0, out: 0 },
    })
  })

  test('frames without a size, a time or a date', () => {
    const engine = new EventEngine()
    const update = (frame: object) => () => engine.update([someTrack], { timeMs: 0, width, height, ...frame })
    expect(codeOf(update({ width: 0 }), /the frame has 0 x 360 pixels/)).toBe('E_OPTION')
    expect(codeOf(update({ height: Number.NaN }))).toBe('E_OPTION')
    expect(codeOf(update({ timeMs: Number.NaN }), /milliseconds/)).toBe('E_OPTION')
    expect(codeOf(update({ date: Number.NaN }), /date/)).toBe('E_OPTION')
    expect(codeOf(update({ date: 9e15 }), /date/)).toBe('E_OPTION')
    expect(codeOf(() => new EventEngine({ updateMs: -1 }), /updateMs/)).toBe('E_OPTION')
  })
})
