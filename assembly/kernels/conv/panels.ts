// A panel of conv_s8, 8 output channels, for all pixels of a block, from the fields of
// gather_bytes.ts: the products, then float(acc) * multiplier, activation, clamp and rounding.
// conv_s8.ts has the layouts and ranges.

import { Conv, ConvProduct, OutputType, TILE_BYTES } from '../../lib/instructions'
import { SIMD } from '../../lib/isa'
import { productMla, productRelaxed, sumQuads } from '../../lib/products'
import { requantized, storeSum, storeSums } from '../../lib/requantize'
import { addDot, narrow, roundingOffset } from '../../lib/vector'
import { placeOf } from './places'

/** The sum of each pixel's field, which products of four need. */
export function sumFields(fields: usize, quads: usize, pixels: i32, to: usize): void {
  for (; pixels > 0; pixels -= 4) {
    sumQuads(fields, quads, to)
    fields += quads * 16
    to += 16
  }
}

/**
 * `pixels` pixels x one panel, of which `channels` channels are stored. A tile of sums passes
 * through memory at `sums`.
 */
export function panelOf(
  i: Conv,
  product: i32,
  fields: usize,
  weights: usize,
  bias: usize,
  multipliers: usize,
  steps: usize,
  to: usize,
  pixels: i32,
  channels: i32,
  sums: usize,
): void {
  const stride = <usize>i.outputStride
  const zero = i.outputZeroPoint
  const slope = i.slope
  const low = <f32>(i.low - zero)
  const high = <f32>(i.high - zero)
  const type = i.outputType
  const wholeBytes = type == OutputType.int8 && channels == 8
  let fieldSums = sums + TILE_BYTES
  for (; pixels > 0; pixels -= 4) {
    if (product == ConvProduct.mla) productMla(fields, bias, weights, steps, sums)
    else productRelaxed(fields, bias, weights, steps, sums, fieldSums)
    if (SIMD) {
      if (pixels > 3 && wholeBytes) {
        const s = f32x4.splat(slope)
        const l = f32x4.splat(low)
        const h = f32x4.splat(high)
        const offset = roundingOffset(zero)
        for (let p: usize = 0; p < 4; p += 2) {
          const m = sums + p * 32
          const a0 = v128.load(m)
          const a1 = v128.load(m, 16)
          const b0 = v128.load(m, 32)
          const b1 = v128.load(m, 48)
          storeTwo(to + p * stride, to + (p + 1) * stride, a0, a1, b0, b1, multipliers, s, l, h, offset)
        }
      } else {
        for (let p = 0; p < min(4, pixels); p++) {
          const m = sums + <usize>p * 32
          storeFew(i, to + <usize>p * stride, v128.load(m), v128.load(m, 16), multipliers, channels)
        }
      }
    } else {
      for (let p = 0; p < min(4, pixels); p++) {
        const m = sums + <usize>p * 32
        for (let o: usize = 0; o < <usize>channels; o++) {
          const multiplier = load<f32>(multipliers + o * 4)
          storeSum(to + <usize>p * stride, o, load<i32>(m + o * 4), multiplier, slope, low, high, zero, type)
        }
      }
    }
    to += 4 * stride
    fields += steps * 16
    fieldSums += 16
  }
}

/** Two pixels of a whole panel of int8, which share a narrowing. */
// @ts-ignore: decorator
@inline
function storeTwo(
  first: usize,
  second: usize,
  a0: v128,
  a1: v128,
  b0: v128,
  b1: v128,
  multipliers: usize,
  slope: v128,
  low: v128,
  high: v128,
  offset: v128,
): void {
  const m0 = v128.load(multipliers)
  const m1 = v128.load(multipliers, 16)
  const ab = narrow(
    requantized(a0, m0, slope, low, high, offset),
    requantized(a1, m1, slope, low, high, offset),
    requantized(b0, m0, slope, low, high, offset),
    requantized(b1, m1, slope, low, high, offset),
  )
  v128.store64_lane(first, ab, 0)
  v128.store64_lane(second, ab, 1)
}

/**
 * A pixel of a panel that is not whole, or of float32. It is a function of its own because what the
 * runtime compiles before the first picture is fast should be short.
 */
function storeFew(i: Conv, to: usize, acc0: v128, acc1: v128, multipliers: usize, channels: i32): void {
  const zero = i.outputZeroPoint
  const slope = f32x4.splat(i.slope)
  const low = f32x4.splat(<f32>(i.low - zero))
  const high = f32x4.splat(<f32>(i.high - zero))
  storeSums(to, acc0, acc1, multipliers, slope, low, high, roundingOffset(zero), i.outputType, channels)
}

/**
 * `pixels` pixels, side by side from `to` on, x one panel, of which `channels` channels are stored.
 */
export function panel(
  i: Conv,
  fields: usize,
  weights: usize,
  bias: usize,
  multipliers: usize,
  pairs: usize,
  to: usize,
  pixels: i32,
  channels: i32,
): void {
  dotPanel<bool>(i, fields, weights, bias, multipliers, pairs, to, 0, pixels, channels)
}

/**
 * The same for pixels of a transposed convolution's phase: `places` holds their places, in bytes
 * from `to` on.
 */
export function scatteredPanel(
  i: Conv,
  fields: usize,
  weights: usize,
  bias: usize,
  multipliers: usize,
  pairs: usize,
  to: usize,
  places: usize,
  pixels: i32,
  channels: i32,
): void {
  dotPanel<u32>(i, fields, weights, bias, multipliers, pairs, to, places, pixels, channels)
}

// @ts-ignore: decorator
@inline
function dotPanel<T>(
  i: Conv,
  fields: usize,
  weights: usize,
  bias: usize,
  multipliers: usize,
  pairs: usize,
  to: usize,
  places: usize,
  pixels: i32,
  channels: i32,
): void {
  const stride = <usize>i.outputStride
  const zero = i.outputZeroPoint
  const slope = i.slope
  const low = <f32>(i.low - zero)
  const high = <f32>(i.high - zero)
  const type = i.outputType
  if (SIMD) {
    const s = f32x4.splat(slope)
    const l = f32x4.splat(low)
    const h = f32x4.splat(high)
    const offset = roundingOffset(zero)
    const wholeBytes = type == OutputType.int8 && channels == 8
    for (const rest = isBoolean<T>() ? 0 : 1; pixels > rest; pixels -= 4) {
      let a0 = v128.load(bias)
      let a1 = v128.load(bias, 16)
      let b0 = a0
      let b1 = a1
      let c0 = a0
      let c1 = a1
      let d0 = a0
      let d1 = a1
      let w = weights
      for (const end = fields + pairs * 16; fields < end; fields += 16) {
        const w0 = v128.load(w)
        const w1 = v128.load(w, 16)
        let x = v128.load32_splat(fields)
        a0 = addDot(a0, x, w0)
        a1 = addDot(a1, x, w1)
        x = v128.load32_splat(fields, 4)
        b0 = addDot(b0, x, w0)
        b1 = addDot(b1, x, w1)
        x = v128.load32_splat(fields, 8)
        c0 = addDot(c0, x, w0)
        c1 = addDot(c1, x, w1)
        x = v128.load32_splat(fields, 12)
        d0 = addDot(d0, x, w0)
        d1 = addDot(d1, x, w1)
        w += 32
      }
      const a = placeOf<T>(to, places, stride, 0)
      const b = placeOf<T>(to, places, stride, 1)
      const c = placeOf<T>(to, places, stride, 2)
      const d = placeOf<T>(to, places, stride, 3)
      if (pixels > 3 && wholeBytes) {
        // Nearly every tile is whole.
        storeTwo(a, b, a0, a1, b0, b1, multipliers, s, l, h, offset)
        storeTwo(c, d, c0, c1, d0, d1, multipliers, s, l, h, offset)
      } else {
        storeFew(i, a, a0, a1, multipliers, channels)
        if (pixels > 1) storeFew(i, b, b0, b1, multipliers, channels)
        if (pixels > 2) storeFew(i, c, c0, c1, multipliers, channels)
        if (pixels > 3) storeFew(i, d, d0, d1, multipliers, channels)
      }
      if (isBoolean<T>()) to += 4 * stride
      else places += 16
    }
    if (!isBoolean<T>() && pixels == 1) {
      // A latent's phases have one pixel each, and no use for three more.
      let a0 = v128.load(bias)
      let a1 = v128.load(bias, 16)
      for (const end = fields + pairs * 16; fields < end; fields += 16) {
        const x = v128.load32_splat(fields)
        a0 = addDot(a0, x, v128.load(weights))
        a1 = addDot(a1, x, v128.load(weights, 16))
        weights += 32
      }
      storeFew(i, placeOf<T>(to, places, stride, 0), a0, a1, multipliers, channels)
    }
  } else {
    for (let p = 0; p < pixels; p++) {
      const field = fields + <usize>(p >> 2) * pairs * 16 + <usize>(p & 3) * 4
      const at = placeOf<T>(to, places, stride, <usize>p)
      for (let o: usize = 0; o < <usize>channels; o++) {
        let acc = load<i32>(bias + o * 4)
        let x = field
        let w = weights + o * 4
        for (let k: usize = 0; k < pairs; k++) {
          acc += <i32>load<i16>(x) * <i32>load<i16>(w) + <i32>load<i16>(x, 2) * <i32>load<i16>(w, 2)
          x += 16
          w += 32
        }
        storeSum(at, o, acc, load<f32>(multipliers + o * 4), slope, low, high, zero, type)
      }
    }
  }
}
