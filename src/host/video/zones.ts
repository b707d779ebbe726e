import { limits } from '../limits.js'
import { checkOptions, type OptionNames } from '../options.js'
import { count, duration } from './settings.js'
import { badShape, onSegment, parseShape, segmentsMeet, shapeName, shapePoint } from './shapes.js'
import type { Point, ZoneOptions } from './types.js'

const zoneNames = {
  name: true,
  points: 'list',
  labels: 'strings',
  inertia: 'number',
  loiterMs: 'number',
} satisfies OptionNames<ZoneOptions>

/**
 * A polygon of the picture. An object is in it when the middle of its box's lower side is.
 *
 *     const door = new Zone({ name: 'door', points: [[0.1, 0.2], [0.5, 0.2], [0.5, 0.9]], labels: ['person'] })
 *     new Zone('door:0.1,0.2 0.5,0.2 0.5,0.9').contains([0.4, 0.3])          // true
 */
export class Zone {
  readonly name: string
  readonly points: readonly Point[]
  readonly labels: readonly string[] | undefined
  readonly inertia: number
  readonly loiterMs: number

  /** Throws E_ZONE and E_OPTION. */
  constructor(options: ZoneOptions | string) {
    if (typeof options !== 'string') checkOptions(options, zoneNames, 'Zone')
    const {
      name,
      points,
      labels,
      inertia = 3,
      loiterMs = 0,
    }: ZoneOptions = typeof options === 'string' ? parseShape('zone', options) : options
    this.name = shapeName('zone', name)
    this.points = polygon(this.name, points)
    this.labels = labels === undefined ? undefined : [...labels]
    this.inertia = count(`inertia of zone '${this.name}'`, inertia)
    this.loiterMs = duration(`loiterMs of zone '${this.name}'`, loiterMs)
  }

  /** Whether a point lies inside or on a side: even-odd rule, by a ray to the right. */
  contains(point: Point): boolean {
    const [x, y] = point
    const points = this.points
    let inside = false
    let before = points[points.length - 1]
    for (const corner of points) {
      if (onSegment(before, corner, point)) return true
      if (corner[1] > y !== before[1] > y) {
        const at = corner[0] + ((y - corner[1]) / (before[1] - corner[1])) * (before[0] - corner[0])
        if (x < at) inside = !inside
      }
      before = corner
    }
    return inside
  }

  /** Whether objects with this label enter. */
  admits(label: string): boolean {
    return this.labels === undefined || this.labels.includes(label)
  }
}

/** Corners without repeated ones, checked. Throws E_ZONE. */
function polygon(name: string, points: readonly Point[]): Point[] {
  const bad = (why: string): never => badShape('zone', name, why)
  if (!Array.isArray(points) || points.length < 3) bad('a zone needs at least three points')
  if (points.length > limits.zonePoints)
    bad(`${points.length} points, more than ${limits.zonePoints}; leave some out`)
  const corners: Point[] = []
  for (const point of points) {
    const corner = shapePoint('zone', name, point)
    if (!same(corner, corners[corners.length - 1])) corners.push(corner)
  }
  // Some close the polygon themselves.
  if (corners.length > 1 && same(corners[0], corners[corners.length - 1])) corners.pop()
  if (corners.length < 3) bad('a zone needs at least three different points')
  const n = corners.length
  const side = (i: number): [Point, Point] => [corners[i % n], corners[(i + 1) % n]]
  for (let i = 0; i < n; i++) {
    const [a, b] = side(i)
    const [, c] = side(i + 1)
    // A side that turns back onto the one before it.
    if (onSegment(a, b, c) || onSegment(b, c, a)) crossing(bad, i, (i + 1) % n)
    for (let j = i + 2; j < n; j++) {
      if (i === 0 && j === n - 1) continue
      if (segmentsMeet(a, b, ...side(j))) crossing(bad, i, j)
    }
  }
  return corners
}

const same = (a: Point, b: Point | undefined): boolean => b !== undefined && a[0] === b[0] && a[1] === b[1]

function crossing(bad: (why: string) => never, i: number, j: number): never {
  return bad(`sides ${i + 1} and ${j + 1} meet; give the corners in their order around the zone`)
}
