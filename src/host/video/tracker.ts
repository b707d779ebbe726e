import { limits } from '../limits.js'
import type { Detection } from '../tasks/detection/detections.js'
import { Assigner } from './assign.js'
import { Elapsed } from './elapsed.js'
import { BoxFilter } from './kalman.js'
import { type TrackerSettings, trackerSettings } from './settings.js'
import type { Track, TrackerOptions } from './types.js'
import { LabelVotes } from './votes.js'

/** A track's state from update to update. */
interface State {
  id: number
  readonly filter: BoxFilter
  readonly votes: LabelVotes
  score: number
  topScore: number
  readonly firstTime: number
  lastTime: number
  /** The tracker's own clock when the track was last seen. */
  lastSeen: number
  hits: number
  /** Index of the detection of this update, or -1. */
  detection: number
  /** Whether the update before this one saw it. */
  fresh: boolean
  stationary: boolean
}

/**
 * Follows objects from frame to frame by the overlap of their boxes: ByteTrack (Zhang et al., 2022) with a Kalman filter
 * that counts time and not frames. See docs/tracking.md.
 *
 *     const tracker = new Tracker({ threshold: 0.25 })
 *     for (const track of tracker.update(detections, performance.now())) console.log(track.id, track.label, track.box)
 */
export class Tracker {
  readonly #settings: TrackerSettings
  readonly #assigner = new Assigner()
  #states: State[] = []
  #ids = 0
  readonly #elapsed = new Elapsed()
  #boxes = new Float64Array(0)
  #benefits = new Float64Array(0)
  #columnOf = new Int32Array(0)

  /** Throws E_OPTION. */
  constructor(options: TrackerOptions = {}) {
    this.#settings = trackerSettings(options)
  }

  /** The least score of a detection that serves the tracker: what a detector's `scoreThreshold` should be. */
  get lowThreshold(): number {
    return Math.min(this.#settings.low, this.#settings.high)
  }

  /** The confirmed tracks after a frame's detections, by id. Throws E_OPTION for a time that is no number. */
  update(detections: readonly Detection[], timeMs: number): Track[] {
    // Beyond `lostMs` a velocity says nothing.
    const seconds = Math.min(this.#elapsed.advance(timeMs), this.#settings.lostMs) / 1000
    const states = this.#states
    for (const state of states) {
      state.fresh = state.detection >= 0
      state.detection = -1
      if (!state.fresh) state.filter.keepSize()
      state.filter.predict(seconds)
    }
    const { high, low } = this.#sort(detections)
    const s = this.#settings
    const confirmed = states.filter((state) => state.id > 0)
    const tentative = states.filter((state) => state.id === 0)
    const left = this.#match(confirmed, high, detections, s.highIou, timeMs)
    const waiting = confirmed.filter((state) => state.fresh && state.detection < 0)
    this.#match(waiting, low, detections, s.lowIou, timeMs)
    const fresh = this.#match(tentative, left, detections, s.newIou, timeMs)
    this.#states = states.filter((state) => state.detection >= 0 || (state.id > 0 && !this.#lost(state)))
    for (const index of fresh) this.#start(detections[index], index, timeMs)
    for (const state of this.#states) if (state.id === 0 && state.hits >= s.minHits) state.id = ++this.#ids
    return this.#states
      .filter(({ id }) => id > 0)
      .sort((a, b) => a.id - b.id)
      .map(snapshot)
  }

  /** Time that passed without a look, as while nothing moved: no track is lost for it. Throws E_OPTION. */
  skip(timeMs: number): void {
    this.#elapsed.skip(timeMs)
  }

  /** Forgets all tracks, as after a camera was away; ids go on. */
  reset(): void {
    this.#states = []
  }

  #lost(state: State): boolean {
    const { lostMs, stationaryLostMs } = this.#settings
    return this.#elapsed.total - state.lastSeen > (state.stationary ? stationaryLostMs : lostMs)
  }

  /** Indices of the detections of the two groups, the best first, at most `limits.trackedBoxes` in all. */
  #sort(detections: readonly Detection[]): { high: number[]; low: number[] } {
    const order: number[] = []
    for (let i = 0; i < detections.length; i++) if (isSound(detections[i])) order.push(i)
    order.sort((a, b) => detections[b].score - detections[a].score || a - b)
    if (order.length > limits.trackedBoxes) order.length = limits.trackedBoxes
    const high: number[] = []
    const low: number[] = []
    for (const i of order) {
      const { label, score } = detections[i]
      if (score >= (this.#settings.byLabel.get(label) ?? this.#settings).high) high.push(i)
      else if (score >= this.#settings.low) low.push(i)
    }
    return { high, low }
  }

  /** Gives tracks their detections; returns those that no track took, in order. */
  #match(
    states: readonly State[],
    indices: readonly number[],
    detections: readonly Detection[],
    least: number,
    timeMs: number,
  ): number[] {
    const rows = states.length
    const columns = indices.length
    if (rows === 0 || columns === 0) return [...indices]
    if (this.#boxes.length < rows * 4) this.#boxes = new Float64Array(rows * 8)
    if (this.#columnOf.length < rows) this.#columnOf = new Int32Array(rows * 2)
    if (this.#benefits.length < rows * columns) this.#benefits = new Float64Array(rows * columns * 2)
    const boxes = this.#boxes
    for (let i = 0; i < rows; i++) states[i].filter.write(boxes, i * 4)
    for (let j = 0; j < columns; j++) {
      const { xmin, ymin, xmax, ymax } = detections[indices[j]].box
      const area = (xmax - xmin) * (ymax - ymin)
      for (let i = 0; i < rows; i++) {
        const at = i * 4
        const w = Math.min(boxes[at + 2], xmax) - Math.max(boxes[at], xmin)
        const h = Math.min(boxes[at + 3], ymax) - Math.max(boxes[at + 1], ymin)
        let benefit = 0
        if (w > 0 && h > 0) {
          const own = (boxes[at + 2] - boxes[at]) * (boxes[at + 3] - boxes[at + 1])
          const iou = (w * h) / (own + area - w * h)
          if (iou >= least) benefit = iou - least + 1e-9
        }
        this.#benefits[i * columns + j] = benefit
      }
    }
    this.#assigner.assign(this.#benefits, rows, columns, this.#columnOf)
    const taken = new Uint8Array(columns)
    for (let i = 0; i < rows; i++) {
      const column = this.#columnOf[i]
      if (column < 0) continue
      taken[column] = 1
      this.#hit(states[i], detections[indices[column]], indices[column], timeMs)
    }
    return indices.filter((_, j) => taken[j] === 0)
  }

  #hit(state: State, { box, label, classId, score }: Detection, index: number, timeMs: number): void {
    state.filter.update(box.xmin, box.ymin, box.xmax, box.ymax)
    state.votes.add(label, classId, score)
    state.score = score
    state.topScore = Math.max(state.topScore, score)
    state.detection = index
    state.lastTime = timeMs
    state.lastSeen = this.#elapsed.total
    state.hits++
  }

  #start({ box, label, classId, score }: Detection, index: number, timeMs: number): void {
    if (score < (this.#settings.byLabel.get(label) ?? this.#settings).start) return
    if (this.#states.length >= limits.tracks) return
    const votes = new LabelVotes()
    votes.add(label, classId, score)
    this.#states.push({
      id: 0,
      filter: new BoxFilter(box.xmin, box.ymin, box.xmax, box.ymax),
      votes,
      score,
      topScore: score,
      firstTime: timeMs,
      lastTime: timeMs,
      lastSeen: this.#elapsed.total,
      hits: 1,
      detection: index,
      fresh: true,
      stationary: false,
    })
  }
}

/** Pixels beyond which no picture reaches: larger numbers are a fault, and their areas would overflow. */
const farthest = 1e6

/** A box with an area, and a score. Others are left out. */
function isSound({ box, score }: Detection): boolean {
  const { xmin, ymin, xmax, ymax } = box
  return (
    score >= 0 &&
    xmin >= -farthest &&
    ymin >= -farthest &&
    xmax <= farthest &&
    ymax <= farthest &&
    xmin < xmax &&
    ymin < ymax
  )
}

const corners = new Float64Array(4)

function snapshot(state: State): Track {
  state.filter.write(corners, 0)
  return {
    id: state.id,
    label: state.votes.label,
    classId: state.votes.classId,
    score: state.score,
    topScore: state.topScore,
    box: { xmin: corners[0], ymin: corners[1], xmax: corners[2], ymax: corners[3] },
    seen: state.detection >= 0,
    detection: state.detection,
    velocity: { x: state.filter.velocityX, y: state.filter.velocityY },
    firstTime: state.firstTime,
    lastTime: state.lastTime,
    hits: state.hits,
    stationary: state.stationary,
  }
}
