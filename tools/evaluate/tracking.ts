import { Assigner } from '../../src/host/video/assign.js'
import type { MatchedFrame, Sequence } from './mot.js'

/** Shares are fractions from 0 to 1; MOTA may be negative. */
export interface TrackingScores {
  readonly frames: number
  readonly objects: number
  readonly tracks: number
  readonly hota: number
  readonly deta: number
  readonly assa: number
  /** Mean IoU of the matches of HOTA. */
  readonly loca: number
  readonly mota: number
  /** Mean IoU of the matches of MOTA. */
  readonly motp: number
  readonly idf1: number
  readonly idSwitches: number
  readonly falsePositives: number
  readonly misses: number
}

/** How well tracks follow the objects of one sequence. */
export function trackingScores(sequence: Sequence): TrackingScores {
  const { frames, objects, tracks } = sequence
  return {
    frames: frames.length,
    objects,
    tracks,
    ...hota(sequence),
    ...clear(sequence),
    idf1: idf1(sequence),
  }
}

/** How many frames each object, and each track, is in. */
function presence({ frames, objects, tracks }: Sequence) {
  const ofObject = new Float64Array(objects)
  const ofTrack = new Float64Array(tracks)
  for (const frame of frames) {
    for (const o of frame.objects) ofObject[o]++
    for (const t of frame.tracks) ofTrack[t]++
  }
  return { ofObject, ofTrack }
}

const ratio = (part: number, whole: number): number => (whole > 0 ? part / whole : 0)

/**
 * HOTA (Luiten et al., 2021): sqrt(DetA AssA), the mean over the IoU thresholds 0.05, 0.10, ...
 * 0.95. Each frame is matched once, by IoU times how well the two tracks agree over the whole
 * sequence.
 */
function hota(sequence: Sequence) {
  const { frames, objects, tracks } = sequence
  const { ofObject, ofTrack } = presence(sequence)
  const alignment = alignments(sequence, ofObject, ofTrack)
  const boxes = frames.reduce((n, frame) => n + frame.objects.length, 0)
  const found = frames.reduce((n, frame) => n + frame.tracks.length, 0)
  const thresholds = Array.from({ length: 19 }, (_, n) => 0.05 * (n + 1))
  const pairs = thresholds.map(() => new Map<number, number>())
  const hits = thresholds.map(() => 0)
  const located = thresholds.map(() => 0)
  const assigner = new Assigner()
  for (const frame of frames) {
    const columns = frame.tracks.length
    const scores = frame.similarity.map(
      (iou, n) =>
        iou * alignment[frame.objects[Math.floor(n / columns)] * tracks + frame.tracks[n % columns]],
    )
    for (const [i, j] of matches(assigner, scores, frame)) {
      const iou = frame.similarity[i * columns + j]
      const pair = frame.objects[i] * tracks + frame.tracks[j]
      for (const [a, threshold] of thresholds.entries()) {
        if (iou < threshold - Number.EPSILON) break
        hits[a]++
        located[a] += iou
        pairs[a].set(pair, (pairs[a].get(pair) ?? 0) + 1)
      }
    }
  }
  const sums = { hota: 0, deta: 0, assa: 0, loca: 0 }
  for (const [a] of thresholds.entries()) {
    const deta = ratio(hits[a], boxes + found - hits[a])
    let agreed = 0
    for (const [pair, count] of pairs[a])
      agreed += (count * count) / (ofObject[Math.floor(pair / tracks)] + ofTrack[pair % tracks] - count)
    const assa = ratio(agreed, hits[a])
    sums.hota += Math.sqrt(deta * assa)
    sums.deta += deta
    sums.assa += assa
    sums.loca += hits[a] > 0 ? located[a] / hits[a] : 1
  }
  const mean = (sum: number): number => (objects > 0 || tracks > 0 ? sum / thresholds.length : 0)
  return { hota: mean(sums.hota), deta: mean(sums.deta), assa: mean(sums.assa), loca: mean(sums.loca) }
}

/**
 * How well an object and a track agree over all frames: a Jaccard index whose common frames weigh
 * by their IoU.
 */
function alignments(
  { frames, objects, tracks }: Sequence,
  ofObject: Float64Array,
  ofTrack: Float64Array,
): Float64Array {
  const common = new Float64Array(objects * tracks)
  for (const frame of frames) {
    const rows = frame.objects.length
    const columns = frame.tracks.length
    const byRow = new Float64Array(rows)
    const byColumn = new Float64Array(columns)
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        byRow[i] += frame.similarity[i * columns + j]
        byColumn[j] += frame.similarity[i * columns + j]
      }
    }
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        const iou = frame.similarity[i * columns + j]
        if (iou > 0)
          common[frame.objects[i] * tracks + frame.tracks[j]] += iou / (byRow[i] + byColumn[j] - iou)
      }
    }
  }
  for (let o = 0; o < objects; o++) {
    for (let t = 0; t < tracks; t++) {
      const both = common[o * tracks + t]
      common[o * tracks + t] = both / (ofObject[o] + ofTrack[t] - both)
    }
  }
  return common
}

/**
 * CLEAR MOT (Bernardin and Stiefelhagen, 2008) at an IoU of 0.5; a match of the frame before is
 * kept where it can be.
 */
function clear({ frames, objects }: Sequence) {
  const last = new Int32Array(objects).fill(-1)
  const before = new Int32Array(objects).fill(-1)
  const assigner = new Assigner()
  let idSwitches = 0
  let hits = 0
  let boxes = 0
  let found = 0
  let located = 0
  for (const frame of frames) {
    const columns = frame.tracks.length
    boxes += frame.objects.length
    found += columns
    if (frame.objects.length === 0 || columns === 0) continue
    const scores = frame.similarity.map((iou, n) => {
      if (iou < 0.5 - Number.EPSILON) return 0
      return iou + (before[frame.objects[Math.floor(n / columns)]] === frame.tracks[n % columns] ? 1000 : 0)
    })
    before.fill(-1)
    for (const [i, j] of matches(assigner, scores, frame)) {
      const object = frame.objects[i]
      const track = frame.tracks[j]
      if (last[object] >= 0 && last[object] !== track) idSwitches++
      last[object] = track
      before[object] = track
      hits++
      located += frame.similarity[i * columns + j]
    }
  }
  const falsePositives = found - hits
  const misses = boxes - hits
  return {
    mota: ratio(hits - falsePositives - idSwitches, boxes),
    motp: ratio(located, hits),
    idSwitches,
    falsePositives,
    misses,
  }
}

/**
 * IDF1 (Ristani et al., 2016): each object has one track, so that most of their boxes agree at an
 * IoU of 0.5.
 */
function idf1(sequence: Sequence): number {
  const { frames, objects, tracks } = sequence
  const common = new Float64Array(objects * tracks)
  let boxes = 0
  for (const frame of frames) {
    boxes += frame.objects.length + frame.tracks.length
    for (const [n, iou] of frame.similarity.entries()) {
      if (iou < 0.5) continue
      const columns = frame.tracks.length
      common[frame.objects[Math.floor(n / columns)] * tracks + frame.tracks[n % columns]]++
    }
  }
  const trackOf = new Int32Array(objects)
  new Assigner().assign(common, objects, tracks, trackOf)
  const hits = trackOf.reduce((sum, t, o) => (t < 0 ? sum : sum + common[o * tracks + t]), 0)
  return ratio(2 * hits, boxes)
}

function matches(assigner: Assigner, scores: Float64Array, frame: MatchedFrame): [number, number][] {
  const columnOf = new Int32Array(frame.objects.length)
  assigner.assign(scores, frame.objects.length, frame.tracks.length, columnOf)
  return [...columnOf.entries()].filter(([, j]) => j >= 0)
}
