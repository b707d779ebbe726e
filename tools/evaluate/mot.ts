import { Assigner } from '../../src/host/video/assign.js'
import { badLabels } from './files.js'

/** A box of a text file in MOT Challenge's format. */
export interface MotBox {
  readonly id: number
  /** Left, top, width and height in pixels. */
  readonly x: number
  readonly y: number
  readonly width: number
  readonly height: number
  /** Score of a detection; of ground truth 0 for a box that does not count. */
  readonly score: number
  /** MOT16's classes: 1 is a pedestrian. Undefined where the file has no such column. */
  readonly classId: number | undefined
}

/** The boxes of each frame, by its number; frames without boxes are missing. */
export type MotFrames = ReadonlyMap<number, readonly MotBox[]>

/** One frame as the measures see it. */
export interface MatchedFrame {
  /** Objects and tracks, numbered from 0 through the whole sequence. */
  readonly objects: Int32Array
  readonly tracks: Int32Array
  /** IoU, objects x tracks. */
  readonly similarity: Float64Array
}

export interface Sequence {
  readonly frames: readonly MatchedFrame[]
  readonly objects: number
  readonly tracks: number
}

/** Boxes that one frame may have: the similarities are objects x tracks. */
const mostBoxes = 5000
const lastFrame = 10_000_000

/**
 * Reads `frame,id,x,y,width,height,score[,class[,visibility]]`, with commas or spaces. Throws
 * E_DATA_LABELS.
 */
export function parseMot(text: string, file: string): MotFrames {
  const frames = new Map<number, MotBox[]>()
  let n = 0
  for (const line of linesOf(text)) {
    n++
    if (line === '') continue
    const where = `${file}:${n}`
    if (line.length > longestLine) badLabels(where, `a line of ${line.length} characters`)
    const words = line.trim()
    if (words === '') continue
    const values = (words.includes(',') ? words.split(',') : words.split(/\s+/)).map(Number)
    const [frame, id, x, y, width, height, score] = values
    if (values.length < 7 || !Number.isFinite(frame + id + x + y + width + height + score))
      badLabels(where, 'expected frame,id,x,y,width,height,score as numbers')
    if (!Number.isInteger(frame) || frame < 1 || frame > lastFrame)
      badLabels(where, `frame ${frame}; frames count from 1 to ${lastFrame}`)
    if (!Number.isSafeInteger(id)) badLabels(where, `the id ${id} is no whole number`)
    const boxes = frames.get(frame) ?? []
    if (boxes.length === 0) frames.set(frame, boxes)
    if (boxes.length === mostBoxes) badLabels(where, `more than ${mostBoxes} boxes in frame ${frame}`)
    // Results have -1 here, for coordinates in the world.
    const classId = values.length > 7 && values[7] >= 0 ? values[7] : undefined
    boxes.push({ id, x, y, width, height, score, classId })
  }
  return frames
}

/** Characters: ten times what a line has. */
const longestLine = 1000

/** One after the other: a list of all lines would take many times the memory of the text. */
function* linesOf(text: string): Generator<string> {
  for (let at = 0; at <= text.length; ) {
    const next = text.indexOf('\n', at)
    const end = next < 0 ? text.length : next
    yield text.slice(at, end)
    at = end + 1
  }
}

/**
 * MOT16's number of a pedestrian, and of persons that neither count nor are wrong to find: on
 * vehicles, static, distractors, reflections.
 */
const pedestrian = 1
const neither = new Set([2, 7, 8, 12])

/**
 * Ground truth and tracks frame by frame, after MOT Challenge's rules: tracks' boxes that belong to
 * a person who does not count (IoU of 0.5, optimal assignment) are taken out, and so is all that is
 * no pedestrian. Ground truth without classes is taken as it is. Throws E_DATA_LABELS where an id
 * appears twice in a frame.
 */
export function sequenceOf(truth: MotFrames, results: MotFrames): Sequence {
  unique(truth, 'ground truth')
  unique(results, 'results')
  const numbers = [...new Set([...truth.keys(), ...results.keys()])].sort((a, b) => a - b)
  const objects = new Map<number, number>()
  const tracks = new Map<number, number>()
  const assigner = new Assigner()
  const frames = numbers.map((number) => {
    const all = truth.get(number) ?? []
    const found = withoutNeither(all, results.get(number) ?? [], assigner)
    const counted = all.filter(
      ({ score, classId }) => score !== 0 && (classId === undefined || classId === pedestrian),
    )
    return {
      objects: Int32Array.from(counted, ({ id }) => numbered(objects, id)),
      tracks: Int32Array.from(found, ({ id }) => numbered(tracks, id)),
      similarity: overlaps(counted, found),
    }
  })
  return { frames, objects: objects.size, tracks: tracks.size }
}

function numbered(known: Map<number, number>, id: number): number {
  const number = known.get(id) ?? known.size
  known.set(id, number)
  return number
}

function unique(frames: MotFrames, what: string): void {
  for (const [frame, boxes] of frames) {
    const ids = new Set(boxes.map(({ id }) => id))
    if (ids.size === boxes.length) continue
    const twice = boxes.find(({ id }, i) => boxes.findIndex((box) => box.id === id) !== i)
    badLabels(what, `the id ${twice?.id} appears twice in frame ${frame}`)
  }
}

function withoutNeither(
  truth: readonly MotBox[],
  found: readonly MotBox[],
  assigner: Assigner,
): readonly MotBox[] {
  if (!truth.some(({ classId }) => classId !== undefined && neither.has(classId))) return found
  const scores = overlaps(truth, found).map((iou) => (iou < 0.5 - Number.EPSILON ? 0 : iou))
  const match = new Int32Array(truth.length)
  assigner.assign(scores, truth.length, found.length, match)
  const dropped = new Set<number>()
  for (const [i, { classId }] of truth.entries())
    if (match[i] >= 0 && classId !== undefined && neither.has(classId)) dropped.add(match[i])
  return found.filter((_, j) => !dropped.has(j))
}

/** IoU of each pair, row by row. */
function overlaps(rows: readonly MotBox[], columns: readonly MotBox[]): Float64Array {
  const all = new Float64Array(rows.length * columns.length)
  for (const [i, a] of rows.entries()) {
    for (const [j, b] of columns.entries()) {
      const w = Math.min(a.x + a.width, b.x + b.width) - Math.max(a.x, b.x)
      const h = Math.min(a.y + a.height, b.y + b.height) - Math.max(a.y, b.y)
      if (w > 0 && h > 0)
        all[i * columns.length + j] = (w * h) / (a.width * a.height + b.width * b.height - w * h)
    }
  }
  return all
}
