import { OcellusError } from '../errors.js'
import { told } from '../shown.js'
import type { Point } from './types.js'

/** Throws E_ZONE; `what` is `zone` or `line`. */
export function badShape(what: string, name: unknown, why: string): never {
  throw new OcellusError('E_ZONE', `${what} ${typeof name === 'string' ? `'${name}'` : told(name)}: ${why}`)
}

const namePattern = /^[\p{L}\p{N}_][\p{L}\p{N}_. -]{0,63}$/u

/** A name that serves in paths, topics and JSON alike. Throws E_ZONE. */
export function shapeName(what: string, name: unknown): string {
  if (typeof name === 'string' && namePattern.test(name)) return name
  return badShape(what, name, 'give a name of at most 64 letters, digits, spaces, _, - and .')
}

const pointText = (point: unknown): string =>
  Array.isArray(point) ? `[${point.map(told).join(',')}]` : told(point)

/** A point within the picture. Throws E_ZONE. */
export function shapePoint(what: string, name: string, point: unknown): Point {
  const pair: readonly unknown[] = Array.isArray(point) ? point : []
  const [x, y] = pair
  if (pair.length !== 2 || typeof x !== 'number' || typeof y !== 'number')
    return badShape(what, name, `${pointText(point)} is no point; give [x, y]`)
  if (x >= 0 && x <= 1 && y >= 0 && y <= 1) return [x, y]
  return badShape(
    what,
    name,
    `the point ${x},${y} lies outside the picture; divide pixels by the picture's width and height: 0,0 is the top left corner, 1,1 the bottom right`,
  )
}

export interface ParsedShape {
  readonly name: string
  readonly points: readonly Point[]
}

/** `name:x,y x,y ...`. Throws E_ZONE. */
export function parseShape(what: string, words: string): ParsedShape {
  const colon = words.indexOf(':')
  const example = what === 'line' ? 'gate:0,0.5 1,0.5' : 'door:0.1,0.2 0.5,0.2 0.5,0.9'
  if (colon < 0) return badShape(what, words, `give a name, a colon and points, as in '${example}'`)
  const name = shapeName(what, words.slice(0, colon).trim())
  const points = words
    .slice(colon + 1)
    .trim()
    .split(/\s+/)
    .map((word) => {
      const numbers = word.split(',')
      if (numbers.length !== 2 || numbers.some((n) => n === '' || !Number.isFinite(Number(n))))
        return badShape(
          what,
          name,
          `'${word}' is no point; give x,y with points apart by spaces, as in '${example}'`,
        )
      return shapePoint(what, name, numbers.map(Number))
    })
  return { name, points }
}

/**
 * Twice the area of the triangle a, b, c: positive where c lies to the right of the way from a to b
 * (y points down).
 */
export const turn = (a: Point, b: Point, c: Point): number =>
  (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])

/** Whether a point, known to be on the line through a and b, lies between them. */
const between = (a: Point, b: Point, p: Point): boolean =>
  Math.min(a[0], b[0]) <= p[0] &&
  p[0] <= Math.max(a[0], b[0]) &&
  Math.min(a[1], b[1]) <= p[1] &&
  p[1] <= Math.max(a[1], b[1])

export const onSegment = (a: Point, b: Point, p: Point): boolean => turn(a, b, p) === 0 && between(a, b, p)

/** Whether two segments have a point in common. */
export function segmentsMeet(a: Point, b: Point, c: Point, d: Point): boolean {
  const [p, q] = [turn(a, b, c), turn(a, b, d)]
  const [r, s] = [turn(c, d, a), turn(c, d, b)]
  if (((p > 0 && q < 0) || (p < 0 && q > 0)) && ((r > 0 && s < 0) || (r < 0 && s > 0))) return true
  return onSegment(a, b, c) || onSegment(a, b, d) || onSegment(c, d, a) || onSegment(c, d, b)
}
