import type { LabelBox } from './dataset.js'
import { type FoundBox, matchCoco, matchVoc, type Outcome } from './matching.js'

export type { FoundBox } from './matching.js'

export interface ScoredPhoto {
  readonly labels: readonly LabelBox[]
  readonly found: readonly FoundBox[]
}

/**
 * `coco`: pycocotools' COCOeval for boxes of any area: at most 100 detections a photo and class, precision
 * at 101 recalls. `voc`: Pascal VOC 2010 and later: no limit, the whole area under the curve; the
 * regions that COCO calls crowds are its difficult objects.
 */
export type Protocol = 'coco' | 'voc'

/** Average precisions: at IoU 0.5, at 0.75, and the mean over 0.50, 0.55, ... 0.95. */
export interface Precision {
  readonly ap50: number
  readonly ap75: number
  readonly ap: number
}

export interface ClassPrecision extends Precision {
  /** Labelled objects, crowds not counted. */
  readonly boxes: number
}

export interface Metrics extends Precision {
  readonly boxes: number
  /** One entry for each class that has labelled objects; the means are over these. */
  readonly perClass: ReadonlyMap<number, ClassPrecision>
}

export const maxDetections = { coco: 100, voc: Number.POSITIVE_INFINITY } as const

/**
 * numpy.linspace as pycocotools calls it, so that a recall or overlap on a threshold falls on the
 * same side.
 */
function linspace(start: number, stop: number, count: number): number[] {
  const step = (stop - start) / (count - 1)
  return Array.from({ length: count }, (_, i) => (i === count - 1 ? stop : start + i * step))
}

export const overlaps = linspace(0.5, 0.95, 10)
const recalls = linspace(0, 1, 101)

export function detectionMetrics(photos: readonly ScoredPhoto[], protocol: Protocol): Metrics {
  const perClass = new Map<number, ClassPrecision>()
  for (const [classId, ofClass] of byClass(photos)) {
    const boxes = ofClass.reduce((sum, { labels }) => sum + labels.filter(({ crowd }) => !crowd).length, 0)
    if (boxes > 0) perClass.set(classId, classPrecision(ofClass, boxes, protocol))
  }
  const classes = [...perClass.values()]
  return {
    ap50: mean(classes.map(({ ap50 }) => ap50)),
    ap75: mean(classes.map(({ ap75 }) => ap75)),
    ap: mean(classes.map(({ ap }) => ap)),
    boxes: classes.reduce((sum, { boxes }) => sum + boxes, 0),
    perClass,
  }
}

function classPrecision(photos: readonly ScoredPhoto[], boxes: number, protocol: Protocol): ClassPrecision {
  const outcomes = photos.flatMap(({ labels, found }) => {
    // stable, as the mergesort of pycocotools: of equal scores the first counts first
    const ranked = [...found].sort((a, b) => b.score - a.score).slice(0, maxDetections[protocol])
    return protocol === 'coco' ? matchCoco(labels, ranked, overlaps) : matchVoc(labels, ranked, overlaps)
  })
  outcomes.sort((a, b) => b.score - a.score)
  const average = protocol === 'coco' ? at101Recalls : areaUnderCurve
  const precisions = overlaps.map((_, t) => average(...curve(outcomes, t, boxes)))
  return { ap50: precisions[0], ap75: precisions[5], ap: mean(precisions), boxes }
}

/** Recall and precision after each detection that counts, at the t-th overlap. */
function curve(
  outcomes: readonly Outcome[],
  t: number,
  boxes: number,
): [recall: number[], precision: number[]] {
  const recall: number[] = []
  const precision: number[] = []
  let right = 0
  let wrong = 0
  for (const { verdicts } of outcomes) {
    if (verdicts[t] === 'right') right++
    else if (verdicts[t] === 'wrong') wrong++
    else continue
    recall.push(right / boxes)
    precision.push(right / (right + wrong))
  }
  // the envelope: the best precision at this recall or a greater one
  for (let i = precision.length - 2; i >= 0; i--) precision[i] = Math.max(precision[i], precision[i + 1])
  return [recall, precision]
}

function at101Recalls(recall: readonly number[], precision: readonly number[]): number {
  let i = 0
  return mean(
    recalls.map((wanted) => {
      while (i < recall.length && recall[i] < wanted) i++
      return precision[i] ?? 0
    }),
  )
}

function areaUnderCurve(recall: readonly number[], precision: readonly number[]): number {
  return recall.reduce((sum, r, i) => sum + (r - (recall[i - 1] ?? 0)) * precision[i], 0)
}

/** NaN, which JSON writes as null, when there is nothing to average. */
const mean = (values: readonly number[]) => values.reduce((sum, v) => sum + v, 0) / values.length

interface OfClass {
  readonly labels: LabelBox[]
  readonly found: FoundBox[]
}

/** For each class, ascending, the photos on which it is labelled or found, reduced to it. */
function byClass(photos: readonly ScoredPhoto[]): [classId: number, photos: OfClass[]][] {
  const classes = new Map<number, OfClass[]>()
  for (const { labels, found } of photos) {
    const here = new Map<number, OfClass>()
    for (const { classId } of [...labels, ...found]) {
      if (!here.has(classId)) here.set(classId, { labels: [], found: [] })
    }
    for (const label of labels) here.get(label.classId)?.labels.push(label)
    for (const one of found) here.get(one.classId)?.found.push(one)
    for (const [classId, reduced] of here) {
      const list = classes.get(classId)
      if (list) list.push(reduced)
      else classes.set(classId, [reduced])
    }
  }
  return [...classes].sort(([a], [b]) => a - b)
}
