import type { EngineMemory } from '../../engine/memory.js'
import type { Geometry } from '../../image/fit.js'
import { entryBytes, listHeaderBytes } from '../../plan/detection.js'

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

/** The entries that the suppression has kept, as assembly/kernels/detect/candidates.ts lays them out; `cut` at the photo's edges. */
export function readDetections(
  { words, doubles }: EngineMemory,
  list: number,
  labels: readonly string[],
  cut?: Geometry,
): Detection[] {
  const kept = words[list / 4 + 1]
  const right = cut === undefined ? Number.POSITIVE_INFINITY : cut.sourceWidth
  const bottom = cut === undefined ? Number.POSITIVE_INFINITY : cut.sourceHeight
  const zero = cut === undefined ? Number.NEGATIVE_INFINITY : 0
  const found: Detection[] = []
  for (let n = 0; n < kept; n++) {
    const at = (list + listHeaderBytes + n * entryBytes) / 8
    const classId = words[at * 2 + 10]
    found.push({
      label: labels[classId],
      classId,
      score: doubles[at + 4],
      box: {
        xmin: Math.max(doubles[at], zero),
        ymin: Math.max(doubles[at + 1], zero),
        xmax: Math.min(doubles[at + 2], right),
        ymax: Math.min(doubles[at + 3], bottom),
      },
    })
  }
  return found
}
