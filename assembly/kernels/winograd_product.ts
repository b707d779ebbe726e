// m[t][o] = start[o] + sum over pairs k of x[k][t][0] * w[k][o][0] + x[k][t][1] * w[k][o][1], for 4 tiles t and 8 channels
// o, int16 to int32 modulo 2^32. x is [pair][4][2]; w begins with the 8 int32 of `start`, then [pair][8][2] (dot) or
// [pair][2][8] (multiply-add); m is [4][8].
//
// Two forms for two kinds of machine: a dot product of pairs is one instruction on x86 and four on ARM, where
// adding a widening multiplication is one. The dot form is not unrolled: with more loads in the body V8 spills on x86.

import { SIMD } from '../isa'

export function product_dot(x: usize, w: usize, pairs: usize, m: usize): void {
  if (SIMD) {
    let a0 = v128.load(w)
    let a1 = v128.load(w, 16)
    let b0 = a0
    let b1 = a1
    let c0 = a0
    let c1 = a1
    let d0 = a0
    let d1 = a1
    w += 32
    for (const end = x + pairs * 16; x < end; x += 16) {
      const w0 = v128.load(w)
      const w1 = v128.load(w, 16)
      let v = v128.load32_splat(x)
      a0 = i32x4.add(a0, i32x4.dot_i16x8_s(v, w0))
      a1 = i32x4.add(a1, i32x4.dot_i16x8_s(v, w1))
      v = v128.load32_splat(x, 4)
      b0 = i32x4.add(b0, i32x4.dot_i16x8_s(v, w0))
      b1 = i32x4.add(b1, i32x4.dot_i16x8_s(v, w1))
      v = v128.load32_splat(x, 8)
      c0 = i32x4.add(c0, i32x4.dot_i16x8_s(v, w0))
      c1 = i32x4.add(c1, i32x4.dot_i16x8_s(v, w1))
      v = v128.load32_splat(x, 12)
      d0 = i32x4.add(d0, i32x4.dot_i16x8_s(v, w0))
      d1 = i32x4.add(d1, i32x4.dot_i16x8_s(v, w1))
      w += 32
    }
    storeEight(m, a0, a1, b0, b1, c0, c1, d0, d1)
  } else scalar(x, w, pairs, m, 4, 2)
}

export function product_mla(x: usize, w: usize, pairs: usize, m: usize): void {
  if (SIMD) {
    let a0 = v128.load(w)
    let a1 = v128.load(w, 16)
    let b0 = a0
    let b1 = a1
    let c0 = a0
    let c1 = a1
    let d0 = a0
    let d1 = a1
    w += 32
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
  } else scalar(x, w, pairs, m, 2, 16)
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

/** Weights of neighbouring channels are `channelStep` bytes apart, those of a pair `pairStep`. */
// @ts-ignore: decorator
@inline
function scalar(x: usize, w: usize, pairs: usize, m: usize, channelStep: usize, pairStep: usize): void {
  for (let t: usize = 0; t < 4; t++) {
    for (let o: usize = 0; o < 8; o++) {
      let sum = load<i32>(w + o * 4)
      let from = x + t * 4
      let weight = w + 32 + o * channelStep
      for (let k: usize = 0; k < pairs; k++) {
        sum += <i32>load<i16>(from) * <i32>load<i16>(weight) + <i32>load<i16>(from, 2) * <i32>load<i16>(weight + pairStep)
        from += 16
        weight += 32
      }
      store<i32>(m + t * 32 + o * 4, sum)
    }
  }
}
