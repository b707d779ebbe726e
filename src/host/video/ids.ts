import { RandomStream } from '../tasks/random.js'

/**
 * Four letters and digits that a seed fixes, to set the ids of one run apart from those of another.
 *
 *     idPrefix(1)          // always the same
 */
export function idPrefix(seed: number): string {
  const random = new RandomStream(seed)
  return Array.from({ length: 4 }, () => random.below(36).toString(36)).join('')
}
