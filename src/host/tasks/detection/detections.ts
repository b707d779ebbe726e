import type { EngineMemory } from '../../engine/memory.js'
import { entryBytes, listHeaderBytes } from '../../plan/detection.js'
import type { Geometry } from './geometry.js'

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

/** The entries that the suppression has kept, as assembly/candidates.ts lays them out; cut at the photo's edges. */
export function readDetections(
  { words, doubles }: EngineMemory,
  list: number,
  labels: readonly string[],
  cut?: Geometry,
): Detection[] {
  const kept = words[list / 4 + 1]
  const found: Detection[] = []
  for (let n = 0; n < kept; n++) {
    const at = (list + listHeaderBytes + n * entryBytes) / 8
    const classId = words[at * 2 + 10]
    const box = { xmin: doubles[at], ymin: doubles[at + 1], xmax: doubles[at + 2], ymax: doubles[at + 3] }
    found.push({
      label: labels[classId],
      classId,
      score: doubles[at + 4],
      box: cut === undefined ? box : clipped(box, cut),
    })
  }
  return found
}

function clipped({ xmin, ymin, xmax, ymax }: Box, { sourceWidth, sourceHeight }: Geometry): Box {
  return {
    xmin: Math.max(xmin, 0),
    ymin: Math.max(ymin, 0),
    xmax: Math.min(xmax, sourceWidth),
    ymax: Math.min(ymax, sourceHeight),
  }
}
