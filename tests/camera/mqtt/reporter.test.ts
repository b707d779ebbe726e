import { afterEach, describe, expect, it } from 'vitest'
import { freePort, hasMosquitto, Mosquitto } from '../../../bench/fleet/mosquitto.js'
import {
  type MqttOptions,
  MqttReporter,
  type Reported,
} from '../../../src/host/platform/node/camera/mqtt/reporter.js'
import type { CameraEvent } from '../../../src/host/platform/node/camera/results.js'
import type { VideoEvent } from '../../../src/host/video/types.js'
import { temporaryFolder } from '../../cli/run.js'
import { codeOfAsync } from '../../helpers/code-of.js'
import { Listener } from './listener.js'

const object = (type: VideoEvent['type'], id: number, more: Partial<VideoEvent> = {}): VideoEvent => ({
  v: 1,
  type,
  camera: 'front',
  id: `k3f9-${id}`,
  label: 'person',
  score: 0.9,
  topScore: 0.9,
  box: { xmin: 0, ymin: 0, xmax: 1, ymax: 1 },
  width: 10,
  height: 10,
  zones: [],
  stationary: false,
  duration: 0,
  ...more,
})

const camera = (state: CameraEvent['state']): CameraEvent => ({
  v: 1,
  type: 'camera',
  camera: 'front',
  state,
  attempt: 1,
})

const front: Reported = {
  name: 'front',
  version: '0.0.0',
  labels: ['person'],
  zones: ['door'],
  lines: ['gate'],
  pictures: true,
}

const warnings: string[] = []
const options = (address: string, more: Partial<MqttOptions> = {}): MqttOptions => ({
  address,
  folder: temporaryFolder(),
  keepBytes: 1e6,
  warn: (text) => warnings.push(text),
  ...more,
})

const broker = new Mosquitto(temporaryFolder())
let listener: Listener | undefined
const reporters: MqttReporter[] = []
async function report(settings: MqttOptions, reported = front): Promise<MqttReporter> {
  const reporter = await MqttReporter.open(reported, settings)
  reporters.push(reporter)
  return reporter
}
afterEach(async () => {
  for (const reporter of reporters.splice(0)) await reporter.close(0)
  await listener?.close()
  listener = undefined
  await broker.stop()
  broker.port = 0
  warnings.length = 0
})

describe.runIf(hasMosquitto || process.env.OCELLUS_REQUIRE_ALL === '1')('a camera and its broker', () => {
  it('events arrive in order, and what they make of the state is retained', async () => {
    await broker.start()
    const reporter = await report(options(broker.address))
    reporter.event(camera('live'))
    reporter.event(object('start', 1))
    reporter.event(object('start', 2, { zones: ['door'] }))
    reporter.event(object('cross', 2, { line: 'gate', direction: 'in', counts: { in: 3, out: 1 } }))
    reporter.event(object('enter', 1, { zones: ['door'], zone: 'door' }))
    reporter.event(object('end', 2))
    reporter.picture(Buffer.from('jpeg'))
    listener = await Listener.open(broker.address)
    const { topics } = reporter
    await listener.until('the picture', () => listener?.last(topics.snapshot) === 'jpeg')
    await listener.until('the count', () => listener?.last(topics.label('person')) === '1')
    expect(listener.last(topics.zone('door'))).toBe('1')
    expect(listener.last(topics.line('gate'))).toBe('{"in":3,"out":1}')
    expect(listener.last(topics.status)).toBe('online')
    expect(listener.last(topics.camera)).toBe('online')
    // Who comes late learns the state, and no event.
    while (reporter.waiting > 0) await new Promise((resolve) => setTimeout(resolve, 10))
    const late = await Listener.open(broker.address)
    await late.until('the state', () => late.last(topics.status) === 'online')
    await late.until('the picture', () => late.last(topics.snapshot) === 'jpeg')
    // What was still on its way when it came is not marked so.
    const retained = late.messages.filter(({ retain }) => retain).map(({ topic }) => topic)
    const { status, camera: there, snapshot } = topics
    expect(retained).toEqual(expect.arrayContaining([status, there, snapshot, topics.line('gate')]))
    expect(late.last(topics.events)).toBeUndefined()
    await late.close()
    const before = listener.events(topics.events).uids.length
    for (let n = 3; n < 200; n++) reporter.event(object('update', 1))
    await listener.until('the events', () => listener?.events(topics.events).uids.length === before + 197)
    const { uids, repeated } = listener.events(topics.events)
    const first = Number(uids[0].split('-')[1])
    expect(uids.map((uid) => Number(uid.split('-')[1]))).toEqual(uids.map((_, n) => first + n))
    expect(repeated).toBe(0)
    await reporter.close(5000)
    await listener.until('the end', () => listener?.last(topics.status) === 'offline')
    expect(listener.last(topics.camera)).toBe('offline')
    expect(warnings).toEqual([])
  })

  it('events that happen while the broker is away arrive later, each once under its uid', async () => {
    await broker.start()
    listener = await Listener.open(broker.address)
    const reporter = await report(options(broker.address))
    const { events } = reporter.topics
    const count = (): number => listener?.events(events).uids.length ?? 0
    let made = 0
    const make = async (n: number): Promise<void> => {
      for (let each = 0; each < n; each++) {
        reporter.event(object('update', ++made))
        if (each % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 5))
      }
    }
    await make(100)
    await listener.until('the first events', () => count() > 20)
    const making = make(300)
    await broker.stop()
    await making
    await make(50)
    expect(reporter.waiting).toBeGreaterThan(49)
    await broker.start()
    await listener.until('all events', () => count() === made)
    const { uids } = listener.events(events)
    // An event may come twice, under its uid: the order is that of the first time.
    expect(uids.map((uid) => Number(uid.split('-')[1]))).toEqual(uids.map((_, n) => n + 1))
    expect(warnings).toEqual([
      expect.stringMatching(/^E_MQTT: mqtt:\/\/127\.0\.0\.1:\d+: .*; events are kept until it is back$/),
      ...(warnings.length > 2 ? [expect.stringMatching(/ECONNREFUSED/)] : []),
      expect.stringMatching(/^mqtt: connected to /),
    ])
  })

  it('events that a run could not deliver are delivered by the next', async () => {
    broker.port = await freePort()
    const settings = options(broker.address)
    const first = await report(settings)
    first.event(object('start', 1))
    first.event(object('end', 1))
    await first.close(0)
    await broker.start()
    listener = await Listener.open(broker.address)
    const second = await report(settings)
    second.event(object('start', 2))
    const { events } = second.topics
    await listener.until('all events', () => listener?.events(events).uids.length === 3)
    const prefix = listener.events(events).uids[0].split('-')[0]
    expect(listener.events(events).uids).toEqual([1, 2, 3].map((n) => `${prefix}-${n}`))
  })

  it('Home Assistant is told of labels as they are seen, and to forget what is gone', async () => {
    await broker.start()
    const settings = options(broker.address, { discovery: 'homeassistant' })
    const { labels: _, ...unnamed } = front
    const first = await report(settings, unnamed)
    first.event(object('start', 1, { label: 'cat' }))
    await first.close(5000)
    listener = await Listener.open(broker.address)
    const config = (name: string): string => `homeassistant/binary_sensor/ocellus_front/${name}/config`
    await listener.until('the cat', () => listener?.last(config('label_cat')) !== undefined)
    expect(JSON.parse(listener.last(config('zone_door')) ?? '')).toMatchObject({ name: 'door' })
    const second = await report(settings, { ...unnamed, zones: [] })
    await listener.until('the end of the zone', () => listener?.last(config('zone_door')) === '')
    expect(listener.last(config('label_cat'))).toContain('"cat"')
    await second.close(5000)
    const third = await report({ ...settings, discovery: undefined })
    await listener.until('the end of all', () => listener?.last(config('label_cat')) === '')
    expect(listener.last(config('camera'))).toBe('')
    await third.close(5000)
  })

  it('a password is used, and a wrong one is told of and not shown', async () => {
    const user = { name: 'ocellus', password: 'geheim 77' }
    await broker.start(user)
    const address = broker.address.replace('//', '//ocellus@')
    listener = await Listener.open(broker.address, user)
    const good = await report(options(address, { password: user.password }))
    await listener.until('the status', () => listener?.last(good.topics.status) === 'online')
    await good.close(5000)
    await report(options(address, { password: 'geheim 66' }))
    for (let tries = 0; warnings.length === 0 && tries < 600; tries++)
      await new Promise((resolve) => setTimeout(resolve, 50))
    expect(warnings).toEqual([expect.stringMatching(/^E_MQTT: .*not authori[sz]ed; events are kept/i)])
    expect(warnings[0]).not.toContain('geheim')
  })
})

it.each([
  [{ address: 'http://host' }, /write mqtt:/],
  [{ topic: 'a/#' }, /no start of a topic/],
  [{ discovery: '+' }, /no start of a topic/],
])('%o is refused', async (more, text) => {
  const opened = (): Promise<unknown> => MqttReporter.open(front, options('mqtt://127.0.0.1:1', more))
  expect(await codeOfAsync(opened, text)).toBe('E_MQTT')
})
