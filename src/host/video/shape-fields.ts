import type { Fields } from '../format/fields.js'
import { limits } from '../limits.js'
import type { LineOptions, Point, ZoneOptions } from './types.js'

/** A zone as `Zone` takes it; what its values must be, `Zone` checks itself. */
export function zoneOf(zone: Fields): ZoneOptions | string {
  if (typeof zone.value === 'string') return zone.string()
  zone.only('name', 'points', 'labels', 'inertia', 'loiterMs')
  return {
    name: zone.field('name').string(),
    points: zone.field('points').list(limits.zonePoints).map(pointOf),
    ...optionalEntry('labels', zone.field('labels'), labelsOf),
    ...optionalEntry('inertia', zone.field('inertia'), (field) => field.number(-1e15, 1e15)),
    ...optionalEntry('loiterMs', zone.field('loiterMs'), (field) => field.number(-1e15, 1e15)),
  }
}

/** A line as `Line` takes it. */
export function lineOf(line: Fields): LineOptions | string {
  if (typeof line.value === 'string') return line.string()
  line.only('name', 'from', 'to', 'labels', 'deadBand', 'once')
  return {
    name: line.field('name').string(),
    from: pointOf(line.field('from')),
    to: pointOf(line.field('to')),
    ...optionalEntry('labels', line.field('labels'), labelsOf),
    ...optionalEntry('deadBand', line.field('deadBand'), (field) => field.number(-1e15, 1e15)),
    ...optionalEntry('once', line.field('once'), (field) => field.boolean()),
  }
}

function pointOf(point: Fields): Point {
  const numbers = point.list(2).map((field) => field.number(-1e15, 1e15))
  if (numbers.length !== 2) point.fail('is no point; expected [x, y]')
  return [numbers[0], numbers[1]]
}

const labelsOf = (labels: Fields): string[] => labels.list(limits.labels).map((label) => label.string())

export const optional = <T>(field: Fields, read: (field: Fields) => T): T | undefined =>
  field.missing ? undefined : read(field)

/** The entry of an object, or none where the file has none. */
export function optionalEntry<K extends string, T>(
  key: K,
  field: Fields,
  read: (field: Fields) => T,
): Partial<Record<K, T>> {
  const entry: Partial<Record<K, T>> = {}
  if (!field.missing) entry[key] = read(field)
  return entry
}
