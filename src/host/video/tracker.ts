import { limits } from '../limits.js'
import type { Box, Detection } from '../tasks/detection/detections.js'
import { Assigner } from './assign.js'
import { areaOf, grow, intersectionOf, iouOf } from './boxes.js'
import { Elapsed } from './elapsed.js'
import { BoxFilter } from './kalman.js'
import { type TrackerSettings, trackerSettings } from './settings.js'
import { Stillness } from './stillness.js'
import type { Track, TrackerOptions } from './types.js'
import { LabelVotes } from './votes.js'

/**
 * How long after its last detection a track still takes one of the low group: ByteTrack's rule, in
 * time and not in frames.
 */
const lowMs = 500
/**
 * What moves fast may not overlap with itself from one frame to the next, and a new track has no
 * velocity yet: its box and the detections grow on all sides by this many of their heights per
 * second since the frame before, up to a limit.
 */
const reachPerSecond = 1
const farthestReach = 0.5
/** A detection that overlaps a track this much is the same object, under another label perhaps. */
const sameObject = 0.7
/**
 * Of two boxes with one label, one that lies in the other to this share, and has this share of its
 * area, is a part of it.
 */
const partInside = 0.9
const partArea = 0.25

/** A track from update to update. */
interface State {
  /** 0 until it is confirmed. */
  id: number
  readonly filter: BoxFilter
  readonly votes: LabelVotes
  readonly stillness: Stillness
  /** Where it is now, or is expected. */
  box: Box
  score: number
  topScore: number
  readonly firstTime: number
  lastTime: number
  /** When it was last seen, on the tracker's own clock. */
  lastSeen: number
  hits: number
  /** Index of the detection of this update, or -1. */
  detection: number
}

/**
 * Follows objects from frame to frame by the overlap of their boxes: ByteTrack (Zhang et al., 2022)
 * with a Kalman filter that counts time and not frames. See docs/tracking.md.
 *
 *     const tracker = new Tracker({ threshold: 0.25 })
 *     const detector = await Detector.create({ scoreThreshold: tracker.lowThreshold })
 *     for (const track of tracker.update(detector.detectPixels(pixels), performance.now()))
 *       if (track.seen) console.log(track.id, track.label, track.box)
 */
export class Tracker {
  readonly #settings: TrackerSettings
  readonly #assigner = new Assigner()
  readonly #elapsed = new Elapsed()
  #states: State[] = []
  #ids = 0
  #benefits = new Float64Array(0)
  #columnOf = new Int32Array(0)

  /** Throws E_OPTION. */
  constructor(options: TrackerOptions = {}) {
    this.#settings = trackerSettings(options)
  }

  /**
   * The least score of a detection that serves the tracker: what a detector's `scoreThreshold`
   * should be.
   */
  get lowThreshold(): number {
    return this.#settings.low
  }

  /**
   * The confirmed tracks after a frame's detections, by id: those that were seen, and those that
   * wait for their object (`seen` is false). Boxes without an area, beyond a million pixels, or
   * with anything that is no number are left out; of more than `limits.trackedBoxes` the best are
   * taken. A time before the last one, or the same, counts as no time passed. Throws E_OPTION for a
   * time that is no number.
   */
  update(detections: readonly Detection[], timeMs: number): Track[] {
    const s = this.#settings
    const passed = this.#elapsed.advance(timeMs)
    // Beyond `lostMs` a velocity says nothing.
    this.#predict(Math.min(passed, s.lostMs) / 1000)
    const { high, low } = this.#groups(detections)
    const states = this.#states
    const confirmed = states.filter(({ id }) => id > 0)
    const afterFirst = this.#match(confirmed, high, detections, s.highIou, timeMs)
    const waiting = confirmed.filter((state) => state.detection < 0 && this.#takesLow(state, passed))
    this.#match(waiting, low, detections, s.lowIou, timeMs)
    const tentative = states.filter(({ id }) => id === 0)
    const afterNew = this.#match(tentative, afterFirst, detections, s.newIou, timeMs)
    const fast = tentative.filter(({ detection }) => detection < 0)
    const reach = Math.min((passed / 1000) * reachPerSecond, farthestReach)
    const unknown = this.#match(fast, afterNew, detections, s.newIou, timeMs, reach)
    this.#states = states.filter((state) => state.detection >= 0 || (state.id > 0 && !this.#lost(state)))
    for (const index of unknown) this.#start(detections[index], index, timeMs)
    for (const state of this.#states) if (state.id === 0 && state.hits >= s.minHits) state.id = ++this.#ids
    return this.#states
      .filter(({ id }) => id > 0)
      .sort((a, b) => a.id - b.id)
      .map(trackOf)
  }

  /**
   * Time that passed without a look, as while nothing moved: no track is lost for it. Throws
   * E_OPTION.
   */
  skip(timeMs: number): void {
    this.#elapsed.skip(timeMs)
  }

  /** Forgets all tracks, as after a camera was away. Ids go on. */
  reset(): void {
    this.#states = []
  }

  #predict(seconds: number): void {
    for (const state of this.#states) {
      if (state.detection < 0) {
        if (state.stillness.stationary) state.filter.stop()
        else state.filter.keepSize()
      }
      state.detection = -1
      state.filter.predict(seconds)
      state.box = state.filter.box()
    }
  }

  #lost({ lastSeen, stillness }: State): boolean {
    const { lostMs, stationaryLostMs } = this.#settings
    return this.#elapsed.total - lastSeen > (stillness.stationary ? stationaryLostMs : lostMs)
  }

  /** Whether it was seen in the update before, `passed` ago, or not long ago, or has its place. */
  #takesLow({ lastSeen, stillness }: State, passed: number): boolean {
    return stillness.stationary || this.#elapsed.total - lastSeen <= Math.max(passed, lowMs)
  }

  #highOf(label: string): { readonly high: number; readonly start: number } {
    return this.#settings.byLabel.get(label) ?? this.#settings
  }

  /** Indices of the two groups' detections, the best first. */
  #groups(detections: readonly Detection[]): { high: number[]; low: number[] } {
    const order: number[] = []
    for (const [i, detection] of detections.entries()) if (isSound(detection)) order.push(i)
    order.sort((a, b) => detections[b].score - detections[a].score || a - b)
    if (order.length > limits.trackedBoxes) order.length = limits.trackedBoxes
    const high: number[] = []
    const low: number[] = []
    for (const i of order) {
      const { label, score } = detections[i]
      if (score >= this.#highOf(label).high) high.push(i)
      else if (score >= this.#settings.low) low.push(i)
    }
    return { high, low }
  }

  /**
   * Gives tracks their detections, which grow by `reach` heights; returns those that no track took,
   * in order.
   */
  #match(
    states: readonly State[],
    indices: readonly number[],
    detections: readonly Detection[],
    leastIou: number,
    timeMs: number,
    reach = 0,
  ): readonly number[] {
    const rows = states.length
    const columns = indices.length
    if (rows === 0 || columns === 0) return indices
    if (this.#columnOf.length < rows) this.#columnOf = new Int32Array(rows * 2)
    if (this.#benefits.length < rows * columns) this.#benefits = new Float64Array(rows * columns * 2)
    for (const [j, index] of indices.entries()) {
      const { box, score } = detections[index]
      for (let i = 0; i < rows; i++) {
        const grown = reach * (box.ymax - box.ymin)
        const iou = iouOf(grow(states[i].box, grown), grow(box, grown))
        // Of detections that fit alike the one with the better score is preferred.
        this.#benefits[i * columns + j] = iou >= leastIou ? iou * Math.max(score, 1e-6) : 0
      }
    }
    this.#assigner.assign(this.#benefits, rows, columns, this.#columnOf)
    const taken = new Set<number>()
    for (let i = 0; i < rows; i++) {
      const column = this.#columnOf[i]
      if (column < 0) continue
      taken.add(indices[column])
      this.#hit(states[i], detections[indices[column]], indices[column], timeMs)
    }
    return indices.filter((index) => !taken.has(index))
  }

  #hit(state: State, { box, label, classId, score }: Detection, index: number, timeMs: number): void {
    state.filter.update(box)
    state.box = state.filter.box()
    state.stillness.see(state.box, this.#elapsed.total, this.#settings.stationaryMs)
    state.votes.add(label, classId, score)
    state.score = score
    state.topScore = Math.max(state.topScore, score)
    state.lastTime = timeMs
    state.lastSeen = this.#elapsed.total
    state.hits++
    state.detection = index
  }

  #start({ box, label, classId, score }: Detection, index: number, timeMs: number): void {
    if (score < this.#highOf(label).start || this.#states.length >= limits.tracks) return
    if (this.#states.some((state) => state.detection >= 0 && isSame(state, box, label))) return
    const votes = new LabelVotes()
    votes.add(label, classId, score)
    const filter = new BoxFilter(box)
    const own = filter.box()
    const now = this.#elapsed.total
    this.#states.push({
      id: 0,
      filter,
      votes,
      stillness: new Stillness(own, now),
      box: own,
      score,
      topScore: score,
      firstTime: timeMs,
      lastTime: timeMs,
      lastSeen: now,
      hits: 1,
      detection: index,
    })
  }
}

/**
 * Whether a detection shows the object of a track once more: under another label, or one of them a
 * part of it.
 */
function isSame({ box, votes }: State, found: Box, label: string): boolean {
  const common = intersectionOf(box, found)
  if (common === 0) return false
  const [a, b] = [areaOf(box), areaOf(found)]
  if (common >= sameObject * (a + b - common)) return true
  const part = Math.min(a, b)
  return votes.label === label && common >= partInside * part && part >= partArea * Math.max(a, b)
}

/**
 * Pixels beyond which no picture reaches: larger numbers are a fault, and their areas would
 * overflow.
 */
const farthest = 1e6

/** A box with an area, and a score. */
function isSound({ box: { xmin, ymin, xmax, ymax }, score }: Detection): boolean {
  const within = xmin >= -farthest && ymin >= -farthest && xmax <= farthest && ymax <= farthest
  return within && xmin < xmax && ymin < ymax && score >= 0
}

const trackOf = (state: State): Track => ({
  id: state.id,
  label: state.votes.label,
  classId: state.votes.classId,
  score: state.score,
  topScore: state.topScore,
  box: state.box,
  seen: state.detection >= 0,
  detection: state.detection,
  velocity: { x: state.filter.velocityX, y: state.filter.velocityY },
  firstTime: state.firstTime,
  lastTime: state.lastTime,
  hits: state.hits,
  stationary: state.stillness.stationary,
})
