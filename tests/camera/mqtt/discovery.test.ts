import { describe, expect, it } from 'vitest'
import { parseBroker } from '../../../src/host/platform/node/camera/mqtt/address.js'
import { discovery } from '../../../src/host/platform/node/camera/mqtt/discovery.js'
import { topicsOf } from '../../../src/host/platform/node/camera/mqtt/topics.js'
import { codeOfAsync } from '../../helpers/code-of.js'

interface Config {
  readonly unique_id: string
  readonly state_topic?: string
  readonly image_topic?: string
  readonly availability: { readonly topic: string }[]
  readonly device: { readonly identifiers: string[] }
}

describe("Home Assistant's discovery", () => {
  const found = {
    camera: 'front.1',
    version: '1.2.3',
    labels: ['person', 'traffic light'],
    zones: ['Tür', 'Tor'],
    lines: ['gate'],
    pictures: true,
  }
  const topics = topicsOf('ocellus', 'front.1')
  const configs = discovery('homeassistant', topics, found)
  const parsed = [...configs].map(([topic, text]) => ({ topic, config: JSON.parse(text) as Config }))

  it('has an entity for each label, zone, line and for the camera, each with an id of its own', () => {
    // Two for a label and a zone, two for a line, the picture, and four of the camera itself.
    expect(configs.size).toBe(2 * 2 + 2 * 2 + 2 + 1 + 4)
    expect(new Set(parsed.map(({ config }) => config.unique_id)).size).toBe(configs.size)
    for (const { topic } of parsed)
      expect(topic).toMatch(/^homeassistant\/(binary_sensor|sensor|image)\/[\w-]+\/[\w-]+\/config$/)
    const devices = new Set(parsed.map(({ config }) => config.device.identifiers[0]))
    expect(devices.size).toBe(1)
  })

  it('says of everything when it can be believed', () => {
    for (const { config } of parsed) expect(config.availability[0]).toEqual({ topic: topics.status })
    const person = parsed.find(({ config }) => config.state_topic === 'ocellus/front.1/labels/person')
    expect(person?.config.availability).toEqual([{ topic: topics.status }, { topic: topics.camera }])
    // That the camera is away must be told while it is away.
    const own = parsed.find(({ config }) => config.state_topic === topics.camera)
    expect(own?.config.availability).toEqual([{ topic: topics.status }])
  })

  it('keeps names apart that differ in letters which ids do not have', () => {
    const ids = ['Tür', 'Tör', 'T r', 'T_r'].map((zone) => {
      const one = discovery('ha', topics, { ...found, labels: [], zones: [zone], lines: [], pictures: false })
      return [...one.keys()][0]
    })
    expect(new Set(ids.slice(0, 3)).size).toBe(3)
  })
})

it('names make one level of a topic', () => {
  const topics = topicsOf('home/cameras', 'front')
  expect(topics.zone('a/b+c#d')).toBe('home/cameras/front/zones/a_b_c_d')
  expect(topics.label('traffic light')).toBe('home/cameras/front/labels/traffic light')
})

it.each(['', '/x', 'x/', 'a+b', 'a#', '$SYS', 'a\0b', 'x'.repeat(201)])(
  '%j starts no topic',
  async (prefix) => {
    expect(await codeOfAsync(async () => topicsOf(prefix, 'front'))).toBe('E_MQTT')
  },
)

describe('the address of a broker', () => {
  it('is parted from its user and password', () => {
    expect(parseBroker('mqtt://me:ge%20heim@host:1884')).toMatchObject({
      username: 'me',
      password: 'ge heim',
      shown: expect.stringMatching(/^mqtt:\/\/host:1884/),
    })
    expect(parseBroker('mqtts://me@host', 'geheim')).toMatchObject({ username: 'me', password: 'geheim' })
    expect(parseBroker('mqtts://host', 'geheim')).toMatchObject({ password: 'geheim' })
    const { url, redactor } = parseBroker('ws://me:geheim@host/path')
    expect(url).toBe('ws://host/path')
    expect(redactor.redact('login me:geheim failed, geheim')).not.toContain('geheim')
  })

  it.each(['host', 'http://host', 'mqtt:', 'mqtt://', '1883', 'mqtt://u:geheim@h:x/'])(
    '%s is none, and its password is not shown',
    async (word) => {
      const parse = async (): Promise<unknown> => parseBroker(word)
      expect(await codeOfAsync(parse, /write mqtt:/)).toBe('E_MQTT')
      await expect(parse()).rejects.not.toThrow(/geheim/)
    },
  )
})
