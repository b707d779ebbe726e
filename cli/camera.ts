import type { Command } from 'commander'
import { OcellusError } from '../src/host/errors.js'
import { parseSource } from '../src/host/platform/node/camera/address.js'
import { Camera } from '../src/host/platform/node/camera.js'
import { checkCamera } from './camera/check.js'
import { applyConfig } from './camera/config.js'
import { mqttSink, shownBroker } from './camera/mqtt.js'
import { addOptions, cameraOptions, type Words } from './camera/options.js'
import { replayRecording } from './camera/replay.js'
import { lineSink, snapshotSink, viewSink } from './camera/sinks.js'

export function addCamera(program: Command): void {
  addOptions(
    program
      .command('camera')
      .description('follow objects in a camera or a video, and tell what happens')
      .argument(
        '[source]',
        'a file, -, /dev/video0 or 0, rtsp(s)://, http(s)://, rpicam:, test:; or a recording (.jsonl)',
      ),
  ).action(camera)
}

async function camera(given: string | undefined, _: Words, command: Command): Promise<void> {
  const configured = applyConfig(command)
  const source = given ?? configured
  if (source === undefined)
    throw new OcellusError('E_USAGE', 'give a source, or a --config with one; see ocellus camera --help')
  await watch(source, command.opts<Words>())
}

async function watch(source: string, words: Words): Promise<void> {
  const stop = new AbortController()
  const end = (): void => stop.abort()
  process.on('SIGINT', end).on('SIGTERM', end)
  const address = parseSource(source)
  if (address.kind === 'recording') return replayRecording(address.target, words, stop.signal)
  // Every user of a machine sees the words that a program was started with: not with a password in
  // them.
  if (address.shown !== source || shownBroker(words) !== words.mqtt || words.mqttPassword !== undefined)
    process.title = `ocellus camera ${address.shown}`
  const options = await cameraOptions(words)
  if (words.check) return checkCamera(source, options, words.json ?? false, stop.signal)
  const name = words.name ?? address.name
  const snapshots = await snapshotSink(words, name)
  const mqtt = mqttSink(words, name, { snapshots, signal: stop.signal })
  const sinks = [snapshots, lineSink(words), mqtt, await viewSink(words)].filter((sink) => sink !== undefined)
  const takers = sinks.filter((sink) => sink.picture !== undefined)
  const onPicture = (jpeg: Uint8Array, number: number): void => {
    for (const taker of takers) taker.picture?.(jpeg, number)
  }
  let timer: NodeJS.Timeout | undefined
  let camera: Camera | undefined
  let closed: readonly PromiseSettledResult<void>[] = []
  try {
    camera = await Camera.open(source, {
      ...options,
      name,
      onPicture: takers.length > 0 ? onPicture : undefined,
      signal: stop.signal,
    })
    for (const sink of sinks) await sink.attach?.(camera)
    const { duration = Number.POSITIVE_INFINITY } = words
    if (camera.live && Number.isFinite(duration)) timer = setTimeout(end, duration)
    for await (const result of camera) {
      const events = snapshots?.named(result) ?? result.events
      for (const sink of sinks) await sink.result?.(result, events)
      // A file's own time tells: the same lines on a slow machine.
      if (!camera.live && result.timing !== undefined && result.time >= duration) end()
    }
  } finally {
    clearTimeout(timer)
    await camera?.close()
    closed = await Promise.allSettled(sinks.map((sink) => sink.close()))
    process.off('SIGINT', end).off('SIGTERM', end)
  }
  for (const result of closed) if (result.status === 'rejected') throw result.reason
}
