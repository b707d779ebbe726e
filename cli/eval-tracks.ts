import { OcellusError } from '../src/host/errors.js'
import { readLabelFile } from '../tools/evaluate/files.js'
import { type MotFrames, parseMot, sequenceOf } from '../tools/evaluate/mot.js'
import { trackingScores } from '../tools/evaluate/tracking.js'
import { print, printJson, table } from './output.js'

export interface TracksEvaluation {
  readonly every: number
  readonly json?: boolean
}

/** A tracker's results against ground truth, both in MOT Challenge's text format. */
export async function evaluateTracks(
  truth: string,
  results: string | undefined,
  { every, json }: TracksEvaluation,
): Promise<void> {
  if (results === undefined)
    throw new OcellusError('E_OPTION', 'give the results too: ocellus eval --tracks GT.txt RESULT.txt')
  const [expected, found] = await Promise.all([truth, results].map((file) => readMot(file, every)))
  const scores = trackingScores(sequenceOf(expected, found))
  if (json) {
    printJson(scores)
    return
  }
  const percent = (share: number): string => (100 * share).toFixed(1)
  print(
    table(
      ['HOTA', 'DetA', 'AssA', 'LocA', 'MOTA', 'MOTP', 'IDF1', 'switches', 'misses', 'false'],
      [
        [
          ...[scores.hota, scores.deta, scores.assa, scores.loca, scores.mota, scores.motp, scores.idf1].map(
            percent,
          ),
          ...[scores.idSwitches, scores.misses, scores.falsePositives].map(String),
        ],
      ],
    ),
  )
  print(`\n${scores.frames} frames, ${scores.objects} objects, ${scores.tracks} tracks; shares in percent`)
}

/** Every n-th frame, from the first. */
async function readMot(file: string, every: number): Promise<MotFrames> {
  const frames = parseMot(await readLabelFile(file), file)
  return new Map([...frames].filter(([frame]) => (frame - 1) % every === 0))
}
