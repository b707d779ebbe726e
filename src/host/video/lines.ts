import { OcellusError } from '../errors.js'
import { checkOptions, type OptionNames } from '../options.js'
import { badShape, parseShape, shapeName, shapePoint } from './shapes.js'
import type { Direction, LineOptions, Point } from './types.js'

const lineNames = {
  name: true,
  from: true,
  to: true,
  labels: 'strings',
  deadBand: 'number',
  once: true,
} satisfies OptionNames<LineOptions>

/**
 * A line of the picture that counts what crosses it, by the middle of the lower side of each box.
 *
 *     const gate = new Line({ name: 'gate', from: [0, 0.5], to: [1, 0.5] })
 *     gate.crossing([0.4, 0.4], [0.4, 0.6], 16 / 9)                          // 'in': downwards
 */
export class Line {
  readonly name: string
  readonly from: Point
  readonly to: Point
  readonly labels: readonly string[] | undefined
  readonly deadBand: number
  readonly once: boolean

  /** Throws E_ZONE and E_OPTION. */
  constructor(options: LineOptions | string) {
    if (typeof options !== 'string') checkOptions(options, lineNames, 'Line')
    const {
      name,
      from,
      to,
      labels,
      deadBand = 0.01,
      once = true,
    } = typeof options === 'string' ? parsed(options) : options
    this.name = shapeName('line', name)
    this.from = shapePoint('line', this.name, from)
    this.to = shapePoint('line', this.name, to)
    if (this.from[0] === this.to[0] && this.from[1] === this.to[1])
      badShape('line', this.name, 'its two points are the same')
    if (!(deadBand >= 0 && deadBand <= 0.5))
      throw new OcellusError(
        'E_OPTION',
        `deadBand of line '${this.name}' is ${deadBand}; give a fraction of the height from 0 to 0.5`,
      )
    this.labels = labels === undefined ? undefined : [...labels]
    this.deadBand = deadBand
    this.once = once
  }

  /**
   * On which side of the line, extended at both ends, a point lies: -1 on the left of someone who
   * looks from the first point to the second, 1 on the right, 0 within the dead band. `aspect` is
   * the picture's width / height.
   */
  side(point: Point, aspect: number): -1 | 0 | 1 {
    const [dx, dy] = [(this.to[0] - this.from[0]) * aspect, this.to[1] - this.from[1]]
    const [px, py] = [(point[0] - this.from[0]) * aspect, point[1] - this.from[1]]
    const distance = (dx * py - dy * px) / Math.sqrt(dx * dx + dy * dy)
    if (Math.abs(distance) <= this.deadBand) return 0
    return distance > 0 ? 1 : -1
  }

  /**
   * The direction in which the straight way between two points crosses the line between its ends,
   * if it does.
   */
  crossing(before: Point, after: Point, aspect: number): Direction | undefined {
    const [a, b] = [this.side(before, aspect), this.side(after, aspect)]
    if (a === 0 || b === 0 || a === b) return undefined
    const [dx, dy] = [this.to[0] - this.from[0], this.to[1] - this.from[1]]
    const [wx, wy] = [after[0] - before[0], after[1] - before[1]]
    // Where along the line they meet, 0 at its first point and 1 at its second.
    const at = ((before[0] - this.from[0]) * wy - (before[1] - this.from[1]) * wx) / (dx * wy - dy * wx)
    if (!(at >= 0 && at <= 1)) return undefined
    return b > 0 ? 'in' : 'out'
  }

  /** Whether objects with this label count. */
  admits(label: string): boolean {
    return this.labels === undefined || this.labels.includes(label)
  }
}

function parsed(words: string): LineOptions {
  const { name, points } = parseShape('line', words)
  if (points.length !== 2) badShape('line', name, `${points.length} points; a line has two`)
  return { name, from: points[0], to: points[1] }
}
