import type { Box } from '../tasks/detection/detections.js'
import { iouOf } from './boxes.js'

/** Least overlap with the place where an object was first still. */
const inPlace = 0.6
/** Detections in a row elsewhere that show that it has moved: one may be wrong. */
const movedAfter = 3

/**
 * Whether an object stays in its place: its box overlaps one of its earlier boxes for long enough.
 */
export class Stillness {
  #place: Box
  #since: number
  #away = 0
  #stationary = false

  constructor(box: Box, now: number) {
    this.#place = box
    this.#since = now
  }

  get stationary(): boolean {
    return this.#stationary
  }

  /** The object was seen. `stationaryMs`: how long it takes. */
  see(box: Box, now: number, stationaryMs: number): void {
    if (iouOf(this.#place, box) >= inPlace) {
      this.#away = 0
      if (now - this.#since >= stationaryMs) this.#stationary = true
    } else if (++this.#away >= movedAfter) {
      this.#place = box
      this.#since = now
      this.#away = 0
      this.#stationary = false
    }
  }
}
