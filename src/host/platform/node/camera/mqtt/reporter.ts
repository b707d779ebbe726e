import { join } from 'node:path'
import type { VideoEvent } from '../../../../video/types.js'
import type { CameraEvent } from '../results.js'
import type { CameraStatistics } from '../statistics.js'
import { parseBroker } from './address.js'
import { Broker } from './broker.js'
import { discovery } from './discovery.js'
import { Memory } from './memory.js'
import { Present } from './present.js'
import { Spool } from './spool.js'
import { States } from './states.js'
import { type Topics, topicsOf } from './topics.js'

export interface MqttOptions {
  /** `mqtt://user@host:1883`; also mqtts, ws and wss. */
  readonly address: string
  readonly password?: string
  /** Start of all topics. Default `ocellus`. */
  readonly topic?: string
  /** Topic under which Home Assistant looks for devices; none where it is not told of any. */
  readonly discovery?: string
  /** Where events wait for the broker, and most bytes of them. */
  readonly folder: string
  readonly keepBytes: number
  readonly warn: (text: string) => void
}

/** What is known of a camera before its first event. */
export interface Reported {
  readonly name: string
  readonly version: string
  /** Labels that are looked for; without them each is told of when it is first seen. */
  readonly labels?: readonly string[]
  readonly zones: readonly string[]
  readonly lines: readonly string[]
  readonly pictures: boolean
}

/** Messages that may be on their way at once. */
const window = 16

/**
 * Reports a camera to an MQTT broker: its events in order at QoS 1, each under a `uid` that stays
 * when it is sent again, and its state, counts and picture as retained messages.
 */
export class MqttReporter {
  readonly topics: Topics
  readonly #reported: Reported
  readonly #options: MqttOptions
  readonly #spool: Spool
  readonly #memory: Memory
  readonly #broker: Broker
  readonly #states: States
  readonly #present = new Present()
  readonly #labels = new Set<string>()
  /** The last event that is on its way, how many are, and which of them have arrived early. */
  #sent = 0
  #flying = 0
  readonly #early = new Set<number>()
  #connection = 0
  #idle: (() => void) | undefined

  private constructor(reported: Reported, options: MqttOptions, spool: Spool, parts: Parts) {
    this.#reported = reported
    this.#options = options
    this.#spool = spool
    this.topics = parts.topics
    this.#memory = parts.memory
    this.#broker = parts.broker
    this.#states = new States((message) => this.#broker.send(message))
    spool.onReady = () => this.#pump()
    for (const label of reported.labels ?? this.#memory.labels) this.#labels.add(label)
  }

  /**
   * Opens the spool and begins to connect; a broker that is away is waited for in the background.
   * Throws E_MQTT, E_FILE_WRITE.
   */
  static async open(reported: Reported, options: MqttOptions): Promise<MqttReporter> {
    const { folder, keepBytes, warn, topic = 'ocellus', discovery: prefix } = options
    const address = parseBroker(options.address, options.password)
    const topics = topicsOf(topic, reported.name)
    // Home Assistant's own topic obeys the same rules.
    if (prefix !== undefined) topicsOf(prefix, reported.name)
    const file = join(folder, `${reported.name}.spool`)
    const spool = await Spool.open({ file, keepBytes, warn })
    try {
      const broker = await Broker.create({
        address,
        clientId: `ocellus-${spool.id}`,
        will: { topic: topics.status, payload: 'offline' },
        warn,
        connected: () => reporter.#connected(),
      })
      const memory = new Memory(join(folder, `${reported.name}.discovery.json`))
      const reporter = new MqttReporter(reported, options, spool, { topics, memory, broker })
      reporter.#begin()
      return reporter
    } catch (error) {
      await spool.close()
      throw error
    }
  }

  /** Events that have not arrived. */
  get waiting(): number {
    return this.#spool.pending.length
  }

  event(event: VideoEvent | CameraEvent): void {
    this.#spool.add((uid) => JSON.stringify({ ...event, uid }))
    if (event.type === 'camera') this.#camera(event)
    else this.#object(event)
  }

  /** The latest picture, as a JPEG. */
  picture(jpeg: Uint8Array): void {
    this.#states.set(this.topics.snapshot, jpeg)
  }

  statistics(statistics: CameraStatistics): void {
    this.#states.set(this.topics.statistics, JSON.stringify(statistics))
  }

  /** Waits so long for what has not arrived, tells that it goes, and goes. What is left waits on disk. */
  async close(patienceMs: number): Promise<void> {
    this.#states.set(this.topics.camera, 'offline')
    this.#states.set(this.topics.status, 'offline')
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve) => {
      timer = setTimeout(resolve, patienceMs)
      this.#idle = resolve
      this.#rest()
    })
    clearTimeout(timer)
    await this.#broker.close()
    await this.#spool.close()
  }

  #begin(): void {
    const { zones, lines } = this.#reported
    this.#states.set(this.topics.camera, 'offline')
    for (const label of this.#labels) this.#states.set(this.topics.label(label), '0')
    for (const zone of zones) this.#states.set(this.topics.zone(zone), '0')
    for (const line of lines) this.#states.set(this.topics.line(line), JSON.stringify({ in: 0, out: 0 }))
    this.#discover()
    this.#states.set(this.topics.status, 'online')
    this.#broker.open()
  }

  /** Tells Home Assistant what there is, and to forget what is there no more. */
  #discover(): void {
    const { discovery: prefix } = this.#options
    const found = { ...this.#reported, camera: this.#reported.name, labels: [...this.#labels] }
    const configs = prefix === undefined ? new Map<string, string>() : discovery(prefix, this.topics, found)
    for (const topic of this.#memory.topics) if (!configs.has(topic)) this.#states.set(topic, '')
    for (const [topic, config] of configs) this.#states.set(topic, config)
    this.#memory.save([...configs.keys()], found.labels, this.#options.warn)
  }

  #camera({ state, time, code, message, attempt }: CameraEvent): void {
    this.#states.set(this.topics.camera, state === 'live' ? 'online' : 'offline')
    this.#states.set(this.topics.state, JSON.stringify({ state, time, code, message, attempt }))
  }

  #object(event: VideoEvent): void {
    this.#present.update(event)
    if (!this.#labels.has(event.label)) {
      this.#labels.add(event.label)
      this.#discover()
    }
    // An object's label may change, and so any count.
    for (const label of this.#labels)
      this.#states.set(this.topics.label(label), String(this.#present.ofLabel(label)))
    for (const zone of this.#reported.zones)
      this.#states.set(this.topics.zone(zone), String(this.#present.inZone(zone)))
    if (event.line !== undefined) this.#states.set(this.topics.line(event.line), JSON.stringify(event.counts))
  }

  #connected(): void {
    this.#connection++
    this.#sent = 0
    this.#flying = 0
    this.#early.clear()
    this.#states.connected(() => this.#rest())
    this.#pump()
  }

  /** Sends the events that wait, in their order, a few at a time. */
  #pump(): void {
    if (!this.#broker.isConnected) return
    const connection = this.#connection
    for (const { number, text } of this.#spool.pending) {
      if (this.#flying >= window) return
      if (number <= this.#sent) continue
      this.#sent = number
      this.#flying++
      this.#broker.send({ topic: this.topics.events, payload: text, retain: false }).then(
        () => {
          if (connection === this.#connection) this.#arrived(number)
        },
        // The next connection sends it again.
        () => {},
      )
    }
  }

  /** Only what has arrived with all that stood before it is forgotten. */
  #arrived(number: number): void {
    this.#flying--
    this.#early.add(number)
    let last: number | undefined
    for (const each of this.#spool.pending) {
      if (!this.#early.delete(each.number)) break
      last = each.number
    }
    if (last !== undefined) this.#spool.arrived(last)
    this.#pump()
    this.#rest()
  }

  #rest(): void {
    if (this.#spool.pending.length === 0 && this.#spool.isWritten && this.#states.isSettled) this.#idle?.()
  }
}

interface Parts {
  readonly topics: Topics
  readonly memory: Memory
  readonly broker: Broker
}
