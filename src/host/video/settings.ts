import { OcellusError } from '../errors.js'
import { checkOptions, type OptionNames } from '../options.js'
import { told } from '../shown.js'
import type { TrackerOptions } from './types.js'

/** A tracker's options, checked, and with their defaults. */
export interface TrackerSettings {
  /**
   * Least score of the high group, and of a detection that starts a track, for labels without an
   * entry of their own.
   */
  readonly high: number
  readonly start: number
  readonly byLabel: ReadonlyMap<string, { readonly high: number; readonly start: number }>
  readonly low: number
  readonly highIou: number
  readonly lowIou: number
  readonly newIou: number
  readonly minHits: number
  readonly lostMs: number
  readonly stationaryLostMs: number
  readonly stationaryMs: number
}

export const trackerNames = {
  threshold: 'number',
  labelThresholds: 'object',
  highThreshold: 'number',
  lowThreshold: 'number',
  highIou: 'number',
  lowIou: 'number',
  newIou: 'number',
  minHits: 'number',
  lostMs: 'number',
  stationaryLostMs: 'number',
  stationaryMs: 'number',
} satisfies OptionNames<TrackerOptions>

/** Throws E_OPTION. */
export function trackerSettings(options: TrackerOptions): TrackerSettings {
  checkOptions(options, trackerNames, 'Tracker')
  const threshold = fraction('threshold', options.threshold ?? 0.25)
  const high = fraction('highThreshold', options.highThreshold ?? above(threshold, 0.15, 1 / 2))
  const byLabel = Object.entries(options.labelThresholds ?? {}).map(([label, value]) => {
    const own = fraction(`labelThresholds.${label}`, value)
    return [label, { high: above(own, 0.15, 1 / 2), start: startOf(above(own, 0.15, 1 / 2)) }] as const
  })
  return {
    high,
    start: startOf(high),
    byLabel: new Map(byLabel),
    low: fraction('lowThreshold', options.lowThreshold ?? 0.1),
    highIou: fraction('highIou', options.highIou ?? 0.2),
    lowIou: fraction('lowIou', options.lowIou ?? 0.5),
    newIou: fraction('newIou', options.newIou ?? 0.3),
    minHits: count('minHits', options.minHits ?? 2),
    lostMs: duration('lostMs', options.lostMs ?? 2000),
    stationaryLostMs: duration('stationaryLostMs', options.stationaryLostMs ?? 10_000),
    stationaryMs: duration('stationaryMs', options.stationaryMs ?? 10_000),
  }
}

/** A threshold that is higher by `step`, but never by more than a share of what is left up to 1. */
const above = (threshold: number, step: number, share: number): number =>
  threshold + Math.min(step, (1 - threshold) * share)

const startOf = (high: number): number => above(high, 0.1, 1 / 2)

/** A number from 0 to 1. Throws E_OPTION. */
export function fraction(name: string, value: number): number {
  if (typeof value === 'number' && value >= 0 && value <= 1) return value
  throw new OcellusError('E_OPTION', `${name} is ${told(value)}; give a number from 0 to 1`)
}

/** A whole number from 1 to 1000. Throws E_OPTION. */
export function count(name: string, value: number): number {
  if (Number.isInteger(value) && value >= 1 && value <= 1000) return value
  throw new OcellusError('E_OPTION', `${name} is ${value}; give a whole number from 1 to 1000`)
}

/** Milliseconds, at most a week. Throws E_OPTION. */
export function duration(name: string, value: number): number {
  if (value >= 0 && value <= 7 * 24 * 3600 * 1000) return value
  throw new OcellusError('E_OPTION', `${name} is ${value}; give milliseconds from 0 to 604800000`)
}
