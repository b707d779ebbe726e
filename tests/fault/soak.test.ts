import { expect, test } from 'vitest'
import { curves, spark } from '../../tools/soak/plot.js'
import { soak } from '../../tools/soak/soak.js'

/** A short form of `npm run soak`, which goes on for as long as it is told. */
test.each([
  ['sessions', 40],
  ['threads', 10],
  ['frames', 1002],
  ['detectors', 5],
  ['killed', 3],
])('%s', async (part, rounds) => {
  const result = await soak({ part, rounds, seconds: 100 })
  expect(result.faults).toEqual([])
  expect(result.rounds).toBe(rounds)
  expect(result.peakMiB).toBeGreaterThan(20)
})

test('curves in SVG and in a line', () => {
  const samples = [10, 20, 30, 20].map((rssMiB, n) => ({ rounds: n, seconds: n, rssMiB, slowestMs: 1 }))
  const result = {
    part: 'frames',
    rounds: 3,
    seconds: 3,
    slowestMs: 1,
    peakMiB: 30,
    growthMiB: 10,
    samples,
    faults: [],
  }
  expect(spark(result)).toBe('▁▅█▅')
  expect(curves([result])).toMatch(
    /^<svg [\s\S]*frames: 3 rounds, growth 10\.0 MiB[\s\S]*<polyline[\s\S]*<\/svg>\n$/,
  )
})
