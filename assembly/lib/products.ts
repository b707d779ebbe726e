// m[t][o] = start[o] + sum over pairs k of x[k][t][0] * w[k][o][0] + x[k][t][1] * w[k][o][1]
//
// for 4 pixels or tiles t and 8 channels o, int16 to int32 modulo 2^32. x is [pair][4][2]; w is
// [pair][8][2] for dot products and [pair][2][8] for multiply-adds; m is [4][8].
//
// The two forms are for two kinds of machine: a dot product of pairs is one instruction on x86 and
// four on ARM, where adding a widening multiplication is one. The loop of dot products is not
// unrolled, because V8 spills registers on x86 when its body has more loads.

import { addsQuads, dotQuads, dotQuadsByPairs, ones, SIMD } from './isa'
import { addDot } from './vector'

// @ts-ignore: decorator
@inline
export function productDot(x: usize, start: usize, w: usize, pairs: usize, m: usize): void {
  if (SIMD) {
    let a0 = v128.load(start)
    let a1 = v128.load(start, 16)
    let b0 = a0
    let b1 = a1
    let c0 = a0
    let c1 = a1
    let d0 = a0
    let d1 = a1
    for (const end = x + pairs * 16; x < end; x += 16) {
      const w0 = v128.load(w)
      const w1 = v128.load(w, 16)
      let v = v128.load32_splat(x)
      a0 = addDot(a0, v, w0)
      a1 = addDot(a1, v, w1)
      v = v128.load32_splat(x, 4)
      b0 = addDot(b0, v, w0)
      b1 = addDot(b1, v, w1)
      v = v128.load32_splat(x, 8)
      c0 = addDot(c0, v, w0)
      c1 = addDot(c1, v, w1)
      v = v128.load32_splat(x, 12)
      d0 = addDot(d0, v, w0)
      d1 = addDot(d1, v, w1)
      w += 32
    }
    storeEight(m, a0, a1, b0, b1, c0, c1, d0, d1)
  } else scalar(x, start, w, pairs, m, 4, 2)
}

export function productMla(x: usize, start: usize, w: usize, pairs: usize, m: usize): void {
  if (SIMD) {
    let a0 = v128.load(start)
    let a1 = v128.load(start, 16)
    let b0 = a0
    let b1 = a1
    let c0 = a0
    let c1 = a1
    let d0 = a0
    let d1 = a1
    for (const end = x + pairs * 16; x < end; x += 16) {
      let w0 = v128.load(w)
      let v = v128.load16_splat(x)
      a0 = i32x4.add(a0, i32x4.extmul_low_i16x8_s(v, w0))
      a1 = i32x4.add(a1, i32x4.extmul_high_i16x8_s(v, w0))
      v = v128.load16_splat(x, 4)
      b0 = i32x4.add(b0, i32x4.extmul_low_i16x8_s(v, w0))
      b1 = i32x4.add(b1, i32x4.extmul_high_i16x8_s(v, w0))
      v = v128.load16_splat(x, 8)
      c0 = i32x4.add(c0, i32x4.extmul_low_i16x8_s(v, w0))
      c1 = i32x4.add(c1, i32x4.extmul_high_i16x8_s(v, w0))
      v = v128.load16_splat(x, 12)
      d0 = i32x4.add(d0, i32x4.extmul_low_i16x8_s(v, w0))
      d1 = i32x4.add(d1, i32x4.extmul_high_i16x8_s(v, w0))
      w0 = v128.load(w, 16)
      v = v128.load16_splat(x, 2)
      a0 = i32x4.add(a0, i32x4.extmul_low_i16x8_s(v, w0))
      a1 = i32x4.add(a1, i32x4.extmul_high_i16x8_s(v, w0))
      v = v128.load16_splat(x, 6)
      b0 = i32x4.add(b0, i32x4.extmul_low_i16x8_s(v, w0))
      b1 = i32x4.add(b1, i32x4.extmul_high_i16x8_s(v, w0))
      v = v128.load16_splat(x, 10)
      c0 = i32x4.add(c0, i32x4.extmul_low_i16x8_s(v, w0))
      c1 = i32x4.add(c1, i32x4.extmul_high_i16x8_s(v, w0))
      v = v128.load16_splat(x, 14)
      d0 = i32x4.add(d0, i32x4.extmul_low_i16x8_s(v, w0))
      d1 = i32x4.add(d1, i32x4.extmul_high_i16x8_s(v, w0))
      w += 32
    }
    storeEight(m, a0, a1, b0, b1, c0, c1, d0, d1)
  } else scalar(x, start, w, pairs, m, 2, 16)
}

/**
 * m[t][o] = start[o] + sum over quads k and n = 0 to 3 of x[k][t][n] * (w[k][o][n] - 64), of int8
 * by 7 bits: x is [quad][4][4], w is [quad][8][4] of 0..127, and `sums` holds the sum of each
 * pixel's x. No pair of products leaves int16, whichever operand the processor takes as unsigned:
 * at most 2 * 128 * 127 = 32,512.
 */
export function productRelaxed(x: usize, start: usize, w: usize, quads: usize, m: usize, sums: usize): void {
  if (SIMD) {
    if (addsQuads()) relaxedTile<bool>(x, start, w, quads, m, sums)
    else relaxedTile<i32>(x, start, w, quads, m, sums)
  } else {
    for (let t: usize = 0; t < 4; t++) {
      for (let o: usize = 0; o < 8; o++) {
        let sum = load<i32>(start + o * 4) - (load<i32>(sums + t * 4) << 6)
        for (let k: usize = 0; k < quads; k++) {
          for (let n: usize = 0; n < 4; n++) {
            sum += <i32>load<i8>(x + k * 16 + t * 4 + n) * <i32>load<i8>(w + k * 32 + o * 4 + n)
          }
        }
        store<i32>(m + t * 32 + o * 4, sum)
      }
    }
  }
}

/** Four pixels x 8 channels. T is bool where dotQuads is used, and i32 where it is not. */
// @ts-ignore: decorator
@inline
function relaxedTile<T>(x: usize, start: usize, w: usize, quads: usize, m: usize, sums: usize): void {
  const one = ones()
  const s0 = v128.load(start)
  const s1 = v128.load(start, 16)
  let v = i32x4.shl(v128.load32_splat(sums), 6)
  let a0 = i32x4.sub(s0, v)
  let a1 = i32x4.sub(s1, v)
  v = i32x4.shl(v128.load32_splat(sums, 4), 6)
  let b0 = i32x4.sub(s0, v)
  let b1 = i32x4.sub(s1, v)
  v = i32x4.shl(v128.load32_splat(sums, 8), 6)
  let c0 = i32x4.sub(s0, v)
  let c1 = i32x4.sub(s1, v)
  v = i32x4.shl(v128.load32_splat(sums, 12), 6)
  let d0 = i32x4.sub(s0, v)
  let d1 = i32x4.sub(s1, v)
  for (const end = x + quads * 16; x < end; x += 16) {
    const w0 = v128.load(w)
    const w1 = v128.load(w, 16)
    v = v128.load32_splat(x)
    a0 = quad<T>(v, w0, a0, one)
    a1 = quad<T>(v, w1, a1, one)
    v = v128.load32_splat(x, 4)
    b0 = quad<T>(v, w0, b0, one)
    b1 = quad<T>(v, w1, b1, one)
    v = v128.load32_splat(x, 8)
    c0 = quad<T>(v, w0, c0, one)
    c1 = quad<T>(v, w1, c1, one)
    v = v128.load32_splat(x, 12)
    d0 = quad<T>(v, w0, d0, one)
    d1 = quad<T>(v, w1, d1, one)
    w += 32
  }
  storeEight(m, a0, a1, b0, b1, c0, c1, d0, d1)
}

// @ts-ignore: decorator
@inline
function quad<T>(a: v128, b: v128, acc: v128, one: v128): v128 {
  return isBoolean<T>() ? dotQuads(a, b, acc) : dotQuadsByPairs(a, b, acc, one)
}

/** The sums of x that productRelaxed needs, of 4 pixels. */
export function sumQuads(x: usize, quads: usize, sums: usize): void {
  if (SIMD) {
    let sum = i32x4.splat(0)
    for (const end = x + quads * 16; x < end; x += 16) {
      sum = i32x4.add(sum, i32x4.extadd_pairwise_i16x8_s(i16x8.extadd_pairwise_i8x16_s(v128.load(x))))
    }
    v128.store(sums, sum)
  } else {
    for (let t: usize = 0; t < 4; t++) {
      let sum = 0
      for (let k: usize = 0; k < quads; k++) {
        for (let n: usize = 0; n < 4; n++) sum += load<i8>(x + k * 16 + t * 4 + n)
      }
      store<i32>(sums + t * 4, sum)
    }
  }
}

// @ts-ignore: decorator
@inline
function storeEight(m: usize, a0: v128, a1: v128, b0: v128, b1: v128, c0: v128, c1: v128, d0: v128, d1: v128): void {
  v128.store(m, a0)
  v128.store(m, a1, 16)
  v128.store(m, b0, 32)
  v128.store(m, b1, 48)
  v128.store(m, c0, 64)
  v128.store(m, c1, 80)
  v128.store(m, d0, 96)
  v128.store(m, d1, 112)
}

/**
 * The weights of neighbouring channels are `channelStep` bytes apart, those of a pair `pairStep`.
 */
// @ts-ignore: decorator
@inline
function scalar(x: usize, start: usize, w: usize, pairs: usize, m: usize, channelStep: usize, pairStep: usize): void {
  for (let t: usize = 0; t < 4; t++) {
    for (let o: usize = 0; o < 8; o++) {
      let sum = load<i32>(start + o * 4)
      let from = x + t * 4
      let weight = w + o * channelStep
      for (let k: usize = 0; k < pairs; k++) {
        sum +=
          <i32>load<i16>(from) * <i32>load<i16>(weight) + <i32>load<i16>(from, 2) * <i32>load<i16>(weight + pairStep)
        from += 16
        weight += 32
      }
      store<i32>(m + t * 32 + o * 4, sum)
    }
  }
}
