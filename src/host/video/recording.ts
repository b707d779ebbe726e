import { OcellusError } from '../errors.js'
import { Fields } from '../format/fields.js'
import { parseStrictJson } from '../format/json.js'
import { limits } from '../limits.js'
import type { Detection } from '../tasks/detection/detections.js'
import { type SceneOptions, sceneNames, sceneOptions } from './scene.js'
import { lineOf, optional, optionalEntry, zoneOf } from './shape-fields.js'
import type { FrameTime } from './types.js'

/*
 * A recorded run is JSON lines: what `ocellus camera --frames` writes, and what `replay` reads.
 *
 *     {"v":1,"type":"scene","options":{"camera":"front","prefix":"k3f9","threshold":0.25,"zones":[...]}}
 *     {"v":1,"type":"frame","timeMs":7000,"position":7,"width":640,"height":360,"detections":[...]}
 *     {"v":1,"type":"frame","timeMs":7200,"position":7.2,"width":640,"height":360,"skipped":true}
 *     {"v":1,"type":"camera","state":"lost",...}
 *
 * Detections are those that the tracker was given, in their order. Events may stand between the
 * lines.
 */

/** One line of a recording, read. */
export type Recorded =
  | { readonly type: 'scene'; readonly options: SceneOptions }
  | {
      readonly type: 'frame'
      readonly frame: FrameTime
      readonly detections: readonly Detection[] | undefined
    }
  /** The camera went away, or the run ended: all objects have ended. */
  | { readonly type: 'gone' }
  /** An event, or the camera is there. */
  | { readonly type: 'other' }

/** The line that opens a recording: with which options the scene was made. */
export function sceneLine(options: SceneOptions): string {
  return JSON.stringify({ v: 1, type: 'scene', options: sceneOptions(options) })
}

/** The line of a frame; without detections that of one which nobody looked at. */
export function frameLine(frame: FrameTime, detections?: readonly Detection[]): string {
  const { timeMs, date, position, width, height } = frame
  const time = date === undefined ? undefined : new Date(date).toISOString()
  const seen = detections === undefined ? { skipped: true } : { detections }
  return JSON.stringify({ v: 1, type: 'frame', time, position, timeMs, width, height, ...seen })
}

/** Characters of a line: `limits.candidates` detections have fewer. */
const longestLine = 16 << 20

/** Reads a line; `where` names the file and the line. Throws E_RECORDING. */
export function parseRecorded(line: string, where: string): Recorded {
  if (line.length > longestLine)
    throw new OcellusError('E_RECORDING', `${where}: a line of ${line.length} characters is no frame`)
  try {
    const value = parseStrictJson(line, (what) => new OcellusError('E_RECORDING', `${where}: ${what}`))
    return recordOf(new Fields(value, 'the line', where))
  } catch (error) {
    if (!(error instanceof OcellusError) || error.code === 'E_RECORDING') throw error
    throw new OcellusError('E_RECORDING', error.message)
  }
}

function recordOf(line: Fields): Recorded {
  const version = line.field('v').integer(1, 1000)
  if (version !== 1) line.fail(`has version ${version}; this Ocellus reads version 1`)
  const type = line.field('type').string()
  if (type === 'scene') return { type, options: optionsOf(line.field('options')) }
  if (type === 'frame') return { type, ...frameOf(line) }
  if (type !== 'camera') return { type: 'other' }
  const state = line.field('state').string()
  return { type: state === 'live' || state === 'connecting' ? 'other' : 'gone' }
}

function frameOf(line: Fields) {
  const time = optional(line.field('time'), (field) => field.string(64))
  const date = time === undefined ? undefined : Date.parse(time)
  if (Number.isNaN(date)) line.field('time').fail('is no time, as in 2026-01-31T12:00:00.000Z')
  const frame: FrameTime = {
    timeMs: line.field('timeMs').number(-1e15, 1e15),
    ...(date !== undefined && { date }),
    ...optionalEntry('position', line.field('position'), (field) => field.number(-1e12, 1e12)),
    width: line.field('width').integer(1, limits.imageSide),
    height: line.field('height').integer(1, limits.imageSide),
  }
  const skipped = optional(line.field('skipped'), (field) => field.boolean()) ?? false
  if (skipped) return { frame, detections: undefined }
  return { frame, detections: line.field('detections').list(limits.candidates).map(detectionOf) }
}

function detectionOf(field: Fields): Detection {
  const box = field.field('box')
  const side = (name: string): number => box.field(name).number(-1e15, 1e15)
  return {
    label: field.field('label').string(),
    classId: field.field('classId').integer(0, limits.labels),
    score: field.field('score').number(-1e15, 1e15),
    box: { xmin: side('xmin'), ymin: side('ymin'), xmax: side('xmax'), ymax: side('ymax') },
  }
}

/** What the values must be, the tracker, its zones and its lines check themselves. */
function optionsOf(options: Fields): SceneOptions {
  options.only(...Object.keys(sceneNames))
  const any = (field: Fields): number => field.number(-1e15, 1e15)
  const number = <K extends keyof SceneOptions>(name: K) => optionalEntry(name, options.field(name), any)
  const text = <K extends keyof SceneOptions>(name: K) =>
    optionalEntry(name, options.field(name), (field) => field.name())
  return {
    ...text('camera'),
    ...text('prefix'),
    ...number('threshold'),
    ...number('highThreshold'),
    ...number('lowThreshold'),
    ...number('highIou'),
    ...number('lowIou'),
    ...number('newIou'),
    ...number('minHits'),
    ...number('lostMs'),
    ...number('stationaryLostMs'),
    ...number('stationaryMs'),
    ...number('updateMs'),
    ...optionalEntry('labelThresholds', options.field('labelThresholds'), (field) =>
      field.entries(limits.labels, any),
    ),
    ...optionalEntry('zones', options.field('zones'), (field) => field.list(limits.zones).map(zoneOf)),
    ...optionalEntry('lines', options.field('lines'), (field) => field.list(limits.zones).map(lineOf)),
  }
}
