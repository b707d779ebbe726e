import { describe, expect, it } from 'vitest'
import { type Lifetime, planArena } from '../../src/host/plan/arena.js'
import { Random } from '../helpers/kernel.js'

const align = (bytes: number): number => Math.ceil(bytes / 64) * 64

function randomLifetimes(random: Random): Lifetime[] {
  const steps = random.integer(1, 30)
  return Array.from({ length: random.integer(0, 40) }, () => {
    const first = random.integer(0, steps)
    const bytes = random.pick([0, 1, 63, 64, 65, random.integer(0, 5000), random.integer(0, 200_000)])
    return { bytes, first, last: random.integer(first, random.pick([first, steps])) }
  })
}

/** Two lifetimes that share a step and a byte. */
function collision(lifetimes: readonly Lifetime[], offsets: readonly number[]): string | undefined {
  for (const [i, a] of lifetimes.entries()) {
    for (const [j, b] of lifetimes.entries()) {
      if (j <= i || a.bytes === 0 || b.bytes === 0 || a.last < b.first || b.last < a.first) continue
      if (offsets[i] < offsets[j] + b.bytes && offsets[j] < offsets[i] + a.bytes) return `${i} and ${j}`
    }
  }
  return undefined
}

/** The most bytes alive at any step, counted step by step. */
function mostAlive(lifetimes: readonly Lifetime[]): number {
  const last = Math.max(0, ...lifetimes.map((l) => l.last))
  const alive = Array.from({ length: last + 1 }, (_, step) =>
    lifetimes.reduce((sum, l) => sum + (l.first <= step && step <= l.last ? align(l.bytes) : 0), 0),
  )
  return Math.max(...alive)
}

describe('an arena', () => {
  it('keeps what lives at one time apart, between the least and the sum', () => {
    for (let seed = 0; seed < 500; seed++) {
      const lifetimes = randomLifetimes(new Random(seed))
      const { offsets, bytes, lowerBound } = planArena(lifetimes)
      expect(offsets).toHaveLength(lifetimes.length)
      expect(collision(lifetimes, offsets), `seed ${seed}`).toBeUndefined()
      expect(lowerBound).toBe(mostAlive(lifetimes))
      expect(bytes).toBeGreaterThanOrEqual(lowerBound)
      expect(bytes).toBeLessThanOrEqual(lifetimes.reduce((sum, l) => sum + align(l.bytes), 0))
      for (const [i, offset] of offsets.entries()) {
        expect(offset % 64).toBe(0)
        expect(offset + lifetimes[i].bytes).toBeLessThanOrEqual(bytes)
      }
    }
  })

  it('is empty for nothing', () => {
    expect(planArena([])).toEqual({ offsets: [], bytes: 0, lowerBound: 0 })
  })

  it('is the same for the same lifetimes', () => {
    const lifetimes = randomLifetimes(new Random(77))
    expect(planArena(lifetimes)).toEqual(planArena(lifetimes))
  })

  it('reuses memory from step to step: a chain needs its two largest neighbours', () => {
    const sizes = [640, 6400, 3200, 64, 1280, 1280, 64]
    const { bytes, lowerBound } = planArena(sizes.map((size, i) => ({ bytes: size, first: i, last: i + 1 })))
    expect(lowerBound).toBe(9600)
    expect(bytes).toBe(9600)
  })

  it('comes near the least for lifetimes at random', () => {
    let excess = 0
    for (let seed = 0; seed < 200; seed++) {
      const { bytes, lowerBound } = planArena(randomLifetimes(new Random(1000 + seed)))
      excess += lowerBound === 0 ? 0 : bytes / lowerBound - 1
    }
    expect(excess / 200).toBeLessThan(0.05)
  })

  it('is planned in seconds for the longest network that is accepted', () => {
    const random = new Random(5)
    const lifetimes = Array.from({ length: 20_000 }, (_, i) => {
      const first = i % 10_000
      return { bytes: i < 10_000 ? random.integer(0, 1 << 20) : 0, first, last: first + random.integer(0, 3) }
    })
    const start = performance.now()
    const { offsets } = planArena(lifetimes)
    expect(performance.now() - start).toBeLessThan(20_000)
    expect(offsets).toHaveLength(20_000)
  })
})
