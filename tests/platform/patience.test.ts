import { expect, it } from 'vitest'
import { Patience } from '../../src/host/platform/threads/patience.js'

/**
 * Waits of `ms` each, asked for every tenth of a millisecond: how long each took until it slept, or
 * `ms`.
 */
function waits(
  patience: Patience,
  clock: { now: number },
  count: number,
  ms: number,
  member = true,
): number[] {
  return Array.from({ length: count }, () => {
    const since = clock.now
    for (let times = 0; clock.now - since < ms; times++) {
      if (patience.isOver(member ? times : -1 - times)) break
      clock.now += 0.1
    }
    const spun = clock.now - since
    clock.now = since + ms
    return Math.round(spun)
  })
}

it('spins for some milliseconds, then sleeps', () => {
  const clock = { now: 5 }
  expect(waits(new Patience(() => clock.now), clock, 3, 20)).toEqual([4, 4, 4])
})

it('sleeps at once after long waits in a row, and is patient again later, for less and less of the time', () => {
  const clock = { now: 0 }
  const patience = new Patience(() => clock.now)
  const all = waits(patience, clock, 300, 20)
  expect(all.slice(0, 8)).toEqual([4, 4, 4, 4, 4, 4, 4, 1])
  expect(all.slice(8, 8 + 64).every((spun) => spun === 0)).toBe(true)
  expect(all.slice(72, 80)).toEqual([4, 4, 4, 4, 4, 4, 4, 1])
  expect(all.slice(80, 80 + 128).every((spun) => spun === 0)).toBe(true)
  expect(all[208]).toBe(4)
})

it('keeps its patience where long waits are not in a row', () => {
  const clock = { now: 0 }
  const patience = new Patience(() => clock.now)
  for (let n = 0; n < 50; n++) {
    expect(waits(patience, clock, 7, 2)).toEqual(Array(7).fill(2))
    expect(waits(patience, clock, 1, 0.3)).toEqual([0])
  }
})

it('does not count the waits of a thread that is not of the crew yet', () => {
  const clock = { now: 0 }
  const patience = new Patience(() => clock.now)
  expect(waits(patience, clock, 50, 3, false).every((spun) => spun === 3)).toBe(true)
})

it('sleeps after a while where the clock stands still', () => {
  const patience = new Patience(() => 7)
  const asked = Array.from({ length: 100 }, (_, times) => patience.isOver(times))
  expect(asked.indexOf(true)).toBe(80)
  expect(asked.slice(80).every((over) => over)).toBe(true)
})
