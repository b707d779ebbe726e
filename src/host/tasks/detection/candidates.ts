import { limits } from '../../limits.js'

/** xmin, ymin, xmax, ymax */
export type Corners = [number, number, number, number]

/**
 * Boxes with one class and score each, in the order in which the heads were read. Holds at most
 * `limits.candidates` of them, the best by score, so that a hostile model cannot make suppression
 * quadratic in its own size.
 */
export class Candidates {
  count = 0
  /** Corners in pixels of the photo, not clipped. */
  boxes = new Float64Array(4 * 256)
  scores = new Float64Array(256)
  classes = new Int32Array(256)
  /** Which box of the heads this is; candidates of one box differ in class only. */
  origins = new Int32Array(256)

  constructor(readonly limit: number = limits.candidates) {}

  /** A box that is not finite is none, and is left out. */
  add(corners: Corners, score: number, classId: number, origin: number): void {
    // NaN and infinity survive any sum, and no real box comes near the end of float64's range
    const sum = corners[0] + corners[1] + corners[2] + corners[3]
    if (!Number.isFinite(sum) || Number.isNaN(score)) return
    if (this.count === this.scores.length) this.#makeRoom()
    const at = this.count++
    this.boxes.set(corners, 4 * at)
    this.scores[at] = score
    this.classes[at] = classId
    this.origins[at] = origin
  }

  /** Indices by descending score; exact ties by ascending index. At most `limit` of them. */
  ranked(): Uint32Array {
    const { scores } = this
    const order = new Uint32Array(this.count)
    for (let i = 0; i < order.length; i++) order[i] = i
    order.sort((a, b) => scores[b] - scores[a] || a - b)
    return order.subarray(0, this.limit)
  }

  /** Doubles the arrays, or, at twice the limit, keeps the best `limit` in their order. */
  #makeRoom(): void {
    if (this.count < 2 * this.limit) {
      const length = Math.min(2 * this.count, 2 * this.limit)
      this.boxes = grown(this.boxes, new Float64Array(4 * length))
      this.scores = grown(this.scores, new Float64Array(length))
      this.classes = grown(this.classes, new Int32Array(length))
      this.origins = grown(this.origins, new Int32Array(length))
      return
    }
    const kept = this.ranked().slice().sort()
    for (let to = 0; to < kept.length; to++) {
      const from = kept[to]
      this.boxes.copyWithin(4 * to, 4 * from, 4 * from + 4)
      this.scores[to] = this.scores[from]
      this.classes[to] = this.classes[from]
      this.origins[to] = this.origins[from]
    }
    this.count = kept.length
  }
}

function grown<T extends Float64Array | Int32Array>(from: T, to: T): T {
  to.set(from)
  return to
}
