// Non-maximum suppression of the list of candidates (assembly/kernels/detect/candidates.ts): sorts it best first, keeps the best, drops
// those that overlap it by more than `iou`, and so on; the kept ones are moved to the list's front, in order, and counted
// in its second word. Comparing each candidate with the kept ones only is the same, and stops at `maxResults`.
//
//   overlap = IoU                                                   kind 0
//   overlap = IoU - (d^2 / c^2)^beta                                kind 1: distance-IoU (Zheng et al. 2020, section 3.3)
// with darknet's exponent (`box_diounms`, src/box.c): d between the centres, c the diagonal of the box around both,
// measured relative to the photo. Boxes that do not meet overlap by 0, and so do boxes without an area.
//
// `agnostic`: boxes of other classes suppress too. `clip`: what lies wholly outside the photo is left out beforehand.
// `bestOnly`: of a box kept in several classes, only the best stays (darknet's `get_actual_detections`, src/image.c).
// Parameters: float64 iou, beta. `chains`: an int32 a class, the last entry kept of it; each entry links to the one before.
// All in float64. Done by one thread.

import { classOf, ENTRY, entry, originOf, sort } from './candidates'
import { exp, log } from '../../lib/math'
import { address, word } from '../../lib/word'

export function suppress(i: usize, thread: i32, threads: i32): void {
  if (thread != 0) return
  const list = address(i, 1)
  const chains = address(i, 2)
  const agnostic = word(i, 5) != 0
  const bestOnly = word(i, 6) != 0
  const most = word(i, 7)
  const clip = word(i, 8) != 0
  const count = load<i32>(list)
  sort(list)
  memory.fill(chains, 0xff, <usize>word(i, 3) << 2)
  let kept = 0
  for (let n = 0; n < count; n++) {
    if (kept >= most && !bestOnly) break
    const at = entry(list, n)
    if (clip && !onPhoto(i, at)) continue
    const chain = chains + (agnostic ? 0 : <usize>classOf(at) << 2)
    if (suppressed(i, list, at, load<i32>(chain))) continue
    const to = entry(list, kept)
    if (to != at) memory.copy(to, at, ENTRY)
    store<i32>(to, load<i32>(chain), 48)
    store<i32>(chain, kept++)
  }
  if (bestOnly) kept = min(keepBest(list, kept), most)
  store<i32>(list, kept, 4)
}

function onPhoto(i: usize, at: usize): bool {
  return (
    max(load<f64>(at), 0) < min(load<f64>(at, 16), <f64>word(i, 9)) &&
    max(load<f64>(at, 8), 0) < min(load<f64>(at, 24), <f64>word(i, 10))
  )
}

function suppressed(i: usize, list: usize, at: usize, rival: i32): bool {
  const diou = word(i, 4) != 0
  const iou = load<f64>(address(i, 11))
  for (; rival >= 0; rival = load<i32>(entry(list, rival), 48)) {
    const other = entry(list, rival)
    const width = min(load<f64>(other, 16), load<f64>(at, 16)) - max(load<f64>(other), load<f64>(at))
    if (!(width > 0)) {
      continue
    }
    const height = min(load<f64>(other, 24), load<f64>(at, 24)) - max(load<f64>(other, 8), load<f64>(at, 8))
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
function area(at: usize): f64 {
  return (load<f64>(at, 16) - load<f64>(at)) * (load<f64>(at, 24) - load<f64>(at, 8))
}

/** (d^2 / c^2)^beta */
function distance(i: usize, a: usize, b: usize): f64 {
  const width = <f64>word(i, 9)
  const height = <f64>word(i, 10)
  const beta = load<f64>(address(i, 11), 8)
  const cx = (max(load<f64>(a, 16), load<f64>(b, 16)) - min(load<f64>(a), load<f64>(b))) / width
  const cy = (max(load<f64>(a, 24), load<f64>(b, 24)) - min(load<f64>(a, 8), load<f64>(b, 8))) / height
  const dx = (load<f64>(a) + load<f64>(a, 16) - load<f64>(b) - load<f64>(b, 16)) / 2 / width
  const dy = (load<f64>(a, 8) + load<f64>(a, 24) - load<f64>(b, 8) - load<f64>(b, 24)) / 2 / height
  const ratio = (dx * dx + dy * dy) / (cx * cx + cy * cy)
  if (ratio != ratio) return ratio
  if (ratio < 2.2250738585072014e-308) return beta == 0 ? 1 : 0
  return exp(beta * log(ratio))
}

/** Of entries of one origin, which are best first, leaves the first; returns how many are left. */
function keepBest(list: usize, count: i32): i32 {
  let kept = 0
  for (let n = 0; n < count; n++) {
    const at = entry(list, n)
    let known = false
    for (let k = 0; k < kept && !known; k++) known = originOf(entry(list, k)) == originOf(at)
    if (known) continue
    if (n != kept) memory.copy(entry(list, kept), at, ENTRY)
    kept++
  }
  return kept
}
