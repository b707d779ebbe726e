import { fork } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MqttReporter } from '../../src/host/platform/node/camera/mqtt/reporter.js'
import type { VideoEvent } from '../../src/host/platform/node.js'
import { Mosquitto } from './mosquitto.js'

export interface FleetOptions {
  readonly cameras: number
  readonly seconds: number
  /** How often the broker is restarted meanwhile, and how long it is away each time. */
  readonly restarts: number
  readonly awaySeconds: number
  /** For the broker's files and the cameras' spools. */
  readonly folder: string
  /** Events of one camera, in their order, each with a `position`: replayed again and again. */
  readonly events: readonly VideoEvent[]
}

export interface FleetReport {
  readonly cameras: number
  /** Events that were made, and those that came, by their uids. */
  readonly made: number
  readonly arrived: number
  /** Messages that came once more under the uid of one before. */
  readonly repeated: number
  /** Events that came before another of their camera that was made earlier. */
  readonly disordered: number
  /** Shares of a core: of a camera's reporting, on average, and of the broker. */
  readonly camera: number
  readonly broker: number
  readonly eventsPerSecond: number
}

interface Told {
  readonly ready?: boolean
  readonly events?: number
  readonly unique?: number
  readonly list?: readonly string[]
}

const patienceMs = 120_000

/** Has cameras replay events to one broker that is restarted meanwhile, and counts what arrives. */
export async function runFleet(options: FleetOptions): Promise<FleetReport> {
  const { cameras, seconds, restarts, awaySeconds, folder, events } = options
  const broker = new Mosquitto(folder)
  await broker.start()
  const file = fileURLToPath(new URL('listener.js', import.meta.url))
  const listener = fork(file, [broker.address, 'ocellus/+/events'])
  let [messages, unique, isReady] = [0, 0, false]
  let list: readonly string[] | undefined
  listener.on('message', (told: Told) => {
    isReady ||= told.ready === true
    messages = told.events ?? messages
    unique = told.unique ?? unique
    list ??= told.list
  })
  const until = async (what: string, check: () => boolean): Promise<void> => {
    for (const began = performance.now(); !check(); ) {
      if (performance.now() - began > patienceMs) throw new Error(`waited for ${what}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  const players: Player[] = []
  try {
    await until('the listener', () => isReady)
    const cpu = process.cpuUsage()
    const began = performance.now()
    for (let n = 0; n < cameras; n++) players.push(await Player.open(n, broker.address, folder, events))
    const share = (seconds * 1000) / (restarts + 1)
    for (let n = 0; n <= restarts; n++) {
      await new Promise((resolve) => setTimeout(resolve, share))
      if (n === restarts) break
      await broker.stop()
      await new Promise((resolve) => setTimeout(resolve, awaySeconds * 1000))
      await broker.start()
    }
    for (const player of players) player.stop()
    const { user, system } = process.cpuUsage(cpu)
    const wall = (performance.now() - began) / 1000
    const brokerSeconds = broker.seconds
    const made = players.reduce((sum, player) => sum + player.made, 0)
    await until('all events', () => unique >= made && players.every(({ waiting }) => waiting === 0))
    listener.send('list')
    await until('the list', () => list !== undefined)
    return {
      cameras,
      made,
      arrived: unique,
      repeated: messages - unique,
      disordered: disorder(list ?? []),
      camera: (user + system) / 1e6 / wall / cameras,
      broker: brokerSeconds / wall,
      eventsPerSecond: made / wall,
    }
  } finally {
    for (const player of players) await player.close()
    if (listener.connected) listener.disconnect()
    await broker.stop()
  }
}

/** Uids that came after one of a higher number of the same camera. */
function disorder(uids: readonly string[]): number {
  const last = new Map<string, number>()
  let count = 0
  for (const uid of uids) {
    const [camera, number] = uid.split('-')
    if (Number(number) <= (last.get(camera) ?? 0)) count++
    else last.set(camera, Number(number))
  }
  return count
}

/** A camera that tells the same story again and again, as fast as it happened. */
class Player {
  made = 0
  #timer: NodeJS.Timeout | undefined

  private constructor(
    readonly reporter: MqttReporter,
    readonly events: readonly VideoEvent[],
  ) {}

  static async open(
    number: number,
    address: string,
    folder: string,
    events: readonly VideoEvent[],
  ): Promise<Player> {
    const name = `camera${number}`
    const reporter = await MqttReporter.open(
      { name, version: '0', labels: ['person'], zones: ['door'], lines: ['gate'], pictures: false },
      {
        address,
        discovery: 'homeassistant',
        folder: join(folder, 'spools'),
        keepBytes: 8e6,
        warn: () => {},
      },
    )
    const player = new Player(reporter, events)
    // Cameras do not see the same at the same time.
    player.#play(number % Math.max(events.length, 1), 0)
    return player
  }

  get waiting(): number {
    return this.reporter.waiting
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  async close(): Promise<void> {
    this.stop()
    await this.reporter.close(1000)
  }

  #play(at: number, round: number): void {
    const event = this.events[at]
    const next = this.events[at + 1]
    const pause = next === undefined ? 1 : (next.position ?? 0) - (event.position ?? 0)
    this.#timer = setTimeout(() => {
      this.reporter.event({ ...event, id: `${event.id}-${round}` })
      this.made++
      if (next === undefined) this.#play(0, round + 1)
      else this.#play(at + 1, round)
    }, Math.max(pause, 0) * 1000)
  }
}
