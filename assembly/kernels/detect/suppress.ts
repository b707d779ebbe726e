// Non-maximum suppression of the list of candidates (candidates.ts): it sorts the list best first,
// keeps the best, drops those that overlap it by more than `iou`, and so on. The kept ones move to
// the list's front, in order, and are counted in its header. To compare each candidate with the
// kept ones alone is the same, and ends at `maxResults`.
//
//   OverlapKind.iou:  overlap = IoU
//   OverlapKind.diou: overlap = IoU - (d^2 / c^2)^beta, the distance-IoU (Zheng et al. 2020,
//   section 3.3)
// with darknet's exponent (`box_diounms`, src/box.c), where d is the distance between the centres
// and c the diagonal of the box around both, relative to the photo. Boxes that do not meet overlap
// by 0, and so do boxes without an area.
//
// `agnostic`: boxes of other classes suppress too. `clip`: boxes wholly outside the photo are left
// out beforehand. `bestOnly`: only the best stays of a box that is kept in several classes
// (darknet's `get_actual_detections`, src/image.c). The parameters are float64: iou, beta. `chains`
// holds for each class, in an int32, the last entry that was kept of it, and each entry links to
// the one before. Everything is float64, and one thread does it.

import { CHECKED } from '../../lib/checks'
import {
  Candidate,
  CandidateList,
  ENTRY_BYTES,
  OverlapKind,
  requireOverlapKind,
  Suppress,
} from '../../lib/instructions'
import { exp, log } from '../../lib/math'
import { entry, sort } from './candidates'

export function suppress(i: Suppress, thread: i32, threads: i32): void {
  if (thread != 0) return
  requireOverlapKind(i.kind)
  if (CHECKED) {
    assert(i.candidates != 0 && (i.candidates & 7) == 0, 'the list is missing or not aligned')
    assert((i.chains & 3) == 0 && (i.parameters & 7) == 0, 'chains or parameters are not aligned')
  }
  const list = changetype<CandidateList>(i.candidates)
  const chains = i.chains
  const agnostic = i.agnostic != 0
  const bestOnly = i.bestOnly != 0
  const most = i.maxResults
  const clip = i.clip != 0
  const count = list.count
  sort(list)
  memory.fill(chains, 0xff, (<usize>i.classes) << 2)
  let kept = 0
  for (let n = 0; n < count; n++) {
    if (kept >= most && !bestOnly) break
    const at = entry(list, n)
    if (clip && !onPhoto(i, at)) continue
    const chain = chains + (agnostic ? 0 : (<usize>at.classId) << 2)
    if (suppressed(i, list, at, load<i32>(chain))) continue
    const to = entry(list, kept)
    if (to != at) memory.copy(changetype<usize>(to), changetype<usize>(at), ENTRY_BYTES)
    to.link = load<i32>(chain)
    store<i32>(chain, kept++)
  }
  if (bestOnly) kept = min(keepBest(list, kept), most)
  list.kept = kept
}

function onPhoto(i: Suppress, at: Candidate): bool {
  return max(at.xmin, 0) < min(at.xmax, <f64>i.sourceWidth) && max(at.ymin, 0) < min(at.ymax, <f64>i.sourceHeight)
}

function suppressed(i: Suppress, list: CandidateList, at: Candidate, rival: i32): bool {
  const diou = i.kind == OverlapKind.diou
  const iou = load<f64>(i.parameters)
  for (; rival >= 0; rival = entry(list, rival).link) {
    const other = entry(list, rival)
    const width = min(other.xmax, at.xmax) - max(other.xmin, at.xmin)
    if (!(width > 0)) {
      continue
    }
    const height = min(other.ymax, at.ymax) - max(other.ymin, at.ymin)
    if (!(height > 0)) continue
    const intersection = width * height
    let overlap = intersection / (area(other) + area(at) - intersection)
    if (diou) overlap -= distance(i, other, at)
    if (overlap > iou) return true
  }
  return false
}

// @ts-ignore: decorator
@inline
function area(at: Candidate): f64 {
  return (at.xmax - at.xmin) * (at.ymax - at.ymin)
}

/** (d^2 / c^2)^beta */
function distance(i: Suppress, a: Candidate, b: Candidate): f64 {
  const width = <f64>i.sourceWidth
  const height = <f64>i.sourceHeight
  const beta = load<f64>(i.parameters, 8)
  const cx = (max(a.xmax, b.xmax) - min(a.xmin, b.xmin)) / width
  const cy = (max(a.ymax, b.ymax) - min(a.ymin, b.ymin)) / height
  const dx = (a.xmin + a.xmax - b.xmin - b.xmax) / 2 / width
  const dy = (a.ymin + a.ymax - b.ymin - b.ymax) / 2 / height
  const ratio = (dx * dx + dy * dy) / (cx * cx + cy * cy)
  if (ratio != ratio) return ratio
  if (ratio < 2.2250738585072014e-308) return beta == 0 ? 1 : 0
  return exp(beta * log(ratio))
}

/**
 * Keeps the first of the entries of each origin, which are best first. Returns how many are kept.
 */
function keepBest(list: CandidateList, count: i32): i32 {
  let kept = 0
  for (let n = 0; n < count; n++) {
    const at = entry(list, n)
    let known = false
    for (let k = 0; k < kept && !known; k++) known = entry(list, k).origin == at.origin
    if (known) continue
    if (n != kept) memory.copy(changetype<usize>(entry(list, kept)), changetype<usize>(at), ENTRY_BYTES)
    kept++
  }
  return kept
}
