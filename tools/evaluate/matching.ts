import type { Box } from '../../src/host/tasks/detection/detections.js'
import type { LabelBox } from './dataset.js'

export interface FoundBox {
  readonly classId: number
  readonly score: number
  readonly box: Box
}

/** What a detection is worth, one verdict for each overlap asked for. */
export interface Outcome {
  readonly score: number
  readonly verdicts: readonly ('right' | 'wrong' | 'ignored')[]
}

type Matcher = (
  labels: readonly LabelBox[],
  ranked: readonly FoundBox[],
  overlaps: readonly number[],
) => Outcome[]

/**
 * COCOeval.evaluateImg: a detection, best first, takes the free object that it overlaps most, the
 * later one when two are equal; a crowd only when no object will do, and a crowd can be taken
 * again.
 */
export const matchCoco: Matcher = (labels, ranked, overlaps) => {
  const objects = [...labels].sort((a, b) => Number(a.crowd) - Number(b.crowd))
  const ious = ranked.map(({ box }) => objects.map((object) => iou(box, object)))
  const taken = overlaps.map(() => new Uint8Array(objects.length))

  return ranked.map(({ score }, d) => ({
    score,
    verdicts: overlaps.map((overlap, t) => {
      let least = Math.min(overlap, 1 - 1e-10)
      let match = -1
      for (const [o, { crowd }] of objects.entries()) {
        if (taken[t][o] && !crowd) continue
        if (crowd && match >= 0 && !objects[match].crowd) break
        if (ious[d][o] < least) continue
        least = ious[d][o]
        match = o
      }
      if (match < 0) return 'wrong'
      taken[t][match] = 1
      return objects[match].crowd ? 'ignored' : 'right'
    }),
  }))
}

/**
 * The VOC development kit's VOCevaldet: a detection, best first, belongs to the object that it
 * overlaps most, the first when two are equal; finding an object twice is wrong. Sides are
 * differences of corners, without the kit's added pixel. What meets no object but lies in a crowd
 * is ignored.
 */
export const matchVoc: Matcher = (labels, ranked, overlaps) => {
  const objects = labels.filter(({ crowd }) => !crowd)
  const crowds = labels.filter(({ crowd }) => crowd)
  const taken = overlaps.map(() => new Uint8Array(objects.length))
  return ranked.map(({ score, box }) => {
    const ious = objects.map((object) => iou(box, object))
    const most = ious.reduce((a, b) => Math.max(a, b), 0)
    const best = ious.indexOf(most)
    const inCrowd = crowds.reduce((a, crowd) => Math.max(a, iou(box, crowd)), 0)
    const verdicts = overlaps.map((least, t) => {
      if (best < 0 || most < least) return inCrowd < least ? 'wrong' : 'ignored'
      if (taken[t][best]) return 'wrong'
      taken[t][best] = 1
      return 'right'
    })
    return { score, verdicts }
  })
}

/**
 * Intersection over union; over the detection's own area when the object is a crowd (COCO's maskApi
 * `bbIou`).
 */
function iou(found: Box, { box, crowd }: LabelBox): number {
  const width = Math.min(found.xmax, box.xmax) - Math.max(found.xmin, box.xmin)
  const height = Math.min(found.ymax, box.ymax) - Math.max(found.ymin, box.ymin)
  if (!(width > 0 && height > 0)) return 0
  const intersection = width * height
  return intersection / (crowd ? area(found) : area(found) + area(box) - intersection)
}

const area = ({ xmin, ymin, xmax, ymax }: Box) => (xmax - xmin) * (ymax - ymin)
