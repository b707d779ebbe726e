import { classOf, entry, originOf, push, scoreOf, sort } from '../kernels/detect/candidates'
import { decode_yolo } from '../kernels/detect/decode_yolo'
import { suppress } from '../kernels/detect/suppress'
import { exp, log } from '../lib/math'
import { block, instruction } from './instruction'

/** An empty list with room for `capacity` candidates. */
function list(capacity: i32): usize {
  const at = block(64 + (capacity + 1) * 56)
  store<i32>(at, 0)
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
    expect<i32>(load<i32>(at)).toBe(4)
    const classes: i32[] = [5, 8, 6, 3]
    const origins: i32[] = [1, 0, 1, 2]
    for (let n = 0; n < 4; n++) {
      expect<f64>(scoreOf(entry(at, n))).toBe(n == 0 ? 0.9 : 0.5)
      expect<i32>(classOf(entry(at, n))).toBe(classes[n])
      expect<i32>(originOf(entry(at, n))).toBe(origins[n])
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
    const words: i32[] = [<i32>input, 56, 1, 1, 2, 2, 0, 0, 0, <i32>parameters, <i32>candidates, 3, 7]
    decode_yolo(instruction(words.concat([64, 32, 32, 32, 32, 32, 0, 0])), 0, 1)
    expect<i32>(load<i32>(candidates)).toBe(2)
    const at = entry(candidates, 1)
    expect<f64>(load<f64>(at)).toBe(22)
    expect<f64>(load<f64>(at, 8)).toBe(6)
    expect<f64>(load<f64>(at, 16)).toBe(42)
    expect<f64>(load<f64>(at, 24)).toBe(26)
    expect<i32>(originOf(at)).toBe(8)
    const chains = block(8)
    suppress(
      instruction([<i32>candidates, <i32>chains, 2, 0, 0, 0, 9, 1, 64, 32, <i32>doubles([0.45, 0.6])]),
      0,
      1,
    )
    expect<i32>(load<i32>(candidates, 4)).toBe(1)
    expect<i32>(originOf(entry(candidates, 0))).toBe(7)
    expect<bool>(abs(scoreOf(entry(candidates, 0)) - 0.9525741268) < 1e-9).toBe(true)
  })
})
