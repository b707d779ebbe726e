import type { EngineMemory } from '../../engine/memory.js'
import type { Geometry } from '../../image/fit.js'
import { candidateOffset, entryBytes, listHeaderBytes, listOffset } from '../../program/candidates.js'

/** Corners in pixels of the original photo. */
export interface Box {
  readonly xmin: number
  readonly ymin: number
  readonly xmax: number
  readonly ymax: number
}

/** The shape of transformers.js's object detection, and the class's index. */
export interface Detection {
  readonly label: string
  readonly classId: number
  readonly score: number
  readonly box: Box
}

const keptAt = listOffset('kept')
const classWord = candidateOffset('classId') / 4
const [scoreDouble, xminDouble, yminDouble, xmaxDouble, ymaxDouble] = (
  ['score', 'xmin', 'ymin', 'xmax', 'ymax'] as const
).map((field) => candidateOffset(field) / 8)

/** A box that a head has found, before suppression. `origin` numbers the boxes of all heads. */
export interface Candidate extends Box {
  readonly score: number
  readonly classId: number
  readonly origin: number
}

const originWord = candidateOffset('origin') / 4

/** Fills a list, which has room for them. */
export function writeCandidates(
  { words, doubles }: EngineMemory,
  list: number,
  found: readonly Candidate[],
): void {
  words[(list + listOffset('count')) / 4] = found.length
  found.forEach(({ xmin, ymin, xmax, ymax, score, classId, origin }, n) => {
    const at = (list + listHeaderBytes + n * entryBytes) / 8
    doubles[at + scoreDouble] = score
    doubles[at + xminDouble] = xmin
    doubles[at + yminDouble] = ymin
    doubles[at + xmaxDouble] = xmax
    doubles[at + ymaxDouble] = ymax
    words[at * 2 + classWord] = classId
    words[at * 2 + originWord] = origin
  })
}

/**
 * The entries that the suppression has kept, as assembly/kernels/detect/candidates.ts lays them
 * out; `cut` at the photo's edges.
 */
export function readDetections(
  { words, doubles }: EngineMemory,
  list: number,
  labels: readonly string[],
  cut?: Geometry,
): Detection[] {
  const kept = words[(list + keptAt) / 4]
  const right = cut === undefined ? Number.POSITIVE_INFINITY : cut.sourceWidth
  const bottom = cut === undefined ? Number.POSITIVE_INFINITY : cut.sourceHeight
  const zero = cut === undefined ? Number.NEGATIVE_INFINITY : 0
  const found: Detection[] = []
  for (let n = 0; n < kept; n++) {
    const at = (list + listHeaderBytes + n * entryBytes) / 8
    const classId = words[at * 2 + classWord]
    found.push({
      label: labels[classId],
      classId,
      score: doubles[at + scoreDouble],
      box: {
        xmin: Math.max(doubles[at + xminDouble], zero),
        ymin: Math.max(doubles[at + yminDouble], zero),
        xmax: Math.min(doubles[at + xmaxDouble], right),
        ymax: Math.min(doubles[at + ymaxDouble], bottom),
      },
    })
  }
  return found
}
