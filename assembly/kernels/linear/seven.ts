// Seven products of halves instead of eight, for linear_s8 (Strassen, in Winograd's form of fifteen
// additions). Rows X are halved by rows and by depth. Weights W are halved by depth and into the
// two panels of 8 channels that are multiplied together:
//   Y = [X11 X12; X21 X22] * [W11 W12; W21 W22], and with
//   S1 = X21 + X22, S2 = S1 - X11, S3 = X11 - X21, S4 = X12 - S2,
//   T1 = W12 - W11, T2 = W22 - T1, T3 = W22 - W12, T4 = W21 - T2,
//   M1 = X11 * W11, M2 = X12 * W21, M3 = S4 * W22, M4 = X22 * T4,
//   M5 = S1 * T1, M6 = S2 * T2, M7 = S3 * T3,
//   Y11 = M1 + M2, Y12 = M1 + M6 + M5 + M3, Y21 = M1 + M6 + M7 + M4, Y22 = M1 + M6 + M7 + M5.
// Rows are combined once, when they are quantised, to seven matrices [4 rows][pair of depth][4][2]
// int16. Weights are combined while they are widened, to 7/4 of their number: that is little as
// long as a panel is multiplied with some dozens of rows.
//
// Exact: values are within -127..127, and S4 and T4 are sums of four, so at most 508, which fits
// int16. Two products are at most 516,128, which fits int32. Sums wrap modulo 2^32 on the way, but
// Y is within int32, so it comes out right.

import { SEVEN_GAP_BYTES, SEVEN_LONG_PAIRS, SEVEN_PANELS, SEVEN_SHORT_PAIRS } from '../../lib/instructions'
import { firstHalves, firstQuads, lastHalves, lastQuads } from '../../lib/turn'
import { AHEAD, multiplyTwo } from './two'

/**
 * Bytes from one panel of `chunk` pairs to the next: no power of two, so that they do not compete
 * for the same lines of the cache.
 */
// @ts-ignore: decorator
@inline
function panelBytes(chunk: usize): usize {
  return chunk * 32 + SEVEN_GAP_BYTES
}

/** Bytes of all panels. */
export function sevenPanels(chunk: usize): usize {
  return panelBytes(chunk) * SEVEN_PANELS
}

/**
 * Multiplies panels 4 p to 4 p + 3 with all rows: M1 to M7 of panels 4 p and 4 p + 1, and then of
 * the others, go to `sums`, [row][8] int32 each. Meanwhile as many bytes of weights are read from
 * `ahead` on: large weights come from memory, and those are the next.
 */
export function multiplySeven(
  rows: usize,
  weights: usize,
  p: i32,
  depth: usize,
  half: i32,
  sums: usize,
  panels: usize,
  chunk: usize,
  ahead: usize,
): void {
  const pairs = depth >> 2
  const panel = panelBytes(chunk)
  const second = panels + panel * 7
  const rounded = <usize>((half + 3) & ~3)
  const from = weights + <usize>p * depth * 32
  const far = depth * 16
  const sumsStep = rounded * 224
  const touched = <usize>(half >> 1) * AHEAD
  const stride = (depth * 32) / (((pairs + chunk - 1) / chunk) * 7 * touched + 1)
  for (let done: usize = 0; done < pairs; done += chunk) {
    const length = min(chunk, pairs - done)
    const at = from + done * 16
    if (chunk == SEVEN_LONG_PAIRS) {
      widenSeven<i32>(at, depth * 4, panels, length)
      widenSeven<i32>(at + far, depth * 4, second, length)
    } else {
      widenSeven<bool>(at, depth * 4, panels, length)
      widenSeven<bool>(at + far, depth * 4, second, length)
    }
    for (let m: usize = 0; m < 7; m++) {
      const matrix = rows + m * rounded * depth + done * 16
      const panel0 = panels + m * panel
      const to = sums + m * rounded * 32
      if (done == 0) multiplyTwo<bool>(matrix, depth * 4, panel0, panel * 7, length, to, sumsStep, half, ahead, stride)
      else multiplyTwo<i32>(matrix, depth * 4, panel0, panel * 7, length, to, sumsStep, half, ahead, stride)
      ahead += touched * stride
    }
  }
}

/**
 * Widens [pair][8][2] int8 of four quarters, `far` bytes apart, to seven panels of int16. T is bool
 * for short panels. The stores take the time: two vectors that go to one panel one after the other
 * take less than each alone.
 */
function widenSeven<T>(from: usize, far: usize, to: usize, pairs: usize): void {
  // A constant gives each store an offset, and no address of its own.
  const panel: usize = (isBoolean<T>() ? SEVEN_SHORT_PAIRS : SEVEN_LONG_PAIRS) * 32 + SEVEN_GAP_BYTES
  for (const end = to + pairs * 32; to < end; to += 32) {
    const w11 = v128.load8x8_s(from)
    const v11 = v128.load8x8_s(from, 8)
    v128.store(to, w11)
    v128.store(to, v11, 16)
    const w12 = v128.load8x8_s(from + far * 2)
    const v12 = v128.load8x8_s(from + far * 2, 8)
    const t1 = i16x8.sub(w12, w11)
    const s1 = i16x8.sub(v12, v11)
    v128.store(to, t1, panel * 4)
    v128.store(to, s1, panel * 4 + 16)
    const w22 = v128.load8x8_s(from + far * 3)
    const v22 = v128.load8x8_s(from + far * 3, 8)
    v128.store(to, w22, panel * 2)
    v128.store(to, v22, panel * 2 + 16)
    v128.store(to, i16x8.sub(w22, w12), panel * 6)
    v128.store(to, i16x8.sub(v22, v12), panel * 6 + 16)
    const t2 = i16x8.sub(w22, t1)
    const s2 = i16x8.sub(v22, s1)
    v128.store(to, t2, panel * 5)
    v128.store(to, s2, panel * 5 + 16)
    const w21 = v128.load8x8_s(from + far)
    const v21 = v128.load8x8_s(from + far, 8)
    v128.store(to, w21, panel)
    v128.store(to, v21, panel + 16)
    v128.store(to, i16x8.sub(w21, t2), panel * 3)
    v128.store(to, i16x8.sub(v21, s2), panel * 3 + 16)
    from += 16
  }
}

/**
 * Turns M1 to M7, `step` bytes apart, into float32 (linear_s8.ts): two panels of `count` rows,
 * whose second half begins with row `half`.
 */
export function finishSeven(
  sums: usize,
  step: usize,
  half: i32,
  count: i32,
  rowScales: usize,
  scales: usize,
  bias: usize,
  to: usize,
  stride: usize,
): void {
  for (let part: usize = 0; part < 32; part += 16) {
    const at = scales + part
    const left = v128.load(at)
    const right = v128.load(at, 32)
    const leftBias = v128.load(bias + part)
    const rightBias = v128.load(bias + part, 32)
    let from = sums + part
    let upper = to + part
    let lower = upper + <usize>half * stride
    for (let t = 0; t < half; t++) {
      const m1 = v128.load(from)
      const m5 = v128.load(from + step * 4)
      const u2 = i32x4.add(m1, v128.load(from + step * 5))
      let scale = v128.load32_splat(rowScales + ((<usize>t) << 2))
      v128.store(upper, scaled(i32x4.add(m1, v128.load(from + step)), scale, left, leftBias))
      const second = i32x4.add(i32x4.add(u2, m5), v128.load(from + step * 2))
      v128.store(upper, scaled(second, scale, right, rightBias), 32)
      if (half + t < count) {
        const u3 = i32x4.add(u2, v128.load(from + step * 6))
        scale = v128.load32_splat(rowScales + ((<usize>(half + t)) << 2))
        v128.store(lower, scaled(i32x4.add(u3, v128.load(from + step * 3)), scale, left, leftBias))
        v128.store(lower, scaled(i32x4.add(u3, m5), scale, right, rightBias), 32)
      }
      from += 32
      upper += stride
      lower += stride
    }
  }
}

// @ts-ignore: decorator
@inline
export function scaled(acc: v128, rowScale: v128, scale: v128, bias: v128): v128 {
  return f32x4.add(f32x4.mul(f32x4.convert_i32x4_s(acc), f32x4.mul(rowScale, scale)), bias)
}

/**
 * Combines four rows of int16, of `depth` values, with the four that follow them, to a group of
 * each of the seven matrices, which are `step` bytes apart.
 */
export function combineRows(from: usize, depth: usize, to: usize, step: usize): void {
  for (const end = from + depth; from < end; from += 16) {
    combinePairs<bool>(from, depth, to, step)
    combinePairs<i32>(from, depth, to + 32, step)
    to += 64
  }
}

/** The first two (T is bool) or the last two of four pairs. */
// @ts-ignore: decorator
@inline
function combinePairs<T>(from: usize, depth: usize, to: usize, step: usize): void {
  const lower = from + depth * 8
  const a11 = neighbours<T>(from, depth * 2)
  const b11 = neighbours<T>(from + depth * 4, depth * 2)
  const a12 = neighbours<T>(from + depth, depth * 2)
  const b12 = neighbours<T>(from + depth * 5, depth * 2)
  const a21 = neighbours<T>(lower, depth * 2)
  const b21 = neighbours<T>(lower + depth * 4, depth * 2)
  const a22 = neighbours<T>(lower + depth, depth * 2)
  const b22 = neighbours<T>(lower + depth * 5, depth * 2)
  storeSums(to, step, firstHalves(a11, b11), firstHalves(a12, b12), firstHalves(a21, b21), firstHalves(a22, b22))
  storeSums(to + 16, step, lastHalves(a11, b11), lastHalves(a12, b12), lastHalves(a21, b21), lastHalves(a22, b22))
}

/** The pairs of two rows, alternating. */
// @ts-ignore: decorator
@inline
function neighbours<T>(row: usize, stride: usize): v128 {
  const a = v128.load(row)
  const b = v128.load(row + stride)
  return isBoolean<T>() ? firstQuads(a, b) : lastQuads(a, b)
}

// @ts-ignore: decorator
@inline
function storeSums(to: usize, step: usize, x11: v128, x12: v128, x21: v128, x22: v128): void {
  const s1 = i16x8.add(x21, x22)
  const s2 = i16x8.sub(s1, x11)
  v128.store(to, x11)
  to += step
  v128.store(to, x12)
  to += step
  v128.store(to, i16x8.sub(x12, s2))
  to += step
  v128.store(to, x22)
  to += step
  v128.store(to, s1)
  to += step
  v128.store(to, s2)
  to += step
  v128.store(to, i16x8.sub(x11, x21))
}
