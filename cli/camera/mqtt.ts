import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { parseBroker } from '../../src/host/platform/node/camera/mqtt/address.js'
import { MqttReporter } from '../../src/host/platform/node/camera/mqtt/reporter.js'
import { warn } from '../output.js'
import { readVersion } from '../version.js'
import type { Words } from './options.js'
import type { Sink, SnapshotTaker } from './sinks.js'

const defaultKeep = 8e6
const statisticsMs = 30_000
/** Who stops a camera does not want to wait; at the end of a file what is left should arrive. */
const patienceMs = { stopped: 1000, ended: 10_000 } as const

/** The broker's address as it may be shown. Throws E_MQTT. */
export const shownBroker = ({ mqtt }: Words): string | undefined =>
  mqtt === undefined ? undefined : parseBroker(mqtt).shown

/** Events and state for a broker. */
export function mqttSink(
  words: Words,
  name: string,
  { snapshots, signal }: { snapshots: SnapshotTaker | undefined; signal: AbortSignal },
): Sink | undefined {
  const { mqtt: address, discovery } = words
  if (address === undefined) return undefined
  let reporter: MqttReporter | undefined
  let timer: NodeJS.Timeout | undefined
  return {
    async attach(camera) {
      reporter = await MqttReporter.open(
        {
          name,
          version: await readVersion(),
          labels: words.labels,
          zones: camera.zones.map((zone) => zone.name),
          lines: camera.lines.map((line) => line.name),
          pictures: snapshots !== undefined,
        },
        {
          address,
          password: words.mqttPassword,
          topic: words.mqttTopic,
          discovery: discovery === true ? 'homeassistant' : discovery,
          folder: words.mqttSpool ?? stateFolder(),
          keepBytes: words.mqttKeep ?? defaultKeep,
          warn,
        },
      )
      snapshots?.onWritten((jpeg) => reporter?.picture(jpeg))
      timer = setInterval(() => reporter?.statistics(camera.stats), statisticsMs)
    },
    result(_, events) {
      for (const event of events) reporter?.event(event)
    },
    async close() {
      clearInterval(timer)
      await reporter?.close(signal.aborted ? patienceMs.stopped : patienceMs.ended)
    },
  }
}

/**
 * Where a program keeps what must outlive it: systemd's StateDirectory, or the user's own folder
 * for such things.
 */
function stateFolder(): string {
  const told = (name: string): string | undefined => {
    const path = process.env[name]
    return path !== undefined && isAbsolute(path) ? path : undefined
  }
  const service = told('STATE_DIRECTORY')
  if (service !== undefined) return service
  const local = process.platform === 'win32' ? told('LOCALAPPDATA') : undefined
  return join(told('XDG_STATE_HOME') ?? local ?? join(homedir(), '.local', 'state'), 'ocellus')
}
