import { entry, push, sort } from '../kernels/detect/candidates'
import { decode_yolo } from '../kernels/detect/decode_yolo'
import { suppress } from '../kernels/detect/suppress'
import { CandidateList, DecodeYolo, ENTRY_BYTES, LIST_HEADER_BYTES, OverlapKind, Suppress } from '../lib/instructions'
import { exp, log } from '../lib/math'
import { block, instruction } from './instruction'

/** An empty list with room for `capacity` candidates. */
function list(capacity: i32): CandidateList {
  const at = changetype<CandidateList>(block(<i32>LIST_HEADER_BYTES + (capacity + 1) * <i32>ENTRY_BYTES))
  at.count = 0
  return at
}

/** float64 values at an address of their own. */
function doubles(values: f64[]): usize {
  const at = block(values.length * 8)
  for (let n = 0; n < values.length; n++) store<f64>(at + n * 8, values[n])
  return at
}

describe('exp and log', () => {
  test('meet the standard library', () => {
    for (let x: f64 = -700; x < 700; x += 0.37) {
      expect<bool>(abs(exp(x) / NativeMath.exp(x) - 1) < 5e-16).toBe(true)
      if (x > 0) expect<bool>(abs(log(x) - NativeMath.log(x)) < 1e-14).toBe(true)
    }
    expect<f64>(exp(0)).toBe(1)
    expect<f64>(exp(1000)).toBe(Infinity)
    expect<f64>(exp(-1000)).toBe(0)
    expect<bool>(isNaN(exp(NaN))).toBe(true)
    expect<f64>(log(1)).toBe(0)
  })
})

describe('a list of candidates', () => {
  test('keeps the best, and sorts by score, origin and class', () => {
    const at = list(4)
    const scores: f64[] = [0.5, 0.2, 0.5, 0.9, 0.1, 0.5, 0.3, 0.5]
    for (let n = 0; n < 8; n++) push(at, 4, 0, 0, 1, 1, scores[n], 8 - n, n >> 1)
    sort(at)
    expect<i32>(at.count).toBe(4)
    const classes: i32[] = [5, 8, 6, 3]
    const origins: i32[] = [1, 0, 1, 2]
    for (let n = 0; n < 4; n++) {
      expect<f64>(entry(at, n).score).toBe(n == 0 ? 0.9 : 0.5)
      expect<i32>(entry(at, n).classId).toBe(classes[n])
      expect<i32>(entry(at, n).origin).toBe(origins[n])
    }
  })
})

describe('a head', () => {
  test('of one cell, decoded and suppressed', () => {
    // Two anchors on one place, of two classes: x, y, w, h, objectness, classes.
    const values: f32[] = [0, 0, 0, 0, 30, 3, 1, 0, 0, 0, 0, 30, 2, 1]
    const input = block(values.length * 4)
    for (let n = 0; n < values.length; n++) store<f32>(input + n * 4, values[n])
    const candidates = list(3)
    const parameters = doubles([0.25, 1, 10, 20, 10, 20])
    const i = instruction<DecodeYolo>()
    i.input = input
    i.inputStride = 56
    i.rows = 1
    i.columns = 1
    i.anchors = 2
    i.classes = 2
    i.parameters = parameters
    i.candidates = changetype<usize>(candidates)
    i.capacity = 3
    i.origin = 7
    i.sourceWidth = 64
    i.sourceHeight = 32
    i.inputWidth = 32
    i.inputHeight = 32
    i.resizedWidth = 32
    i.resizedHeight = 32
    decode_yolo(i, 0, 1)
    expect<i32>(candidates.count).toBe(2)
    const at = entry(candidates, 1)
    expect<f64>(at.xmin).toBe(22)
    expect<f64>(at.ymin).toBe(6)
    expect<f64>(at.xmax).toBe(42)
    expect<f64>(at.ymax).toBe(26)
    expect<i32>(at.origin).toBe(8)
    const s = instruction<Suppress>()
    s.candidates = changetype<usize>(candidates)
    s.chains = block(8)
    s.classes = 2
    s.kind = OverlapKind.iou
    s.maxResults = 9
    s.clip = 1
    s.sourceWidth = 64
    s.sourceHeight = 32
    s.parameters = doubles([0.45, 0.6])
    suppress(s, 0, 1)
    expect<i32>(candidates.kept).toBe(1)
    expect<i32>(entry(candidates, 0).origin).toBe(7)
    expect<bool>(abs(entry(candidates, 0).score - 0.9525741268) < 1e-9).toBe(true)
  })
})
