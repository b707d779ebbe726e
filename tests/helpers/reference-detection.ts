import type { YoloHead } from '../../src/host/graph/types.js'
import type { Geometry } from '../../src/host/image/fit.js'

/** Decoding and suppression in plain loops, to the bit of docs/engine.md. */
export interface Candidate {
  readonly box: readonly [number, number, number, number]
  readonly score: number
  readonly classId: number
  readonly origin: number
}

/** A head's raw output, [height][width][anchors * (5 + classes)]. */
export interface HeadOutput {
  readonly data: Float32Array
  readonly height: number
  readonly width: number
}

const bits = new BigInt64Array(1)
const double = new Float64Array(bits.buffer)

function power(n: number): number {
  bits[0] = BigInt(n + 1023) << 52n
  return double[0]
}

const factorials = [6227020800, 479001600, 39916800, 3628800, 362880, 40320, 5040, 720, 120, 24, 6, 2, 1, 1]

export function exp(value: number): number {
  if (Number.isNaN(value)) return value
  const x = Math.min(Math.max(value, -746), 710)
  const magic = 6755399441055744
  const k = x * Math.LOG2E + magic - magic
  const r = x - k * 0.6931471803691238 - k * 1.9082149292705877e-10
  const p = factorials.reduce((sum, f, i) => (i === 0 ? 1 / f : sum * r + 1 / f), 0)
  const half = Math.floor(k / 2)
  return p * power(half) * power(k - half)
}

export function log(x: number): number {
  let e = 0
  let m = x
  for (; m >= 2; e++) m /= 2
  for (; m < 1; e--) m *= 2
  if (m >= Math.SQRT2) {
    m /= 2
    e++
  }
  const s = (m - 1) / (m + 1)
  let p = 1 / 21
  for (let n = 19; n > 0; n -= 2) p = p * (s * s) + 1 / n
  return e * 0.6931471803691238 + (2 * s * p + e * 1.9082149292705877e-10)
}

const sigmoid = (x: number) => 1 / (1 + exp(-x))

export interface DecodeSettings {
  readonly threshold: number
  readonly multiLabel: boolean
  readonly classMask?: Uint8Array
}

/** Candidates of a head in the order of its boxes and classes. */
export function decodeHead(
  { data, height, width }: HeadOutput,
  { anchors, scaleXY, newCoords }: Omit<YoloHead, 'output'>,
  classes: number,
  geometry: Geometry,
  { threshold, multiLabel, classMask }: DecodeSettings,
  firstOrigin = 0,
): Candidate[] {
  const found: Candidate[] = []
  const activate = newCoords ? (x: number) => x : sigmoid
  const size = newCoords ? (v: number) => 4 * (v * v) : exp
  for (let box = 0; box < height * width * anchors.length; box++) {
    const at = box * (5 + classes)
    const [tx, ty, tw, th, to] = data.subarray(at, at + 5)
    const allowed = [...data.subarray(at + 5, at + 5 + classes).entries()].filter(
      ([c, v]) => classMask?.[c] !== 0 && !Number.isNaN(v),
    )
    const best = allowed.reduce<[number, number] | undefined>(
      (a, b) => (a && a[1] >= b[1] ? a : b),
      undefined,
    )
    const [anchorWidth, anchorHeight] = anchors[box % anchors.length]
    const cell = Math.floor(box / anchors.length)
    const shift = (scaleXY - 1) / 2
    const cx = activate(tx) * scaleXY - shift + (cell % width)
    const cy = activate(ty) * scaleXY - shift + Math.floor(cell / width)
    const perX = geometry.sourceWidth / geometry.resizedWidth
    const perY = geometry.sourceHeight / geometry.resizedHeight
    const x = (cx * (geometry.inputWidth / width) - geometry.offsetX) * perX
    const y = (cy * (geometry.inputHeight / height) - geometry.offsetY) * perY
    const w = size(tw) * anchorWidth * perX
    const h = size(th) * anchorHeight * perY
    const corners = [x - w / 2, y - h / 2, x + w / 2, y + h / 2] as const
    if (!corners.every(Number.isFinite) || !(activate(to) >= threshold)) continue
    for (const [classId, value] of multiLabel ? allowed : best ? [best] : []) {
      const score = activate(to) * activate(value)
      if (score >= threshold) found.push({ box: [...corners], score, classId, origin: firstOrigin + box })
    }
  }
  return found
}

export const rank = (a: Candidate, b: Candidate): number =>
  b.score - a.score || a.origin - b.origin || a.classId - b.classId

export interface SuppressSettings {
  readonly kind: 'greedy' | 'diou'
  readonly iou: number
  readonly beta: number
  readonly agnostic: boolean
  readonly bestOnly: boolean
  readonly clip: boolean
  readonly maxResults: number
  readonly width: number
  readonly height: number
}

export function suppressed(candidates: readonly Candidate[], settings: SuppressSettings): Candidate[] {
  const { width, height, agnostic, bestOnly, maxResults, clip, iou } = settings
  const kept: Candidate[] = []
  for (const candidate of [...candidates].sort(rank)) {
    const [xmin, ymin, xmax, ymax] = candidate.box
    const outside = Math.max(xmin, 0) >= Math.min(xmax, width) || Math.max(ymin, 0) >= Math.min(ymax, height)
    if (clip && outside) continue
    const rivals = kept.filter(({ classId }) => agnostic || classId === candidate.classId)
    if (!rivals.some((rival) => overlap(rival.box, candidate.box, settings) > iou)) kept.push(candidate)
  }
  const first = (c: Candidate, n: number) => kept.findIndex(({ origin }) => origin === c.origin) === n
  return (bestOnly ? kept.filter(first) : kept).slice(0, maxResults)
}

function overlap(a: Candidate['box'], b: Candidate['box'], settings: SuppressSettings): number {
  const { kind, beta, width, height } = settings
  const w = Math.min(a[2], b[2]) - Math.max(a[0], b[0])
  const h = Math.min(a[3], b[3]) - Math.max(a[1], b[1])
  if (!(w > 0 && h > 0)) return 0
  const area = (box: Candidate['box']) => (box[2] - box[0]) * (box[3] - box[1])
  const iou = (w * h) / (area(a) + area(b) - w * h)
  if (kind === 'greedy') return iou
  const square = (v: number) => v * v
  const diagonal =
    square((Math.max(a[2], b[2]) - Math.min(a[0], b[0])) / width) +
    square((Math.max(a[3], b[3]) - Math.min(a[1], b[1])) / height)
  const distance =
    square((a[0] + a[2] - b[0] - b[2]) / 2 / width) + square((a[1] + a[3] - b[1] - b[3]) / 2 / height)
  const ratio = distance / diagonal
  if (ratio < 2 ** -1022) return iou - (beta === 0 ? 1 : 0)
  return iou - exp(beta * log(ratio))
}
