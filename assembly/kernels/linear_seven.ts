// Seven products of halves instead of eight, for linear_s8 (Strassen, in Winograd's form of fifteen additions). Rows X are cut in
// halves by rows and by depth, weights W by depth and into the two panels of 8 channels that are multiplied together:
//   Y = [X11 X12; X21 X22] * [W11 W12; W21 W22], and with
//   S1 = X21 + X22, S2 = S1 - X11, S3 = X11 - X21, S4 = X12 - S2,
//   T1 = W12 - W11, T2 = W22 - T1, T3 = W22 - W12, T4 = W21 - T2,
//   M1 = X11 * W11, M2 = X12 * W21, M3 = S4 * W22, M4 = X22 * T4, M5 = S1 * T1, M6 = S2 * T2, M7 = S3 * T3,
//   Y11 = M1 + M2, Y12 = M1 + M6 + M5 + M3, Y21 = M1 + M6 + M7 + M4, Y22 = M1 + M6 + M7 + M5.
// Rows are combined once, when they are quantised: seven matrices [4 rows][pair of depth][4][2] int16. Weights are
// combined while they are widened, 7/4 as much of them: little, as long as a panel is multiplied with some dozens of rows.
//
// Exact: of values within -127..127, S4 and T4 are sums of four, so at most 508, which fits int16, as two products at most
// 516,128 fit int32. Sums wrap modulo 2^32 in between; Y is within int32, so it comes out right.

import { multiply } from './linear_pairs'

const CHUNK: usize = 128 // pairs of seven panels that are widened at a time
/** Bytes of these panels. */
export const SEVEN_PANELS: usize = CHUNK * 32 * 7

/** Panels 2 p and 2 p + 1 with all rows: sums of 2 * half rows to `results`, [panel][row][8] int32. */
export function multiplySeven(
  rows: usize,
  weights: usize,
  p: i32,
  depth: usize,
  half: i32,
  sums: usize,
  results: usize,
  panels: usize,
): void {
  const pairs = depth >> 2
  const rounded = <usize>((half + 3) & ~3)
  const from = weights + <usize>p * depth * 16
  for (let done: usize = 0; done < pairs; done += CHUNK) {
    const length = min(CHUNK, pairs - done)
    widenSeven(from + done * 16, depth * 4, panels, length)
    for (let m: usize = 0; m < 7; m++) {
      const matrix = rows + m * rounded * depth + done * 16
      multiply(matrix, depth * 4, panels + m * length * 32, length, sums + m * rounded * 32, half, done == 0)
    }
  }
  combineSums(sums, rounded * 32, results, <usize>half * 32)
}

/** [pair][8][2] int8 of four quarters, `far` bytes from one to the next, to seven panels of int16. */
function widenSeven(from: usize, far: usize, to: usize, pairs: usize): void {
  const bytes = pairs * 32
  for (const end = to + bytes; to < end; to += 32) {
    const w11 = v128.load(from)
    const w21 = v128.load(from + far)
    const w12 = v128.load(from + far * 2)
    const w22 = v128.load(from + far * 3)
    storeSeven(
      to,
      bytes,
      i16x8.extend_low_i8x16_s(w11),
      i16x8.extend_low_i8x16_s(w21),
      i16x8.extend_low_i8x16_s(w12),
      i16x8.extend_low_i8x16_s(w22),
    )
    storeSeven(
      to + 16,
      bytes,
      i16x8.extend_high_i8x16_s(w11),
      i16x8.extend_high_i8x16_s(w21),
      i16x8.extend_high_i8x16_s(w12),
      i16x8.extend_high_i8x16_s(w22),
    )
    from += 16
  }
}

// @ts-ignore: decorator
@inline
function storeSeven(to: usize, step: usize, w11: v128, w21: v128, w12: v128, w22: v128): void {
  const t1 = i16x8.sub(w12, w11)
  const t2 = i16x8.sub(w22, t1)
  v128.store(to, w11)
  to += step
  v128.store(to, w21)
  to += step
  v128.store(to, w22)
  to += step
  v128.store(to, i16x8.sub(w21, t2))
  to += step
  v128.store(to, t1)
  to += step
  v128.store(to, t2)
  to += step
  v128.store(to, i16x8.sub(w22, w12))
}

/** M1 to M7, `step` bytes from one to the next, to [Y11; Y21] and [Y12; Y22], `bytes` each of the four. */
function combineSums(sums: usize, step: usize, to: usize, bytes: usize): void {
  for (const end = sums + bytes; sums < end; sums += 16) {
    const m1 = v128.load(sums)
    const m5 = v128.load(sums + step * 4)
    const u2 = i32x4.add(m1, v128.load(sums + step * 5))
    const u3 = i32x4.add(u2, v128.load(sums + step * 6))
    v128.store(to, i32x4.add(m1, v128.load(sums + step)))
    v128.store(to + bytes, i32x4.add(u3, v128.load(sums + step * 3)))
    v128.store(to + bytes * 2, i32x4.add(i32x4.add(u2, m5), v128.load(sums + step * 2)))
    v128.store(to + bytes * 3, i32x4.add(u3, m5))
    to += 16
  }
}

/** Two rows of int16, of `depth` values, `depth` * 2 bytes apart, to the seven matrices, `step` bytes apart. */
export function combineRows(from: usize, depth: usize, to: usize, step: usize): void {
  for (const end = from + depth; from < end; from += 16) {
    const x11 = v128.load(from)
    const x12 = v128.load(from + depth)
    const x21 = v128.load(from + depth * 2)
    const x22 = v128.load(from + depth * 3)
    const s1 = i16x8.add(x21, x22)
    const s2 = i16x8.sub(s1, x11)
    let at = to
    storePairs(at, x11)
    at += step
    storePairs(at, x12)
    at += step
    storePairs(at, i16x8.sub(x12, s2))
    at += step
    storePairs(at, x22)
    at += step
    storePairs(at, s1)
    at += step
    storePairs(at, s2)
    at += step
    storePairs(at, i16x8.sub(x11, x21))
    to += 64
  }
}

/** Four pairs of a row, to where three other rows' pairs stand between them. */
// @ts-ignore: decorator
@inline
function storePairs(to: usize, v: v128): void {
  v128.store32_lane(to, v, 0)
  v128.store32_lane(to, v, 1, 16)
  v128.store32_lane(to, v, 2, 32)
  v128.store32_lane(to, v, 3, 48)
}
