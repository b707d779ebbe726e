import { OcellusError } from '../../errors.js'
import type { DetectionTask } from '../../graph/types.js'
import { Candidates } from './candidates.js'
import { decodeYolo, type HeadOutput } from './decode.js'
import type { Geometry } from './geometry.js'
import { bestOfEachBox, suppress } from './nms.js'

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

export interface DetectionOptions {
  /** Least score, objectness times class probability. Default 0.25. */
  readonly scoreThreshold?: number
  /** Boxes that overlap a better one by more than this are dropped. Default: the model's own. */
  readonly iouThreshold?: number
  /** Default: no limit but `limits.candidates`. */
  readonly maxResults?: number
  /** Only these labels are found; default all. */
  readonly categoryAllowlist?: readonly string[]
  /** These labels are never found. */
  readonly categoryDenylist?: readonly string[]
  /** Every class of a box that reaches the threshold is a detection, as evaluation wants it. Default: the best only. */
  readonly multiLabel?: boolean
  /** Whether boxes of different classes suppress each other. Default false. */
  readonly agnostic?: boolean
  /** `darknet`: threshold, suppression per class, then each box's best remaining class. Default `class`: the class first. */
  readonly order?: 'class' | 'darknet'
  /** Whether boxes are cut at the photo's edges. Default true; evaluation measures what the network said: false. */
  readonly clip?: boolean
}

/** From the raw outputs of the heads, in the order of `task.heads`, to detections, best first. */
export function detections(
  outputs: readonly HeadOutput[],
  task: DetectionTask,
  geometry: Geometry,
  options: DetectionOptions = {},
): Detection[] {
  const { order = 'class', multiLabel = false, agnostic = false, clip = true } = options
  const scoreThreshold = fraction('scoreThreshold', options.scoreThreshold ?? 0.25)
  const iou = fraction('iouThreshold', options.iouThreshold ?? task.nms.iou)
  const maxResults = atLeastOne('maxResults', options.maxResults ?? Number.POSITIVE_INFINITY)
  const classMask = maskOf(task.labels, options)
  const candidates = new Candidates()
  const byDarknet = order === 'darknet'
  let origin = 0
  for (const [i, head] of task.heads.entries()) {
    origin = decodeYolo(
      outputs[i],
      head,
      task.labels.length,
      geometry,
      { scoreThreshold, multiLabel: multiLabel || byDarknet, classMask },
      candidates,
      origin,
    )
  }
  let ranked = candidates.ranked()
  // what lies wholly outside the photo is nothing to draw, and must not use up maxResults
  if (clip) ranked = ranked.filter((at) => isOnPhoto(boxAt(candidates, at), geometry))
  let kept = suppress(candidates, ranked, {
    ...task.nms,
    iou,
    agnostic,
    maxResults: byDarknet ? Number.POSITIVE_INFINITY : maxResults,
    width: geometry.sourceWidth,
    height: geometry.sourceHeight,
  })
  if (byDarknet) kept = bestOfEachBox(candidates, kept).slice(0, maxResults)
  return kept.map((at) => {
    const classId = candidates.classes[at]
    const box = boxAt(candidates, at)
    return {
      label: task.labels[classId],
      classId,
      score: candidates.scores[at],
      box: clip ? clipped(box, geometry) : box,
    }
  })
}

function boxAt({ boxes }: Candidates, at: number): Box {
  return { xmin: boxes[4 * at], ymin: boxes[4 * at + 1], xmax: boxes[4 * at + 2], ymax: boxes[4 * at + 3] }
}

function isOnPhoto({ xmin, ymin, xmax, ymax }: Box, { sourceWidth, sourceHeight }: Geometry): boolean {
  return Math.max(xmin, 0) < Math.min(xmax, sourceWidth) && Math.max(ymin, 0) < Math.min(ymax, sourceHeight)
}

function clipped({ xmin, ymin, xmax, ymax }: Box, { sourceWidth, sourceHeight }: Geometry): Box {
  return {
    xmin: Math.max(xmin, 0),
    ymin: Math.max(ymin, 0),
    xmax: Math.min(xmax, sourceWidth),
    ymax: Math.min(ymax, sourceHeight),
  }
}

function maskOf(labels: readonly string[], options: DetectionOptions): Uint8Array | undefined {
  const { categoryAllowlist, categoryDenylist } = options
  if (!categoryAllowlist && !categoryDenylist) return undefined
  const allowed = categoryAllowlist && new Set(categoryAllowlist)
  const denied = new Set(categoryDenylist)
  const known = new Set(labels)
  for (const label of [...(allowed ?? []), ...denied]) {
    if (!known.has(label)) throw new OcellusError('E_OPTION', `the model has no label '${label}'`)
  }
  return Uint8Array.from(labels, (label) => ((allowed?.has(label) ?? true) && !denied.has(label) ? 1 : 0))
}

function fraction(name: string, value: number): number {
  if (value >= 0 && value <= 1) return value
  throw new OcellusError('E_OPTION', `${name} is ${value}; give a number from 0 to 1`)
}

function atLeastOne(name: string, value: number): number {
  if (value >= 1 && (Number.isInteger(value) || value === Number.POSITIVE_INFINITY)) return value
  throw new OcellusError('E_OPTION', `${name} is ${value}; give an integer of at least 1`)
}
