import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { Tracker } from '../../src/host/index.js'
import { parseMot, sequenceOf } from '../../tools/evaluate/mot.js'
import { trackingScores } from '../../tools/evaluate/tracking.js'
import { everyFrame, motDetections, trackMot } from '../helpers/mot.js'
import { sharedData, skipUnless } from '../helpers/require.js'

/**
 * Bounds a little below the figures of docs/tracking.md, which TrackEval confirms to 0.01. In
 * percent.
 */
const rates = [
  { perSecond: 30, every: 1, hota: 39, idf1: 50, idSwitches: 140 },
  { perSecond: 5, every: 6, hota: 36, idf1: 46, idSwitches: 72 },
]

for (const { perSecond, every, hota, idf1, idSwitches } of rates) {
  test(`MOT17-04-DPM at ${perSecond} frames a second`, (context) => {
    const [truth, detections] = [sharedData('mot/gt.txt'), sharedData('mot/det.txt')]
    skipUnless(context, truth, 'mot/gt.txt of the shared data')
    skipUnless(context, detections, 'mot/det.txt of the shared data')
    const found = motDetections(readFileSync(detections, 'utf8'))
    const results = trackMot(new Tracker({ threshold: 0.35 }), found, { every })
    const objects = parseMot(everyFrame(readFileSync(truth, 'utf8'), every), 'gt.txt')
    const scores = trackingScores(sequenceOf(objects, parseMot(results, 'results')))
    expect(100 * scores.hota).toBeGreaterThan(hota)
    expect(100 * scores.idf1).toBeGreaterThan(idf1)
    expect(scores.idSwitches).toBeLessThan(idSwitches)
  })
}
