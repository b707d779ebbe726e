import { describe, expect, test } from 'vitest'
import {
  type FrameTime,
  frameLine,
  replay,
  Scene,
  type SceneOptions,
  sceneLine,
  type VideoEvent,
} from '../../src/host/index.js'
import { limits } from '../../src/host/limits.js'
import { RandomStream } from '../../src/host/tasks/random.js'
import { codeOfAsync } from '../helpers/code-of.js'
import { detectionAt } from './scenes.js'

const size = { width: 640, height: 360 }

/**
 * A street of five seconds: some walk, one stands, boxes are unsteady and sometimes missing.
 * `gone`: a loss half way.
 */
function street(options: SceneOptions, gone = false): { lines: string[]; events: string[] } {
  const random = new RandomStream(21)
  const scene = new Scene(options)
  const lines = [sceneLine(options)]
  const events: VideoEvent[] = []
  for (let n = 0; n < 50; n++) {
    const t = n / 10
    const frame: FrameTime = {
      timeMs: 1000.1 * t,
      date: 1_700_000_000_000 + n * 100,
      position: t / 3,
      ...size,
    }
    if (gone && n === 25) {
      lines.push('{"v":1,"type":"camera","state":"connecting"}', '{"v":1,"type":"camera","state":"lost"}')
      events.push(...scene.close())
    }
    if (n % 17 === 16) {
      lines.push(frameLine(frame))
      scene.skip(frame)
      continue
    }
    const unsteady = () => 4 * random.fraction() - 2
    const found = [
      detectionAt(50 + 100 * t + unsteady(), 200 + unsteady(), { score: 0.3 + 0.6 * random.fraction() }),
      detectionAt(600 - 80 * t + unsteady(), 250, { label: random.below(4) > 0 ? 'dog' : 'cat', height: 60 }),
      detectionAt(320 + unsteady(), 340 + unsteady(), { score: 0.9 }),
    ].filter(() => random.below(8) > 0)
    lines.push(frameLine(frame, found))
    const happened = scene.update(found, frame).events
    lines.push(...happened.map((event) => JSON.stringify(event)))
    events.push(...happened)
  }
  events.push(...scene.close())
  return { lines, events: events.map((event) => JSON.stringify(event)) }
}

async function replayed(lines: readonly string[], options?: SceneOptions): Promise<string[]> {
  const events: string[] = []
  for await (const event of replay(lines, options)) events.push(JSON.stringify(event))
  return events
}

const options: SceneOptions = {
  camera: 'front',
  prefix: 'k3f9',
  threshold: 0.3,
  labelThresholds: { dog: 0.25 },
  lostMs: 700,
  minHits: 2,
  updateMs: 500,
  zones: [
    'left:0,0 0.5,0 0.5,1 0,1',
    {
      name: 'middle',
      points: [
        [0.4, 0],
        [0.6, 0],
        [0.6, 1],
        [0.4, 1],
      ],
      labels: ['person'],
    },
  ],
  lines: [{ name: 'gate', from: [0.5, 0], to: [0.5, 1], once: false }],
}

test('the same events, byte for byte', async () => {
  const { lines, events } = street(options)
  const types = new Set(events.map((line) => (JSON.parse(line) as VideoEvent).type))
  expect([...types].sort()).toEqual(['cross', 'end', 'enter', 'leave', 'start', 'update'])
  expect(await replayed(lines)).toEqual(events)
})

test('through a camera that is lost on the way', async () => {
  const { lines, events } = street(options, true)
  expect(events.filter((line) => line.includes('"end"')).length).toBeGreaterThan(4)
  expect(await replayed(lines)).toEqual(events)
})

test('with other options as if they had been given then', async () => {
  const { lines } = street(options)
  const other = { zones: ['right:0.5,0 1,0 1,1 0.5,1'], minHits: 4 }
  expect(await replayed(lines, { ...other, lines: undefined })).toEqual(
    street({ ...options, ...other }).events,
  )
})

test('two runs in one file', async () => {
  const [one, two] = [street(options), street({ ...options, prefix: 'aaaa' })]
  expect(await replayed([...one.lines, '', ...two.lines])).toEqual([...one.events, ...two.events])
})

test('a recording without options has the defaults', async () => {
  const { lines, events } = street({})
  expect(await replayed(lines.slice(1))).toEqual(events)
})

describe('refused', () => {
  const frame = JSON.parse(frameLine({ timeMs: 0, ...size }, [detectionAt(100, 200)])) as Record<
    string,
    unknown
  >
  const without = (name: string) => JSON.stringify({ ...frame, [name]: undefined })
  const withValue = (name: string, value: unknown) => JSON.stringify({ ...frame, [name]: value })
  const scene = (value: unknown) => JSON.stringify({ v: 1, type: 'scene', options: value })

  test.each([
    ['{"v":1,', /recording:2: the JSON is malformed/],
    ['[]', /the line is not an object/],
    ['null', /not an object/],
    [withValue('v', 2), /the line has version 2; this Ocellus reads version 1/],
    [without('timeMs'), /the line.timeMs is missing, expected a number/],
    [without('detections'), /the line.detections is not a list/],
    [withValue('width', 0), /the line.width is 0/],
    [withValue('height', 1e9), /the line.height/],
    [withValue('time', 'noon'), /the line.time is no time/],
    [withValue('skipped', 1), /neither true nor false/],
    [withValue('detections', [{ label: 'cat' }]), /the line.detections\[0\]/],
    [
      withValue('detections', [{ ...detectionAt(1, 1), box: { xmin: 'a' } }]),
      /detections\[0\].box.xmin is "a"/,
    ],
    [withValue('detections', new Array(limits.candidates + 1).fill(0)), /4097 entries, more than 4096/],
    [`{"v":1,"v":1}`, /the key "v" stands twice/],
    [scene([]), /options is not an object/],
    [scene({ treshold: 1 }), /unknown field "treshold"/],
    [scene({ threshold: 'high' }), /options.threshold is "high"/],
    [scene({ zones: 'door' }), /options.zones is not a list/],
    [scene({ zones: [{ name: 'a', points: [[1]] }] }), /points\[0\] is no point/],
    [scene({ camera: 'a\nb' }), /control character/],
    [`"${'x'.repeat(17_000_000)}"`, /a line of 17000002 characters is no frame/],
  ])('%.60s', async (line, message) => {
    const lines = [frameLine({ timeMs: 0, ...size }, []), line]
    expect(await codeOfAsync(() => replayed(lines), message)).toBe('E_RECORDING')
  })

  test('options that the tracker and the zones refuse', async () => {
    expect(await codeOfAsync(() => replayed([scene({ threshold: 7 })]), /threshold is 7/)).toBe('E_OPTION')
    expect(await codeOfAsync(() => replayed([scene({ zones: ['door:0,0 1,1'] })]), /three points/)).toBe(
      'E_ZONE',
    )
    expect(await codeOfAsync(() => replayed([], { zones: ['door'] }), /give a name/)).toBe('E_ZONE')
  })

  test('other lines are passed over', async () => {
    expect(
      await replayed(['{"v":1,"type":"start","id":"x"}', '{"v":1,"type":"camera","state":"live"}']),
    ).toEqual([])
  })
})
