import type { Topics } from './topics.js'

/** What Home Assistant is told of. */
export interface Discovered {
  readonly camera: string
  readonly version: string
  readonly labels: readonly string[]
  readonly zones: readonly string[]
  readonly lines: readonly string[]
  readonly pictures: boolean
}

type Config = Readonly<Record<string, unknown>>

const isThere = "{{ 'ON' if value | int(0) > 0 else 'OFF' }}"

/**
 * Home Assistant's discovery: an entity for each label, zone and line, and for the camera's own
 * state, all of one device. The result maps topics to retained payloads.
 * Source: https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery
 */
export function discovery(prefix: string, topics: Topics, found: Discovered): Map<string, string> {
  const { camera, version, labels, zones, lines, pictures } = found
  const node = `ocellus_${objectId(camera)}`
  const configs = new Map<string, string>()
  const process = [{ topic: topics.status }]
  const both = { availability: [...process, { topic: topics.camera }], availability_mode: 'all' }
  const shared = {
    device: {
      identifiers: [node],
      name: camera,
      manufacturer: 'Ocellus',
      model: 'ocellus camera',
      sw_version: version,
    },
    origin: { name: 'Ocellus', sw_version: version },
  }
  const add = (component: string, id: string, config: Config): void => {
    const whole = { ...config, unique_id: `${node}_${id}`, ...shared }
    configs.set(`${prefix}/${component}/${node}/${id}/config`, JSON.stringify(whole))
  }
  const counted = (kind: string, name: string, topic: string): void => {
    const id = `${kind}_${objectId(name)}`
    const state = { state_topic: topic, ...both }
    add('binary_sensor', id, { name, ...state, value_template: isThere, device_class: 'occupancy' })
    add('sensor', `${id}_count`, { name: `${name} count`, ...state, state_class: 'measurement' })
  }
  for (const label of labels) counted('label', label, topics.label(label))
  for (const zone of zones) counted('zone', zone, topics.zone(zone))
  for (const line of lines)
    for (const direction of ['in', 'out'])
      add('sensor', `line_${objectId(line)}_${direction}`, {
        name: `${line} ${direction}`,
        state_topic: topics.line(line),
        value_template: `{{ value_json.${direction} }}`,
        state_class: 'total_increasing',
        ...both,
      })
  if (pictures)
    add('image', 'snapshot', {
      name: 'Snapshot',
      image_topic: topics.snapshot,
      content_type: 'image/jpeg',
      availability: process,
    })
  const own = { availability: process, entity_category: 'diagnostic' }
  add('binary_sensor', 'camera', {
    name: 'Camera',
    state_topic: topics.camera,
    payload_on: 'online',
    payload_off: 'offline',
    device_class: 'connectivity',
    ...own,
  })
  add('sensor', 'state', {
    name: 'State',
    state_topic: topics.state,
    value_template: '{{ value_json.state }}',
    device_class: 'enum',
    options: ['connecting', 'live', 'stalled', 'lost', 'ended'],
    ...own,
  })
  const measured = (id: string, name: string, path: string, unit: string): void =>
    add('sensor', id, {
      name,
      state_topic: topics.statistics,
      value_template: `{{ value_json.${path} }}`,
      unit_of_measurement: unit,
      state_class: 'measurement',
      ...own,
    })
  measured('rate', 'Frame rate', 'rate', 'fps')
  measured('latency', 'Latency', 'age.p50', 'ms')
  return configs
}

/**
 * A name of the letters that Home Assistant allows in topics; names that differ in others stay
 * different.
 */
function objectId(name: string): string {
  const plain = name.replace(/[^\w-]/g, '_')
  if (plain === name.replaceAll(' ', '_')) return plain
  let hash = 0
  for (const letter of name) hash = (Math.imul(hash, 31) + (letter.codePointAt(0) ?? 0)) >>> 0
  return `${plain}_${hash.toString(36)}`
}
