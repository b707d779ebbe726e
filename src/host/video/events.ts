import { OcellusError } from '../errors.js'
import { limits } from '../limits.js'
import { checkOptions, type OptionNames } from '../options.js'
import { iouOf } from './boxes.js'
import { Elapsed } from './elapsed.js'
import { Line } from './lines.js'
import { duration as checkedDuration } from './settings.js'
import { badShape } from './shapes.js'
import type {
  EventOptions,
  FrameTime,
  LineCounts,
  Point,
  Track,
  VideoEvent,
  VideoEventType,
} from './types.js'
import { Zone } from './zones.js'

export const eventNames = {
  camera: 'string',
  prefix: 'string',
  zones: 'list',
  lines: 'list',
  updateMs: 'number',
} satisfies OptionNames<EventOptions>

interface ZoneState {
  inside: boolean
  /** Frames in a row that say otherwise, and when the first of them was. */
  run: number
  since: number
}

interface LineState {
  /** Where the object was last outside of the dead band, or first seen. */
  point: Point
  /** Directions in which it has crossed. */
  in: boolean
  out: boolean
}

/** An object between its start and its end. */
interface Subject {
  readonly id: string
  readonly started: number
  readonly zones: ZoneState[]
  readonly lines: LineState[]
  /** The track and the frame in which it was last seen. */
  track: Track
  frame: FrameTime
  seen: number
  /** What users know of it, and since when. */
  reported: { track: Track; zones: string; at: number }
}

type Extra = Pick<VideoEvent, 'zone' | 'line' | 'direction' | 'counts'>

/**
 * Turns tracks into events. Every `start` has exactly one `end`: when the track is lost, or at
 * `close`.
 *
 *     const engine = new EventEngine({ zones: ['door:0.1,0.2 0.5,0.2 0.5,0.9'], lines: ['gate:0,0.5 1,0.5'] })
 *     for (const event of engine.update(tracks, { timeMs, width, height })) console.log(JSON.stringify(event))
 *     for (const event of engine.close()) console.log(JSON.stringify(event))
 */
export class EventEngine {
  readonly zones: readonly Zone[]
  readonly lines: readonly Line[]
  readonly #camera: string | undefined
  readonly #prefix: string
  readonly #updateMs: number
  readonly #elapsed = new Elapsed()
  readonly #subjects = new Map<number, Subject>()
  readonly #counts: { in: number; out: number }[]

  /** Throws E_ZONE and E_OPTION. */
  constructor(options: EventOptions = {}) {
    checkOptions(options, eventNames, 'EventEngine')
    this.zones = unlike(
      'zone',
      (options.zones ?? []).map((zone) => new Zone(zone)),
    )
    this.lines = unlike(
      'line',
      (options.lines ?? []).map((line) => new Line(line)),
    )
    this.#camera = options.camera
    this.#prefix = options.prefix === undefined ? '' : `${options.prefix}-`
    this.#updateMs = checkedDuration('updateMs', options.updateMs ?? 5000)
    this.#counts = this.lines.map(() => ({ in: 0, out: 0 }))
  }

  /** Objects that have started and not ended. */
  get active(): number {
    return this.#subjects.size
  }

  /** How often each line has been crossed. */
  counts(): Record<string, LineCounts> {
    return Object.fromEntries(this.lines.map(({ name }, i) => [name, { ...this.#counts[i] }]))
  }

  /**
   * The events of a frame, those of one object together. `tracks` are what `Tracker.update`
   * returned for it. Throws E_OPTION.
   */
  update(tracks: readonly Track[], frame: FrameTime): VideoEvent[] {
    checkFrame(frame)
    this.#elapsed.advance(frame.timeMs)
    const events: VideoEvent[] = []
    const present = new Set(tracks.map(({ id }) => id))
    for (const id of this.#subjects.keys()) if (!present.has(id)) this.#end(id, events)
    for (const track of tracks) {
      const known = this.#subjects.get(track.id)
      if (known === undefined) this.#start(track, frame, events)
      else if (track.seen) this.#see(known, track, frame, events)
    }
    return events
  }

  /**
   * Ends all objects, as when the camera is lost or the program stops. Afterwards the engine can go
   * on.
   */
  close(): VideoEvent[] {
    const events: VideoEvent[] = []
    for (const id of this.#subjects.keys()) this.#end(id, events)
    return events
  }

  #start(track: Track, frame: FrameTime, events: VideoEvent[]): void {
    const now = this.#elapsed.total
    const point = foot(track, frame)
    const subject: Subject = {
      id: `${this.#prefix}${track.id}`,
      started: now,
      zones: this.zones.map(() => ({ inside: false, run: 0, since: now })),
      lines: this.lines.map(() => ({ point, in: false, out: false })),
      track,
      frame,
      seen: now,
      reported: { track, zones: '', at: now },
    }
    this.#subjects.set(track.id, subject)
    events.push(this.#event('start', subject))
    this.#visit(subject, point, events)
  }

  #see(subject: Subject, track: Track, frame: FrameTime, events: VideoEvent[]): void {
    subject.track = track
    subject.frame = frame
    subject.seen = this.#elapsed.total
    const point = foot(track, frame)
    this.#visit(subject, point, events)
    this.#cross(subject, point, events)
    const { reported } = subject
    if (subject.seen - reported.at < this.#updateMs) return
    const zones = this.#zonesOf(subject).join('\n')
    const same =
      reported.track.label === track.label &&
      reported.track.stationary === track.stationary &&
      reported.zones === zones &&
      track.topScore < reported.track.topScore + 0.05 &&
      (track.stationary || iouOf(reported.track.box, track.box) > 0.8)
    if (same) return
    subject.reported = { track, zones, at: subject.seen }
    events.push(this.#event('update', subject))
  }

  /** Zones that the object enters and leaves. */
  #visit(subject: Subject, point: Point, events: VideoEvent[]): void {
    for (const [i, zone] of this.zones.entries()) {
      const state = subject.zones[i]
      const inside = zone.admits(subject.track.label) && zone.contains(point)
      if (inside === state.inside) {
        state.run = 0
        continue
      }
      if (state.run++ === 0) state.since = subject.seen
      if (state.run < zone.inertia) continue
      if (inside && subject.seen - state.since < zone.loiterMs) continue
      state.inside = inside
      state.run = 0
      events.push(this.#event(inside ? 'enter' : 'leave', subject, { zone: zone.name }))
    }
  }

  /** Lines that the object crosses. */
  #cross(subject: Subject, point: Point, events: VideoEvent[]): void {
    const aspect = subject.frame.width / subject.frame.height
    for (const [i, line] of this.lines.entries()) {
      const state = subject.lines[i]
      if (line.side(point, aspect) === 0) continue
      const direction = line.crossing(state.point, point, aspect)
      state.point = point
      if (direction === undefined || !line.admits(subject.track.label)) continue
      if (state[direction] && line.once) continue
      state[direction] = true
      this.#counts[i][direction]++
      const counts = { ...this.#counts[i] }
      events.push(this.#event('cross', subject, { line: line.name, direction, counts }))
    }
  }

  /** Leaves all zones and ends, at the time when the object was last seen. */
  #end(id: number, events: VideoEvent[]): void {
    const subject = this.#subjects.get(id)
    if (subject === undefined) return
    this.#subjects.delete(id)
    for (const [i, zone] of this.zones.entries()) {
      if (!subject.zones[i].inside) continue
      subject.zones[i].inside = false
      events.push(this.#event('leave', subject, { zone: zone.name }))
    }
    events.push(this.#event('end', subject))
  }

  #zonesOf(subject: Subject): string[] {
    return this.zones.filter((_, i) => subject.zones[i].inside).map(({ name }) => name)
  }

  #event(type: VideoEventType, subject: Subject, extra: Extra = {}): VideoEvent {
    const { track, frame } = subject
    const { date, position } = frame
    return {
      v: 1,
      type,
      ...(date !== undefined && { time: new Date(date).toISOString() }),
      ...(position !== undefined && { position: round(position, 1000) }),
      ...(this.#camera !== undefined && { camera: this.#camera }),
      id: subject.id,
      label: track.label,
      score: round(track.score, 10_000),
      topScore: round(track.topScore, 10_000),
      // Cut at the picture's edges, as detections are.
      box: {
        xmin: round(Math.max(track.box.xmin, 0), 10),
        ymin: round(Math.max(track.box.ymin, 0), 10),
        xmax: round(Math.min(track.box.xmax, frame.width), 10),
        ymax: round(Math.min(track.box.ymax, frame.height), 10),
      },
      width: frame.width,
      height: frame.height,
      zones: this.#zonesOf(subject),
      stationary: track.stationary,
      duration: round((subject.seen - subject.started) / 1000, 1000),
      ...extra,
    }
  }
}

/** The last millisecond that has a date, on either side of 1970. */
const lastDate = 8.64e15

function checkFrame({ width, height, date = 0 }: FrameTime): void {
  if (!(width > 0 && height > 0))
    throw new OcellusError('E_OPTION', `the frame has ${width} x ${height} pixels; give its size`)
  if (!(Math.abs(date) <= lastDate))
    throw new OcellusError('E_OPTION', `the frame's date is ${date}; give milliseconds since 1970`)
}

/**
 * The middle of a box's lower side in fractions of the picture; a box that reaches beyond the
 * picture is cut.
 */
function foot({ box }: Track, { width, height }: FrameTime): Point {
  const inside = (value: number): number => Math.min(Math.max(value, 0), 1)
  return [inside((box.xmin + box.xmax) / 2 / width), inside(box.ymax / height)]
}

/** Never -0, which JSON would lose. */
const round = (value: number, steps: number): number => Math.round(value * steps) / steps + 0

function unlike<T extends { readonly name: string }>(what: string, shapes: T[]): T[] {
  if (shapes.length > limits.zones)
    badShape(what, '', `${shapes.length} of them, more than ${limits.zones}; leave some out`)
  for (const [i, { name }] of shapes.entries()) {
    if (shapes.findIndex((other) => other.name === name) !== i)
      badShape(what, name, 'two have this name; give each its own')
  }
  return shapes
}
