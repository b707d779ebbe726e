import { describe, expect, it } from 'vitest'
import { interleave } from '../../bench/run.js'

/** Contenders that need no time and note when they were asked. */
function contenders(names: string, ms: (name: string, round: number) => number) {
  const order: string[] = []
  const rounds = new Map<string, number>()
  const list = [...names].map((name) => ({
    async time() {
      order.push(name)
      const round = rounds.get(name) ?? 0
      rounds.set(name, round + 1)
      return ms(name, round)
    },
  }))
  return { list, order }
}

describe('interleave', () => {
  it('runs contenders in turn and keeps the warm-up out of the figures', async () => {
    const { list, order } = contenders(
      'AB',
      (name, round) => (name === 'A' ? 10 : 20) + (round < 2 ? 1000 : 0),
    )
    const progress: number[] = []
    const results = await interleave(list, {
      ...{ warmup: 2, runs: 3, seconds: 60 },
      onRun: (done) => progress.push(done),
    })
    expect(order.join('')).toBe('ABABABABAB')
    expect(results.map(({ runs, medianMs, maxMs }) => [runs, medianMs, maxMs])).toEqual([
      [3, 10, 10],
      [3, 20, 20],
    ])
    expect(results[0].histogram.counts[0]).toBe(3)
    expect(progress).toEqual([1, 2, 3, 4, 5])
  })

  it('stops after the seconds given, but times at least five rounds', async () => {
    const { list, order } = contenders('A', () => 1)
    const [{ runs }] = await interleave(list, { warmup: 1, runs: 1000, seconds: 0 })
    expect(runs).toBe(5)
    expect(order).toHaveLength(6)
  })

  it('gives nothing for nobody', async () => {
    expect(await interleave([], { warmup: 1, runs: 2, seconds: 1 })).toEqual([])
  })
})
