import { Snapshots } from '../../src/host/platform/node/camera/snapshots.js'
import { View } from '../../src/host/platform/node/camera/view/server.js'
import type { Camera, CameraResult } from '../../src/host/platform/node/camera.js'
import { frameLine, sceneLine } from '../../src/host/platform/node.js'
import { warn } from '../output.js'
import { fileLines, type LineWriter, printedLines } from './lines.js'
import type { Words } from './options.js'
import { eventText } from './text.js'

type AnyEvent = CameraResult['events'][number] & { readonly snapshot?: string }

/** Where results go. Each is told of the camera before its first result. */
export interface Sink {
  picture?(jpeg: Uint8Array, number: number): void
  attach?(camera: Camera): Promise<void>
  result?(result: CameraResult, events: readonly AnyEvent[]): Promise<void> | void
  close(): Promise<void>
}

/** The page. */
export async function viewSink(words: Words): Promise<Sink | undefined> {
  if (words.view === undefined) return undefined
  const view = await View.open({ ...words.view, names: words.viewName })
  return {
    picture: (jpeg) => view.picture(jpeg),
    async attach(camera) {
      view.attach(camera)
      warn(`view: ${view.address}`)
    },
    result: (result) => view.result(result),
    close: () => view.close(),
  }
}

/**
 * JSON lines where they are asked for; else lines for people. What went wrong stands on stderr as
 * well.
 */
export function lineSink({ events: target, frames }: Words): Sink {
  let lines: LineWriter | undefined
  let live = false
  const json = target !== undefined
  return {
    async attach(camera) {
      live = camera.live
      lines = target === undefined || target === '-' ? printedLines() : await fileLines(target, live)
      if (json && frames) await lines.write(sceneLine(camera.sceneOptions))
    },
    async result({ timing, skipped, detections, weak }, events) {
      if (json && frames && timing !== undefined)
        await lines?.write(frameLine(timing, skipped ? undefined : [...detections, ...weak]))
      for (const event of events) {
        if (event.type === 'camera' && event.code !== undefined) warn(`${event.code}: ${event.message}`)
        else if (event.type === 'camera' && live) warn(eventText(event))
        if (json) await lines?.write(JSON.stringify(event))
        else if (event.type !== 'camera') await lines?.write(eventText(event))
      }
    },
    close: async () => lines?.close(),
  }
}

/** Pictures of what appears, and events with their names. */
export interface SnapshotTaker extends Sink {
  named(result: CameraResult): readonly AnyEvent[]
  /** Has each picture that was written handed on. */
  onWritten(take: (jpeg: Uint8Array) => void): void
}

const defaultKeep = 200
const defaultBytes = 500e6

export async function snapshotSink(words: Words, name: string): Promise<SnapshotTaker | undefined> {
  const { snapshots: folder, keep = defaultKeep, keepBytes = defaultBytes } = words
  if (folder === undefined) return undefined
  const snapshots = await Snapshots.open({ folder, camera: name, keep, keepBytes, warn })
  return {
    picture: (jpeg, number) => snapshots.picture(jpeg, number),
    onWritten(take) {
      snapshots.onWritten = take
    },
    named: ({ events, number }) =>
      events.map((event) =>
        event.type === 'start' && number !== undefined
          ? { ...event, snapshot: snapshots.take(event, number) }
          : event,
      ),
    close: () => snapshots.close(),
  }
}
