import { parseAst } from 'rolldown/parseAst'
import { beforeAll, describe, expect, it, test } from 'vitest'
import { type Bundle, bundleTargets } from '../../tools/fuzz/guided/bundle.js'
import { Coverage } from '../../tools/fuzz/guided/coverage.js'
import { fuzzGuided } from '../../tools/fuzz/guided/guided.js'
import { countersName, instrumented } from '../../tools/fuzz/guided/instrument.js'

/** What the instrumented body of a function of `x` returns for each value, and which blocks ran. */
function runs(body: string, values: readonly unknown[]): { results: unknown[]; blocks: number[][] } {
  let blocks = 0
  const code = instrumented(
    `function f(x) { ${body} }`,
    parseAst(`function f(x) { ${body} }`),
    () => blocks++,
  )
  const counters = new Uint8Array(100)
  const call: (x: unknown) => unknown = new Function(countersName, `${code}; return f`)(counters)
  const results: unknown[] = []
  const ran = values.map((value) => {
    counters.fill(0)
    results.push(call(value))
    return [...counters.subarray(0, blocks)]
  })
  return { results, blocks: ran }
}

describe('instrumented code does what it did, and counts its blocks', () => {
  it.each<[string, unknown[], unknown[], number[][]]>([
    [
      'if (x) return 1; else return 2',
      [true, false],
      [1, 2],
      [
        [1, 1, 0],
        [1, 0, 1],
      ],
    ],
    [
      'return x ? 1 : x === 0 ? 2 : 3',
      [1, 0, null],
      [1, 2, 3],
      [
        [1, 1, 0, 0, 0],
        [1, 0, 1, 1, 0],
        [1, 0, 1, 0, 1],
      ],
    ],
    [
      'let n = 0; for (const y of x) n += y; return n',
      [[], [1, 2]],
      [0, 3],
      [
        [1, 0],
        [1, 2],
      ],
    ],
    [
      'switch (x) { case 1: case 2: return 3; default: return 4 }',
      [1, 5],
      [3, 4],
      [
        [1, 1, 0],
        [1, 0, 1],
      ],
    ],
    [
      'return (x && x.y) ?? 5',
      [0, { y: 6 }, {}],
      [0, 6, 5],
      [
        [1, 0, 0],
        [1, 0, 1],
        [1, 1, 1],
      ],
    ],
    ['return [1, 2].map((v) => ({ v: v + x }))[1].v', [3], [5], [[1, 2]]],
    ['do x--; while (x > 0); return x', [3], [0], [[1, 3]]],
    [
      'try { if (x) throw x } catch { return 7 } return 8',
      [0, 1],
      [8, 7],
      [
        [1, 1, 0, 0],
        [1, 1, 1, 1],
      ],
    ],
  ])('%s', (body, values, results, blocks) => {
    expect(runs(body, values)).toEqual({ results, blocks })
  })
})

test('coverage sees new blocks, and new classes of how often they ran', () => {
  const coverage = new Coverage(3)
  expect(coverage.add(Uint8Array.of(1, 0, 0))).toBe(true)
  expect(coverage.add(Uint8Array.of(1, 0, 0))).toBe(false)
  expect(coverage.add(Uint8Array.of(5, 0, 0))).toBe(true)
  expect(coverage.add(Uint8Array.of(7, 0, 0))).toBe(false)
  expect(coverage.add(Uint8Array.of(0, 0, 1))).toBe(true)
  expect(coverage.reached).toBe(2)
})

describe('a guided run', () => {
  let bundle: Bundle
  beforeAll(async () => {
    bundle = await bundleTargets()
  }, 60_000)

  it('reaches more than the seeds do, keeps what does, and is the same for the same seed', async () => {
    const options = { bundle, target: 'cfg', seed: 3, seconds: 60, fresh: true }
    const first = await fuzzGuided({ ...options, cases: 1 })
    const later = await fuzzGuided({ ...options, cases: 600 })
    expect(later.faults).toEqual([])
    expect(later.reached).toBeGreaterThan(first.reached)
    expect(later.corpus.length).toBeGreaterThan(5)
    const again = await fuzzGuided({ ...options, cases: 600 })
    expect(again.corpus).toEqual(later.corpus)
    expect(again.reached).toBe(later.reached)
  })
})
