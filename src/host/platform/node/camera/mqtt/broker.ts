import type { IClientOptions, MqttClient } from 'mqtt'
import { OcellusError } from '../../../../errors.js'
import type { BrokerAddress } from './address.js'

type Connect = (url: string, options: IClientOptions) => MqttClient

export interface BrokerOptions {
  readonly address: BrokerAddress
  /** The same for every connection of a camera: a new one then takes the place of a dead one. */
  readonly clientId: string
  /** What the broker says for us when we are gone. */
  readonly will: { readonly topic: string; readonly payload: string }
  readonly warn: (text: string) => void
  /** The connection is there: nothing that was sent before is sure to have arrived. */
  readonly connected: () => void
}

export interface Message {
  readonly topic: string
  readonly payload: string | Uint8Array
  readonly retain: boolean
}

const leastPauseMs = 1000
const longestPauseMs = 30_000
const growth = 1.5
/** Only a connection that lasted makes the next pause short again. */
const soundMs = 10_000
const keepAliveSeconds = 20
const connectMs = 10_000
/** CONNACK's codes for a user that the broker does not want. */
const refusals: ReadonlySet<unknown> = new Set([4, 5, 134, 135])

/** The library, which is loaded only where it is wanted. Throws E_MQTT where it is not installed. */
async function load(): Promise<Connect> {
  try {
    const { connect } = await import('mqtt')
    return connect
  } catch (cause) {
    throw new OcellusError('E_MQTT', 'MQTT needs a library that is not installed: npm install mqtt', {
      cause,
    })
  }
}

/** A connection to a broker that is made anew whenever it is lost, after pauses that grow. */
export class Broker {
  readonly #options: BrokerOptions
  readonly #connect: Connect
  #client: MqttClient | undefined
  #timer: NodeJS.Timeout | undefined
  #pause = leastPauseMs
  #since = 0
  #isConnected = false
  #closed = false
  #told: string | undefined

  private constructor(options: BrokerOptions, connect: Connect) {
    this.#options = options
    this.#connect = connect
  }

  static async create(options: BrokerOptions): Promise<Broker> {
    return new Broker(options, await load())
  }

  get isConnected(): boolean {
    return this.#isConnected
  }

  open(): void {
    if (this.#closed || this.#client !== undefined) return
    const { address, clientId, will } = this.#options
    const client = this.#connect(address.url, {
      clientId,
      username: address.username,
      password: address.password,
      will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1, retain: true },
      protocolVersion: 4,
      clean: true,
      keepalive: keepAliveSeconds,
      connectTimeout: connectMs,
      // The pauses and what is sent again are ours.
      reconnectPeriod: 0,
      queueQoSZero: false,
    })
    this.#client = client
    let failure: unknown
    client.on('connect', () => this.#up(client))
    client.on('error', (error) => {
      failure = error
    })
    client.on('close', () => this.#down(client, failure))
  }

  /** Sends at QoS 1, and settles when it has arrived; rejects when the connection is lost before. */
  send({ topic, payload, retain }: Message): Promise<void> {
    const client = this.#client
    if (client === undefined || !this.#isConnected) return Promise.reject(new Error('not connected'))
    return new Promise((resolve, reject) => {
      const lost = (): void => reject(new Error('the connection is lost'))
      client.once('close', lost)
      const bytes = typeof payload === 'string' ? payload : Buffer.from(payload)
      client.publish(topic, bytes, { qos: 1, retain }, (error) => {
        client.off('close', lost)
        if (error) reject(error)
        else resolve()
      })
    })
  }

  /** Says goodbye, so that the will is not told. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    const client = this.#client
    this.#client = undefined
    if (client === undefined) return
    const polite = this.#isConnected
    this.#isConnected = false
    await new Promise<void>((resolve) => client.end(!polite, {}, () => resolve()))
  }

  #up(client: MqttClient): void {
    if (this.#closed || client !== this.#client) return
    client.setMaxListeners(0)
    this.#isConnected = true
    this.#since = performance.now()
    if (this.#told !== undefined) this.#options.warn(`mqtt: connected to ${this.#options.address.shown}`)
    this.#told = undefined
    this.#options.connected()
  }

  #down(client: MqttClient, failure: unknown): void {
    if (client !== this.#client) return
    const wasSound = this.#isConnected && performance.now() - this.#since > soundMs
    this.#isConnected = false
    this.#client = undefined
    client.end(true)
    if (this.#closed) return
    this.#tell(failure)
    if (wasSound) this.#pause = leastPauseMs
    const isRefused = failure instanceof Error && 'code' in failure && refusals.has(failure.code)
    const pause = isRefused ? longestPauseMs : this.#pause
    this.#pause = Math.min(this.#pause * growth, longestPauseMs)
    // Many cameras that lose one broker do not all return in the same moment.
    this.#timer = setTimeout(() => this.open(), pause * (0.75 + Math.random() / 2))
  }

  /** A failure that is the same as the one before is no news. */
  #tell(failure: unknown): void {
    const { address, warn } = this.#options
    const why = address.redactor.redact(reasonOf(failure))
    if (why === this.#told) return
    this.#told = why
    warn(`E_MQTT: ${address.shown}: ${why}; events are kept until it is back`)
  }
}

function reasonOf(failure: unknown): string {
  if (failure === undefined) return 'the connection is lost'
  // Where a name has several addresses there is one error for each.
  if (failure instanceof AggregateError) return reasonOf(failure.errors[0])
  return failure instanceof Error ? failure.message : String(failure)
}
