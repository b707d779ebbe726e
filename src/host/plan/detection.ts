import { OcellusError } from '../errors.js'
import type { DetectionTask } from '../graph/types.js'
import type { VerifiedModel } from '../graph/verify.js'
import { limits } from '../limits.js'
import { instructionBytes } from '../program/instruction.js'

/** A head's tensor in memory: float32, `stride` bytes from pixel to pixel. */
export interface HeadPlace {
  readonly address: number
  readonly stride: number
  readonly rows: number
  readonly columns: number
}

/**
 * Where a detector's heads become detections: instructions, what they read, and the list of
 * candidates.
 */
export interface DetectionPlan {
  /** Address of one instruction a head, then the suppression. */
  readonly program: number
  /** Address of each instruction's float64 parameters. */
  readonly parameters: readonly number[]
  /** A byte and an int32 a class. */
  readonly classMask: number
  readonly chains: number
  /** A list that holds one candidate a box; what needs more lies behind the frame. */
  readonly candidates: number
  readonly boxes: number
  readonly heads: readonly HeadPlace[]
}

/** Boxes of all heads. Throws E_MODEL_LIMIT for more than an int32 numbers. */
export function boxCount({ heads, dense = [] }: DetectionTask, { tensorsByName }: VerifiedModel): number {
  const rows = dense.reduce((sum, head) => sum + head.rows * head.columns, 0)
  const boxes = heads.reduce((sum, { output, anchors }) => {
    const [, rows, columns] = tensorsByName.get(output)!.shape
    return sum + rows * columns * anchors.length
  }, rows)
  if (boxes < 2 ** 31) return boxes
  throw new OcellusError('E_MODEL_LIMIT', `the heads have ${boxes} boxes; the most is ${2 ** 31 - 1}`)
}

/** Candidates that one decoding may find, and no more than the cap. */
export const capacityFor = (boxes: number, classes: number): number =>
  Math.min(boxes * classes, limits.candidates)

/** Takes memory for all but the list and the heads, which lie in the arena. */
export function reserveDetection(
  { labels, heads }: DetectionTask,
  take: (bytes: number) => number,
): Omit<DetectionPlan, 'candidates' | 'boxes' | 'heads'> {
  return {
    program: take((heads.length + 1) * instructionBytes),
    parameters: [...heads.map(({ anchors }) => take(16 + anchors.length * 16)), take(16)],
    classMask: take(labels.length),
    chains: take(labels.length * 4),
  }
}
