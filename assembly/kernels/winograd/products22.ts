// The products of transposed_winograd_s8.ts's F(2,2) for a single group of four tiles. Each filter
// then serves only once, so U = G' w G'^T is made in registers and is not stored. (F(4,2) has too
// many columns for that: with two tiles at a time its filters are made twice, which costs more than
// to store them.)
//
//   m[column][t][o] = (column == 1 ? start[o] : 0)
//                     + sum over pairs k of x[column][k][t] . U[row][column][k][o]
//
// modulo 2^32, for four tiles t, eight output channels o and the three columns of one row of U. w
// holds the panel's packed weights, [pair][2][2 taps][8][2] int8. x is [column][pair][4 tiles][2]
// int16, with `stride` bytes from column to column. m is [column][4][8] int32. |x| and |U| are at
// most 512 (f22.ts), so a dot product of two fits int32.
//
// Four output channels at a time take twelve vectors of sums, two of filters and one of inputs: the
// fifteen registers that V8 has on x86.

import { SIMD } from '../../lib/isa'
import { addDot } from '../../lib/vector'
import { weights22 } from './f22'

/** Bytes of the packed weights of a pair of channels, for a panel of 8 output channels. */
const PAIR_BYTES: usize = 64

/** `row` is 0 to 2. */
export function rowProducts22(row: i32, x: usize, stride: usize, start: usize, w: usize, pairs: usize, m: usize): void {
  if (row == 1) products(true, x, stride, start, w, pairs, m)
  else products(false, x, stride, start, row == 0 ? w : w + 32, pairs, m)
}

/** The middle row combines both rows of weights. Each of the others is one of them. */
// @ts-ignore: decorator
@inline
function products(middle: bool, x: usize, stride: usize, start: usize, w: usize, pairs: usize, m: usize): void {
  if (!SIMD) return
  for (let half: usize = 0; half < 2; half++) {
    let a0 = i32x4.splat(0)
    let a1 = a0
    let a2 = a0
    let a3 = a0
    let b0 = v128.load(start + half * 16)
    let b1 = b0
    let b2 = b0
    let b3 = b0
    let c0 = a0
    let c1 = a0
    let c2 = a0
    let c3 = a0
    let p = w + half * 8
    let second = x + stride
    let third = second + stride
    for (let first = x, end = x + pairs * 16; first < end; first += 16) {
      let w0 = v128.load8x8_s(p)
      let w1 = v128.load8x8_s(p, 16)
      if (middle) {
        w0 = weights22<v128>(w0, v128.load8x8_s(p, 32))
        w1 = weights22<v128>(w1, v128.load8x8_s(p, 48))
      }
      a0 = addDot(a0, v128.load32_splat(first), w0)
      a1 = addDot(a1, v128.load32_splat(first, 4), w0)
      a2 = addDot(a2, v128.load32_splat(first, 8), w0)
      a3 = addDot(a3, v128.load32_splat(first, 12), w0)
      w0 = weights22<v128>(w0, w1)
      b0 = addDot(b0, v128.load32_splat(second), w0)
      b1 = addDot(b1, v128.load32_splat(second, 4), w0)
      b2 = addDot(b2, v128.load32_splat(second, 8), w0)
      b3 = addDot(b3, v128.load32_splat(second, 12), w0)
      c0 = addDot(c0, v128.load32_splat(third), w1)
      c1 = addDot(c1, v128.load32_splat(third, 4), w1)
      c2 = addDot(c2, v128.load32_splat(third, 8), w1)
      c3 = addDot(c3, v128.load32_splat(third, 12), w1)
      p += PAIR_BYTES
      second += 16
      third += 16
    }
    const to = m + half * 16
    storeFour(to, a0, a1, a2, a3)
    storeFour(to + 128, b0, b1, b2, b3)
    storeFour(to + 256, c0, c1, c2, c3)
  }
}

// @ts-ignore: decorator
@inline
function storeFour(m: usize, a: v128, b: v128, c: v128, d: v128): void {
  v128.store(m, a)
  v128.store(m, b, 32)
  v128.store(m, c, 64)
  v128.store(m, d, 96)
}
