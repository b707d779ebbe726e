import { describe, expect, test } from 'vitest'
import { Watch } from '../../src/host/platform/threads/watch.js'

/** What frames take, shared among threads and alone, of a machine that changes as they go by. */
type Machine = (frame: number) => { readonly shared: number; readonly alone: number }

/** Runs frames on a clock of its own. What they took, and how each was done. */
function frames(count: number, machine: Machine, watch?: Watch) {
  let time = 0
  const used = watch ?? new Watch(() => time)
  const how: boolean[] = []
  for (let n = 0; n < count; n++) {
    const shared = used.begin(80)
    const cost = machine(n)
    time += shared ? cost.shared : cost.alone
    used.end()
    how.push(shared)
  }
  return { time, how, watch: used }
}

describe('threads that are watched', () => {
  test('are used where they help, and comparing costs hardly anything', () => {
    const { time, how } = frames(1000, () => ({ shared: 5, alone: 10 }))
    expect(time).toBeLessThan(1000 * 5 * 1.02)
    expect(how.filter((shared) => !shared).length).toBeGreaterThan(2)
    expect(how[999]).toBe(true)
  })

  test.each([1.2, 1.5, 3, 6])('that make a frame take %f times as long are dropped', (times) => {
    const { time, how, watch } = frames(500, () => ({ shared: 10 * times, alone: 10 }))
    expect(time).toBeLessThan(500 * 10 * 1.15)
    expect(watch.shared).toBe(false)
    expect(how.lastIndexOf(true)).toBeGreaterThan(200)
  })

  test('are dropped soon when neighbours come, and regained when they go', () => {
    const busy = (frame: number): boolean => frame >= 400 && frame < 1200
    const { how } = frames(2400, (n) => ({ shared: busy(n) ? 40 : 5, alone: 10 }))
    const share = (from: number, end: number): number =>
      how.slice(from, end).filter(Boolean).length / (end - from)
    expect(share(100, 400)).toBeGreaterThan(0.97)
    expect(share(420, 1200)).toBeLessThan(0.03)
    expect(share(2200, 2400)).toBeGreaterThan(0.97)
  })

  test('stay where the difference is noise', () => {
    const { how } = frames(3000, (n) => ({ shared: 10 + (n % 3), alone: 10 + ((n * 7) % 5) }))
    const changes = how.filter((shared, n) => n > 0 && shared !== how[n - 1]).length
    expect(changes).toBeLessThan(60)
  })

  test('stay where the clock stands still', () => {
    const watch = new Watch(() => 7)
    for (let n = 0; n < 500; n++) {
      watch.begin(80)
      watch.end()
    }
    expect(watch.shared).toBe(true)
  })

  test('are not judged by shorter programs, nor by a run that failed', () => {
    let time = 0
    const watch = new Watch(() => time)
    for (let n = 0; n < 200; n++) {
      watch.begin(80)
      time += 5
      watch.end()
      // A piece of a program, which threads are bad at.
      if (watch.begin(2)) time += 1000
      watch.end()
      // A run that throws is begun only.
      watch.begin(1)
      time += 1000
    }
    expect(watch.shared).toBe(true)
  })
})
