// Queries and keys for attention_s16: rows of d float32, each quantised by its own largest value,
// go to groups of four rows, [pair][4][2] int16, `step` bytes from pair to pair. A pair is channels
// c and c + 4 of eight, in queries and keys alike, so the sums of their products do not change.
// Channels beyond d are zeros. In the last group the last row stands in for rows that do not exist,
// so their scores change no largest score.

import { firstHalves, firstQuads, lastHalves, lastQuads, turn } from '../../lib/turn'
import { LEAST } from '../linear/rows'
import { lowHalves, MAGNITUDE, magic, quantized } from './pairs'

/** `groupBytes` is the distance from group to group. Stores m / limit of each row. */
export function packRows(
  x: usize,
  stride: usize,
  count: usize,
  d: usize,
  limit: f32,
  to: usize,
  groupBytes: usize,
  step: usize,
  scales: usize,
): void {
  // All the largest values come first: rows lie far apart, and so many of them are on their way
  // from memory at once.
  for (let n: usize = 0; n < count; n += 4) largest(x + n * stride, stride, count - n, d, scales + n * 4)
  for (let n: usize = 0; n < count; n += 4) {
    packFour(x + n * stride, stride, count - n, d, limit, to, step, scales + n * 4)
    to += groupBytes
  }
}

/** The m of four rows. */
function largest(x: usize, stride: usize, count: usize, d: usize, to: usize): void {
  const x1 = count > 1 ? x + stride : x
  const x2 = count > 2 ? x1 + stride : x1
  const x3 = count > 3 ? x2 + stride : x2
  const magnitude = v128.load(MAGNITUDE)
  let m0 = f32x4.splat(0)
  let m1 = m0
  let m2 = m0
  let m3 = m0
  let n: usize = 0
  for (const whole = (d & ~3) << 2; n < whole; n += 16) {
    m0 = f32x4.pmax(m0, v128.and(v128.load(x + n), magnitude))
    m1 = f32x4.pmax(m1, v128.and(v128.load(x1 + n), magnitude))
    m2 = f32x4.pmax(m2, v128.and(v128.load(x2 + n), magnitude))
    m3 = f32x4.pmax(m3, v128.and(v128.load(x3 + n), magnitude))
  }
  if (d & 3) {
    const mask = v128.and(first(d & 3), magnitude)
    m0 = f32x4.pmax(m0, v128.and(v128.load(x + n), mask))
    m1 = f32x4.pmax(m1, v128.and(v128.load(x1 + n), mask))
    m2 = f32x4.pmax(m2, v128.and(v128.load(x2 + n), mask))
    m3 = f32x4.pmax(m3, v128.and(v128.load(x3 + n), mask))
  }
  const low = f32x4.pmax(firstQuads(m0, m1), lastQuads(m0, m1))
  const high = f32x4.pmax(firstQuads(m2, m3), lastQuads(m2, m3))
  v128.store(to, f32x4.pmax(firstHalves(low, high), lastHalves(low, high)))
}

/** Four rows. `scales` holds their m, and afterwards m / limit. */
function packFour(
  x: usize,
  stride: usize,
  count: usize,
  d: usize,
  limit: f32,
  to: usize,
  step: usize,
  scales: usize,
): void {
  const x1 = count > 1 ? x + stride : x
  const x2 = count > 2 ? x1 + stride : x1
  const x3 = count > 3 ? x2 + stride : x2
  const m = v128.load(scales)
  const l = f32x4.splat(limit)
  const small = f32x4.lt(m, f32x4.splat(LEAST))
  v128.store(scales, v128.andnot(f32x4.div(m, l), small))
  const f = v128.andnot(f32x4.div(l, m), small)
  const f0 = i32x4.shuffle(f, f, 0, 0, 0, 0)
  const f1 = i32x4.shuffle(f, f, 1, 1, 1, 1)
  const f2 = i32x4.shuffle(f, f, 2, 2, 2, 2)
  const f3 = i32x4.shuffle(f, f, 3, 3, 3, 3)
  const least = f32x4.splat(-limit)
  const end = d << 2
  let low = i32x4.splat(-1)
  let high = low
  let n: usize = 0
  // The test stands at the end, because V8 moves what only the loop's body needs into it, and would
  // compute the factors there.
  do {
    if (end - n < 32) {
      low = first((end - n) >> 2)
      high = first(<usize>max(<i32>(end - n) - 16, 0) >> 2)
    }
    const q0 = eight(x + n, f0, least, low, high)
    const q1 = eight(x1 + n, f1, least, low, high)
    const q2 = eight(x2 + n, f2, least, low, high)
    const q3 = eight(x3 + n, f3, least, low, high)
    turn(to, q0, q1, q2, q3, step)
    to += step * 4
    n += 32
  } while (n < end)
}

/** Ones in the first n lanes of four. */
// @ts-ignore: decorator
@inline
function first(n: usize): v128 {
  return i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(<i32>n))
}

/** Four pairs of a row. */
// @ts-ignore: decorator
@inline
function eight(x: usize, factor: v128, least: v128, low: v128, high: v128): v128 {
  return lowHalves(
    quantized(v128.and(v128.load(x), low), factor, least, magic()),
    quantized(v128.and(v128.load(x, 16), high), factor, least, magic()),
  )
}
