import type { Box } from '../tasks/detection/detections.js'

/**
 * A constant-velocity Kalman filter over a box's centre, aspect ratio (width / height) and height,
 * as SORT, DeepSORT and ByteTrack use it, but with noise that grows with time and not with frames.
 *
 * The noises of the four are independent, so the filter is four scalar ones, each with a position p
 * (pixels; the aspect ratio has no unit) and a velocity v (per second), and the covariance [Ppp
 * Ppv; Ppv Pvv]:
 *
 *     predict(t)   p += v t
 *                  Ppp += 2 t Ppv + t^2 Pvv + q t + r t^3 / 3
 *                  Ppv += t Pvv + r t^2 / 2
 *                  Pvv += r t
 *     update(z)    k = Ppp / (Ppp + m),  l = Ppv / (Ppp + m)
 *                  p += k (z - p),  v += l (z - p)
 *                  Ppp -= k Ppp,  Pvv -= l Ppv,  Ppv -= k Ppv
 *
 * q is a random walk of the position, r a white acceleration, m the variance of a detection:
 * multiples of the height squared, so that near and far objects behave alike. Every operation is +,
 * -, *, / of doubles: the same bits everywhere.
 */

/** Of the position, per second, in heights squared. */
const walk = 0.01
/**
 * Of the velocity, per second, in (heights per second) squared: a third of a height per second
 * after one second.
 */
const acceleration = 0.1
/** Of a detection, in heights squared: edges are off by 7 % of the height. */
const measurement = 0.005
/** A new track's standard deviations, in heights, and in heights per second. */
const firstPosition = 0.1
const firstVelocity = 2

/** The same for the aspect ratio, which hardly changes. */
const aspectWalk = 0.003
const aspectAcceleration = 3e-6
const aspectMeasurement = 0.01
const aspectPosition = 0.01
const aspectVelocity = 3e-4

const aspect = 2
const height = 3

export class BoxFilter {
  /** Centre x, centre y, aspect ratio, height. */
  readonly #p = new Float64Array(4)
  readonly #v = new Float64Array(4)
  readonly #pp = new Float64Array(4)
  readonly #pv = new Float64Array(4)
  readonly #vv = new Float64Array(4)

  constructor({ xmin, ymin, xmax, ymax }: Box) {
    const h = ymax - ymin
    this.#p[0] = (xmin + xmax) / 2
    this.#p[1] = (ymin + ymax) / 2
    this.#p[aspect] = (xmax - xmin) / h
    this.#p[height] = h
    for (let i = 0; i < 4; i++) {
      this.#pp[i] = (i === aspect ? aspectPosition : firstPosition * h) ** 2
      this.#vv[i] = (i === aspect ? aspectVelocity : firstVelocity * h) ** 2
    }
  }

  get velocityX(): number {
    return this.#v[0]
  }

  get velocityY(): number {
    return this.#v[1]
  }

  /** Moves the box by `seconds`, at least 0. */
  predict(seconds: number): void {
    const square = this.#p[height] ** 2
    const t = seconds
    for (let i = 0; i < 4; i++) {
      const q = i === aspect ? aspectWalk : walk * square
      const r = i === aspect ? aspectAcceleration : acceleration * square
      this.#p[i] += this.#v[i] * t
      this.#pp[i] += t * (2 * this.#pv[i] + t * this.#vv[i] + q + (r * t * t) / 3)
      this.#pv[i] += t * (this.#vv[i] + (r * t) / 2)
      this.#vv[i] += r * t
    }
    // A prediction never turns a box inside out.
    this.#p[aspect] = Math.max(this.#p[aspect], 1e-3)
    this.#p[height] = Math.max(this.#p[height], 1)
  }

  /** Corrects the box by a detection. */
  update({ xmin, ymin, xmax, ymax }: Box): void {
    const h = ymax - ymin
    const square = this.#p[height] ** 2
    for (let i = 0; i < 4; i++) {
      const z =
        i === 0 ? (xmin + xmax) / 2 : i === 1 ? (ymin + ymax) / 2 : i === aspect ? (xmax - xmin) / h : h
      const sum = this.#pp[i] + (i === aspect ? aspectMeasurement : measurement * square)
      const kp = this.#pp[i] / sum
      const kv = this.#pv[i] / sum
      const off = z - this.#p[i]
      this.#p[i] += kp * off
      this.#v[i] += kv * off
      this.#vv[i] -= kv * this.#pv[i]
      this.#pv[i] -= kp * this.#pv[i]
      this.#pp[i] -= kp * this.#pp[i]
    }
  }

  /** An object out of view keeps its size. */
  keepSize(): void {
    this.#v[aspect] = 0
    this.#v[height] = 0
  }

  /** An object that stands still keeps its place. */
  stop(): void {
    this.#v.fill(0)
  }

  /** Where the object is. */
  box(): Box {
    const [x, y, a, h] = this.#p
    const halfWidth = (a * h) / 2
    return { xmin: x - halfWidth, ymin: y - h / 2, xmax: x + halfWidth, ymax: y + h / 2 }
  }
}
