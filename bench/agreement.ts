import type { Values } from './contender.js'

/** How near one runtime's outputs are to another's, over all of them. */
export interface Agreement {
  /**
   * Signal to noise, 10 log10(sum x^2 / sum (x - y)^2); null where there is no difference at all.
   */
  readonly decibels: number | null
  readonly largestDifference: number
  /** The greatest magnitude of the reference, to judge the difference by. */
  readonly largestValue: number
}

/**
 * Compares outputs by name; undefined where some are missing, differ in length or are not finite.
 */
export function agreement(reference: Values, other: Values): Agreement | undefined {
  let signal = 0
  let noise = 0
  let largestDifference = 0
  let largestValue = 0
  for (const [name, expected] of reference) {
    const found = other.get(name)
    if (found?.length !== expected.length) return undefined
    for (let i = 0; i < expected.length; i++) {
      const difference = Math.abs(expected[i] - found[i])
      if (!Number.isFinite(difference)) return undefined
      signal += expected[i] ** 2
      noise += difference ** 2
      largestDifference = Math.max(largestDifference, difference)
      largestValue = Math.max(largestValue, Math.abs(expected[i]))
    }
  }
  if (reference.size === 0) return undefined
  const decibels = noise === 0 ? null : 10 * Math.log10(signal / noise)
  return { decibels, largestDifference, largestValue }
}
