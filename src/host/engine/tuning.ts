import { loadEngine } from './build.js'
import { measureKernels } from './measure.js'
import type { Notes, Tuning } from './platform.js'

/** Changes with the kernels' speeds: older measurements are not asked for again. */
const kernelsVersion = 4
/**
 * A clock that is coarser, as browsers have without cross-origin isolation, can't tell kernels
 * apart.
 */
const coarseMs = 0.03
/**
 * So many readings of a clock take longer than `coarseMs`, so one that has not moved by then is too
 * coarse, or stands still.
 */
const mostReadings = 10_000

/**
 * Measures kernels by a clock, once for each kind of layer: the results are kept in the process and
 * in `notes`.
 */
export function measuring(now: () => number, notes: Notes): Pick<Tuning, 'fastestKernels'> {
  const measured = new Map<string, Map<string, string>>()

  async function recall(topic: string): Promise<Map<string, string>> {
    const known = measured.get(topic) ?? (await notes.read(topic)) ?? new Map<string, string>()
    measured.set(topic, known)
    return known
  }

  return {
    async fastestKernels(kinds, { build, narrow, budgetMs }) {
      if (!isFine(now)) return new Map()
      const topic = `kernels-${kernelsVersion}-${build ?? (narrow ? 'narrow' : 'best')}`
      const known = await recall(topic)
      const unknown = new Map([...kinds].filter(([key]) => !known.has(key)))
      if (unknown.size === 0) return known
      const { exports, memory } = await loadEngine(0, { build, narrow })
      const found = measureKernels({ exports, memory: memory.memory }, unknown, budgetMs, now)
      memory.release()
      for (const [key, name] of found) known.set(key, name)
      if (found.size > 0) await notes.write(topic, known)
      return known
    },
  }
}

/** Whether the clock moves in steps that are small enough. */
export function isFine(now: () => number): boolean {
  const start = now()
  for (let n = 0; n < mostReadings; n++) {
    const step = now() - start
    if (step > 0) return step <= coarseMs
  }
  return false
}
