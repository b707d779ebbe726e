// Adds the boxes of one YOLO head that reach a threshold to the list of candidates (candidates.ts),
// in pixels of the photo (YOLOv3, Redmon and Farhadi 2018, section 2.1; scale_x_y and new_coords as
// in darknet's `get_yolo_box`, src/yolo_layer.c):
//
//   x = (v * s - (s - 1) / 2 + column) / columns      v = sigmoid(tx), or tx with new_coords
//   w = exp(tw) * anchor, or (2 tw)^2 * anchor with new_coords
//   score = objectness * class, for the best class, or for each with `multiLabel`
//
// The input is a float32 view [rows][columns][anchors * (5 + classes)]: x, y, w, h, objectness,
// classes. The parameters are float64: threshold, scale_x_y, then width and height of each anchor
// in pixels of the network's input. `classMask` has a byte for each class, 0 where the class may
// not be found, or the address 0. Everything is float64, in the order that docs/engine.md states.
// NaN is never a candidate, nor is a box that is not finite.
//
// A score is at most its objectness, and most boxes' objectness is far below the threshold. One
// comparison of the raw value with the threshold's logit leaves these out. Few boxes pass, so the
// code is scalar in every build, and one thread does it.

import { CHECKED, checkView } from '../../lib/checks'
import { CandidateList, DecodeYolo } from '../../lib/instructions'
import { exp, log, sigmoid } from '../../lib/math'
import { push } from './candidates'

export function decode_yolo(i: DecodeYolo, thread: i32, threads: i32): void {
  if (CHECKED) {
    checkView(i.input, i.inputStride, i.anchors * (5 + i.classes) * 4, 4)
    assert(i.candidates != 0 && (i.candidates & 7) == 0, 'the list is missing or not aligned')
    assert((i.parameters & 7) == 0 && i.capacity > 0, 'the parameters are not aligned, or the list is full')
  }
  if (thread != 0) return
  let pixel = i.input
  const stride = <usize>i.inputStride
  const pixels = i.rows * i.columns
  const anchors = i.anchors
  const boxBytes = <usize>(5 + i.classes) * 4
  const newCoords = i.newCoords != 0
  const threshold = load<f64>(i.parameters)
  const least = newCoords ? threshold : leastLogit(threshold, 1)
  let origin = i.origin
  for (let cell = 0; cell < pixels; cell++) {
    let at = pixel
    for (let anchor = 0; anchor < anchors; anchor++) {
      // The comparison is written so that NaN fails.
      if (<f64>load<f32>(at, 16) >= least) decodeBox(i, at, cell, anchor, origin, threshold)
      origin++
      at += boxBytes
    }
    pixel += stride
  }
}

function decodeBox(i: DecodeYolo, at: usize, cell: i32, anchor: i32, origin: i32, threshold: f64): void {
  const classes = i.classes
  const newCoords = i.newCoords != 0
  const multiLabel = i.multiLabel != 0
  const mask = i.classMask
  const objectness = activated(at + 16, newCoords)
  if (!multiLabel) {
    const best = bestClass(at + 20, classes, mask)
    if (best < 0) return
    const score = objectness * activated(at + 20 + ((<usize>best) << 2), newCoords)
    if (score >= threshold) add(i, at, cell, anchor, origin, score, best)
    return
  }
  const least = newCoords ? -Infinity : leastLogit(threshold, objectness)
  for (let c = 0; c < classes; c++) {
    const value = at + 20 + ((<usize>c) << 2)
    if (!(<f64>load<f32>(value) >= least) || (mask != 0 && load<u8>(mask + c) == 0)) continue
    const score = objectness * activated(value, newCoords)
    if (score >= threshold) add(i, at, cell, anchor, origin, score, c)
  }
}

// @ts-ignore: decorator
@inline
function activated(at: usize, newCoords: bool): f64 {
  const value = <f64>load<f32>(at)
  return newCoords ? value : sigmoid(value)
}

/**
 * The allowed class with the greatest value, and the lower one of two that are equal. Returns -1
 * when all values are NaN.
 */
function bestClass(at: usize, classes: i32, mask: usize): i32 {
  let best = -1
  let most: f32 = 0
  for (let c = 0; c < classes; c++) {
    if (mask != 0 && load<u8>(mask + c) == 0) continue
    const value = load<f32>(at + ((<usize>c) << 2))
    if (best < 0 ? value == value : value > most) {
      best = c
      most = value
    }
  }
  return best
}

/**
 * A logit x below which sigmoid(x) * factor does not reach `threshold`. The margin covers the
 * rounding of log and exp, because what passes is compared with the threshold itself. The bound
 * ends at 30, where float64's sigmoid nears its last bit before 1.
 */
function leastLogit(threshold: f64, factor: f64): f64 {
  if (threshold < 1e-300) return -Infinity
  if (threshold >= factor) return threshold > factor ? Infinity : 30
  const p = threshold / factor
  return min(log(p / (1 - p)), 30) - 1e-3
}

function add(i: DecodeYolo, at: usize, cell: i32, anchor: i32, origin: i32, score: f64, classId: i32): void {
  const columns = i.columns
  const newCoords = i.newCoords != 0
  const parameters = i.parameters
  const scale = load<f64>(parameters, 8)
  const sides = parameters + 16 + ((<usize>anchor) << 4)
  const shift = (scale - 1) / 2
  const row = cell / columns
  const perPixelX = <f64>i.sourceWidth / <f64>i.resizedWidth
  const perPixelY = <f64>i.sourceHeight / <f64>i.resizedHeight
  const cellX = <f64>i.inputWidth / <f64>columns
  const cellY = <f64>i.inputHeight / <f64>i.rows
  const centreX = activated(at, newCoords) * scale - shift + <f64>(cell - row * columns)
  const centreY = activated(at + 4, newCoords) * scale - shift + <f64>row
  const x = (centreX * cellX - <f64>i.offsetX) * perPixelX
  const y = (centreY * cellY - <f64>i.offsetY) * perPixelY
  const w = size(at + 8, newCoords) * load<f64>(sides) * perPixelX
  const h = size(at + 12, newCoords) * load<f64>(sides, 8) * perPixelY
  const xmin = x - w / 2
  const ymin = y - h / 2
  const xmax = x + w / 2
  const ymax = y + h / 2
  // NaN and infinity survive any sum, and no real box comes near the end of float64's range.
  const sum = xmin + ymin + xmax + ymax
  if (sum - sum != 0) return
  push(changetype<CandidateList>(i.candidates), i.capacity, xmin, ymin, xmax, ymax, score, classId, origin)
}

// @ts-ignore: decorator
@inline
function size(at: usize, newCoords: bool): f64 {
  const value = <f64>load<f32>(at)
  return newCoords ? 4 * (value * value) : exp(value)
}
