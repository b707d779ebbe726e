import type { Candidates } from './candidates.js'

export interface NmsOptions {
  readonly kind: 'greedy' | 'diou'
  /** Boxes that overlap a better one by more than this are dropped. */
  readonly iou: number
  /** Exponent of the distance term of DIoU; darknet's `beta_nms`. */
  readonly beta: number
  /** Whether boxes of other classes suppress too. */
  readonly agnostic: boolean
  readonly maxResults: number
  /** Sides of the photo: darknet measures the distance of DIoU relative to them. */
  readonly width: number
  readonly height: number
}

type Overlap = (a: number, b: number) => number

/**
 * Non-maximum suppression: the best candidate is kept, those that overlap it are dropped, and so on.
 * Comparing each candidate with the kept ones only is the same, and stops at `maxResults`.
 * `ranked` holds indices, best first; returns the kept ones in that order.
 */
export function suppress(candidates: Candidates, ranked: Uint32Array, options: NmsOptions): number[] {
  const overlap = options.kind === 'diou' ? diou(candidates.boxes, options) : iou(candidates.boxes)
  const keptByClass = new Map<number, number[]>()
  const kept: number[] = []
  for (const candidate of ranked) {
    if (kept.length >= options.maxResults) break
    const group = options.agnostic ? 0 : candidates.classes[candidate]
    const rivals = keptByClass.get(group) ?? []
    if (rivals.length === 0) keptByClass.set(group, rivals)
    if (isSuppressed(candidates.boxes, candidate, rivals, overlap, options.iou)) continue
    rivals.push(candidate)
    kept.push(candidate)
  }
  return kept
}

/**
 * What darknet prints for a box that survives in several classes: the best one (`get_actual_detections`,
 * src/image.c). `kept` is best first, so that is the first of each origin.
 */
export function bestOfEachBox({ origins }: Candidates, kept: readonly number[]): number[] {
  const seen = new Set<number>()
  return kept.filter((candidate) => {
    const isNew = !seen.has(origins[candidate])
    seen.add(origins[candidate])
    return isNew
  })
}

function isSuppressed(
  boxes: Float64Array,
  candidate: number,
  rivals: readonly number[],
  overlap: Overlap,
  most: number,
): boolean {
  const [xmin, ymin, xmax, ymax] = boxes.subarray(4 * candidate, 4 * candidate + 4)
  for (let i = 0; i < rivals.length; i++) {
    // most pairs do not meet: thousands of rivals cost a comparison or two each
    const at = 4 * rivals[i]
    if (boxes[at] >= xmax || boxes[at + 2] <= xmin) continue
    if (boxes[at + 1] >= ymax || boxes[at + 3] <= ymin) continue
    if (overlap(rivals[i], candidate) > most) return true
  }
  return false
}

/** Intersection over union; 0 for boxes that do not meet, and so for boxes without an area. */
function iou(boxes: Float64Array): Overlap {
  return (a, b) => {
    const i = 4 * a
    const j = 4 * b
    const width = Math.min(boxes[i + 2], boxes[j + 2]) - Math.max(boxes[i], boxes[j])
    if (!(width > 0)) return 0
    const height = Math.min(boxes[i + 3], boxes[j + 3]) - Math.max(boxes[i + 1], boxes[j + 1])
    if (!(height > 0)) return 0
    const intersection = width * height
    return intersection / (area(boxes, i) + area(boxes, j) - intersection)
  }
}

const area = (boxes: Float64Array, at: number) =>
  (boxes[at + 2] - boxes[at]) * (boxes[at + 3] - boxes[at + 1])

/**
 * Distance-IoU (Zheng et al. 2020, section 3.3) with darknet's exponent (`box_diounms`, src/box.c):
 * IoU - (d^2 / c^2)^beta, d between the centres, c the diagonal of the box around both.
 */
function diou(boxes: Float64Array, { beta, width, height }: NmsOptions): Overlap {
  const plain = iou(boxes)
  const squared = (x: number, y: number) => (x / width) ** 2 + (y / height) ** 2
  return (a, b) => {
    const overlap = plain(a, b)
    if (overlap === 0) return 0
    const i = 4 * a
    const j = 4 * b
    const diagonal = squared(
      Math.max(boxes[i + 2], boxes[j + 2]) - Math.min(boxes[i], boxes[j]),
      Math.max(boxes[i + 3], boxes[j + 3]) - Math.min(boxes[i + 1], boxes[j + 1]),
    )
    const distance = squared(
      (boxes[i] + boxes[i + 2] - boxes[j] - boxes[j + 2]) / 2,
      (boxes[i + 1] + boxes[i + 3] - boxes[j + 1] - boxes[j + 3]) / 2,
    )
    return overlap - (distance / diagonal) ** beta
  }
}
