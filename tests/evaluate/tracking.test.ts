import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseMot, sequenceOf } from '../../tools/evaluate/mot.js'
import { type TrackingScores, trackingScores } from '../../tools/evaluate/tracking.js'
import { codeOf } from '../helpers/code-of.js'
import { disturbed, walkers } from '../helpers/mot.js'
import { sharedData, skipUnless } from '../helpers/require.js'

const scores = (truth: string, results: string): TrackingScores =>
  trackingScores(sequenceOf(parseMot(truth, 'truth.txt'), parseMot(results, 'results.txt')))

/** `frames` boxes of one object that moves by a pixel a frame. */
const track = (id: number, x: number, frames: readonly number[]): string =>
  frames.map((frame) => `${frame},${id},${x + frame},100,40,100,1,1,1\n`).join('')
const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, n) => from + n)

describe('by hand', () => {
  const truth = track(1, 100, range(1, 10)) + track(2, 500, range(1, 10))

  test('all right', () => {
    expect(scores(truth, truth)).toMatchObject({
      frames: 10,
      objects: 2,
      tracks: 2,
      hota: 1,
      deta: 1,
      assa: 1,
      loca: 1,
    })
    expect(scores(truth, truth)).toMatchObject({ mota: 1, motp: 1, idf1: 1, idSwitches: 0, misses: 0 })
  })

  test('one of two objects found, and something that is not there', () => {
    const found = scores(truth, track(1, 100, range(1, 10)) + track(9, 900, range(1, 5)))
    expect(found).toMatchObject({ misses: 10, falsePositives: 5, idSwitches: 0, tracks: 2, assa: 1 })
    expect(found.mota).toBeCloseTo((10 - 5) / 20, 12)
    expect(found.deta).toBeCloseTo(10 / 25, 12)
    expect(found.hota).toBeCloseTo(Math.sqrt(10 / 25), 12)
    expect(found.idf1).toBeCloseTo((2 * 10) / 35, 12)
  })

  test('an id that changes half way', () => {
    const one = track(1, 100, range(1, 10))
    const found = scores(one, track(1, 100, range(1, 5)) + track(2, 100, range(6, 10)))
    expect(found).toMatchObject({ misses: 0, falsePositives: 0, idSwitches: 1, deta: 1 })
    expect(found.assa).toBeCloseTo(5 / 10, 12)
    expect(found.mota).toBeCloseTo(0.9, 12)
    expect(found.idf1).toBeCloseTo((2 * 5) / 20, 12)
  })

  test('nothing found, nothing there, nothing at all', () => {
    expect(scores(truth, '')).toMatchObject({ hota: 0, mota: 0, idf1: 0, misses: 20 })
    expect(scores('', truth)).toMatchObject({ hota: 0, mota: 0, idf1: 0, falsePositives: 20 })
    expect(scores('', '')).toMatchObject({ frames: 0, hota: 0, mota: 0, idf1: 0 })
  })

  test('whoever does not count is neither missed nor wrong', () => {
    const rider = track(3, 900, range(1, 10)).replaceAll(',1,1,1\n', ',0,2,1\n')
    expect(scores(truth + rider, truth)).toMatchObject({ mota: 1, hota: 1 })
    expect(scores(truth + rider, truth + track(3, 900, range(1, 10)))).toMatchObject({ mota: 1, hota: 1 })
    const unmarked = track(3, 900, range(1, 10)).replaceAll(',1,1,1\n', ',0,1,1\n')
    expect(scores(truth + unmarked, truth)).toMatchObject({ mota: 1, falsePositives: 0 })
  })

  test('ground truth without classes, apart by spaces', () => {
    const plain = truth.replaceAll(',1,1,1\n', ',1\n').replaceAll(',', ' ')
    expect(scores(plain, truth)).toMatchObject({ mota: 1, hota: 1, objects: 2 })
  })
})

/**
 * TrackEval's figures (JonathonLuiten/TrackEval 12c8791; np.float, np.int and np.bool replaced by
 * float, int and bool; numpy 2.4, scipy 1.17): the texts were written to files and evaluated by
 * MotChallenge2DBox (BENCHMARK MOT17, preprocessing on) with HOTA, CLEAR and Identity. In percent.
 */
describe('as TrackEval', () => {
  const figures = ({ hota, deta, assa, loca, mota, motp, idf1 }: TrackingScores): number[] =>
    [hota, deta, assa, loca, mota, motp, idf1].map((share) => 100 * share)
  const expectFigures = (found: TrackingScores, expected: readonly number[], counts: readonly number[]) => {
    for (const [i, value] of figures(found).entries())
      expect(Math.abs(value - expected[i])).toBeLessThan(0.01)
    expect([found.idSwitches, found.misses, found.falsePositives]).toEqual(counts)
  }

  test.each([
    [1, [36.423, 45.414, 29.245, 76.081, 54.788, 70.374, 51.49], [25, 206, 227]],
    [2, [35.183, 46.599, 26.613, 76.093, 55.234, 70.81, 45.0], [24, 187, 191]],
    [3, [37.203, 45.643, 30.362, 76.276, 54.26, 70.757, 51.803], [21, 184, 203]],
  ])('on walkers %i', (seed, expected, counts) => {
    const truth = walkers(seed)
    expectFigures(scores(truth, disturbed(truth, 100 + seed)), expected, counts)
  })

  test('on MOT17-04', (context) => {
    const path = sharedData('mot/gt.txt')
    skipUnless(context, path, 'mot/gt.txt of the shared data')
    const truth = readFileSync(path, 'utf8')
    const expected = [16.137, 27.084, 9.639, 73.8, -34.321, 68.89, 15.435]
    expectFigures(scores(truth, disturbed(truth, 5)), expected, [1755, 13403, 48721])
  })
})

test.each([
  ['1,1,10,10,40,x,1', /truth.txt:1: expected frame,id,x,y,width,height,score/],
  ['1,1,10,10,40,100', /expected frame/],
  ['0,1,10,10,40,100,1', /frame 0; frames count from 1/],
  ['1e9,1,10,10,40,100,1', /frames count from 1 to/],
  ['1,1.5,10,10,40,100,1', /the id 1.5 is no whole number/],
  ['1,1,10,10,40,100,1\n1,1,50,10,40,100,1', /the id 1 appears twice in frame 1/],
  [
    Array.from({ length: 5001 }, (_, n) => `1,${n},10,10,40,100,1`).join('\n'),
    /more than 5000 boxes in frame 1/,
  ],
])('%s is refused', (text, message) => {
  expect(codeOf(() => scores(text, ''), message)).toBe('E_DATA_LABELS')
})
