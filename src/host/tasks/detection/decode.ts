import { OcellusError } from '../../errors.js'
import type { YoloHead } from '../../graph/types.js'
import type { Candidates, Corners } from './candidates.js'
import type { Geometry } from './geometry.js'

export interface DecodeOptions {
  /** Candidates with a score of at least this, 0..1. */
  readonly scoreThreshold: number
  /** `true`: a candidate for each class at or above the threshold; `false`: for the best class only. */
  readonly multiLabel: boolean
  /** 1 for each class that may be found; all when absent. */
  readonly classMask?: Uint8Array
}

/** A head's raw output, [height][width][anchors * (5 + classes)]. */
export interface HeadOutput {
  readonly data: Float32Array
  readonly height: number
  readonly width: number
}

const sigmoid = (x: number) => 1 / (1 + Math.exp(-x))
const identity = (x: number) => x

/**
 * Reads the boxes of one YOLO head (YOLOv3, Redmon and Farhadi 2018, section 2.1; scale_x_y and
 * new_coords as darknet's `get_yolo_box`, src/yolo_layer.c) and adds them to `into`, in pixels of the
 * photo:
 *
 *     x = (v * s - (s - 1) / 2 + column) / width     v = sigmoid(tx), or tx with new_coords
 *     w = exp(tw) * anchor, or (2 tw)^2 * anchor with new_coords
 *     score = objectness * class
 *
 * `origin` numbers the first box; returns the number after the last one.
 */
export function decodeYolo(
  output: HeadOutput,
  head: YoloHead,
  classes: number,
  geometry: Geometry,
  options: DecodeOptions,
  into: Candidates,
  origin = 0,
): number {
  const { scoreThreshold: threshold, multiLabel, classMask } = options
  const { data } = output
  const boxes = boxCount(output, head, classes)
  const activate = head.newCoords ? identity : sigmoid
  const least = head.newCoords ? threshold : leastLogit(threshold)
  const place = placer(output, head, geometry)

  for (let box = 0, at = 0; box < boxes; box++, at += 5 + classes) {
    // a score is at most its objectness; written so that NaN fails
    if (!(data[at + 4] >= least)) continue
    const objectness = activate(data[at + 4])
    const first = at + 5
    if (!multiLabel) {
      const best = bestClass(data, first, classes, classMask)
      const score = best < 0 ? Number.NaN : objectness * activate(data[first + best])
      if (score >= threshold) into.add(place(at, box), score, best, origin + box)
      continue
    }
    const leastClass = head.newCoords ? Number.NEGATIVE_INFINITY : leastLogit(threshold, objectness)
    let corners: Corners | undefined
    for (let classId = 0; classId < classes; classId++) {
      if (!(data[first + classId] >= leastClass) || classMask?.[classId] === 0) continue
      const score = objectness * activate(data[first + classId])
      if (!(score >= threshold)) continue
      corners ??= place(at, box)
      into.add(corners, score, classId, origin + box)
    }
  }
  return origin + boxes
}

function boxCount({ data, height, width }: HeadOutput, head: YoloHead, classes: number): number {
  const boxes = height * width * head.anchors.length
  if (data.length === boxes * (5 + classes)) return boxes
  throw new OcellusError(
    'E_MODEL_TASK',
    `head ${head.output}: ${data.length} values where ${height}x${width}x${head.anchors.length} boxes` +
      ` of 5 + ${classes} need ${boxes * (5 + classes)}; the head's anchors and labels must fit its tensor`,
  )
}

/** The allowed class with the greatest value, the lower one when two are equal; -1 when all are NaN. */
function bestClass(data: Float32Array, first: number, classes: number, classMask?: Uint8Array): number {
  let best = -1
  for (let classId = 0; classId < classes; classId++) {
    if (classMask?.[classId] === 0) continue
    const value = data[first + classId]
    if (best < 0 ? !Number.isNaN(value) : value > data[first + best]) best = classId
  }
  return best
}

/**
 * A logit x below which sigmoid(x) * factor does not reach `threshold`: most boxes are refused without
 * an exp. The margin covers the rounding of log and exp, since what passes is compared with the
 * threshold itself. Above 30, where float64's sigmoid nears its last bit before 1, the bound stands still.
 */
function leastLogit(threshold: number, factor = 1): number {
  if (threshold <= 0) return Number.NEGATIVE_INFINITY
  if (threshold >= factor) return threshold > factor ? Number.POSITIVE_INFINITY : 30
  const p = threshold / factor
  return Math.min(Math.log(p / (1 - p)), 30) - 1e-3
}

/** How the box at an offset of the data lies on the photo; the result is overwritten by the next call. */
function placer({ data, height, width }: HeadOutput, head: YoloHead, geometry: Geometry) {
  const { anchors, newCoords, scaleXY } = head
  const shift = (scaleXY - 1) / 2
  const perPixelX = geometry.sourceWidth / geometry.resizedWidth
  const perPixelY = geometry.sourceHeight / geometry.resizedHeight
  const cellX = geometry.inputWidth / width
  const cellY = geometry.inputHeight / height
  const centre = newCoords ? identity : sigmoid
  const size = newCoords ? (v: number) => (2 * v) ** 2 : Math.exp
  const corners: Corners = [0, 0, 0, 0]

  return (at: number, box: number): Corners => {
    const cell = Math.floor(box / anchors.length)
    const anchor = anchors[box - cell * anchors.length]
    const row = Math.floor(cell / width)
    const column = cell - row * width
    const x = ((centre(data[at]) * scaleXY - shift + column) * cellX - geometry.offsetX) * perPixelX
    const y = ((centre(data[at + 1]) * scaleXY - shift + row) * cellY - geometry.offsetY) * perPixelY
    const w = size(data[at + 2]) * anchor[0] * perPixelX
    const h = size(data[at + 3]) * anchor[1] * perPixelY
    corners[0] = x - w / 2
    corners[1] = y - h / 2
    corners[2] = x + w / 2
    corners[3] = y + h / 2
    return corners
  }
}
