// 4 pixels x 8 channels of a float32 convolution, from the fields of gather_floats.ts. conv_f32.ts
// has the layouts and says why every build gives the same bytes.

import { ConvF32 } from '../../lib/instructions'
import { SIMD } from '../../lib/isa'
import { activate, activateV, storeFirst } from '../../lib/vector'
import { placeOf } from './places'

/** Stores `rows` pixels of `bytes` bytes side by side from `to` on. */
export function multiplyTile(
  i: ConvF32,
  weights: usize,
  fields: usize,
  depth: i32,
  bias: usize,
  to: usize,
  rows: i32,
  bytes: usize,
): void {
  tile<bool>(i, weights, fields, depth, bias, to, 0, rows, bytes)
}

/** The same where `places` holds the place of each pixel, in bytes from `to` on. */
export function multiplyScattered(
  i: ConvF32,
  weights: usize,
  fields: usize,
  depth: i32,
  bias: usize,
  to: usize,
  places: usize,
  rows: i32,
  bytes: usize,
): void {
  tile<u32>(i, weights, fields, depth, bias, to, places, rows, bytes)
}

// @ts-ignore: decorator
@inline
function tile<T>(
  i: ConvF32,
  weights: usize,
  fields: usize,
  depth: i32,
  bias: usize,
  to: usize,
  places: usize,
  rows: i32,
  bytes: usize,
): void {
  const stride = <usize>i.outputStride
  const slope = i.slope
  const low = i.low
  const high = i.high
  if (SIMD) {
    let a0 = v128.load(bias)
    let a1 = v128.load(bias, 16)
    let b0 = a0
    let b1 = a1
    let c0 = a0
    let c1 = a1
    let d0 = a0
    let d1 = a1
    for (const end = fields + <usize>depth * 16; fields < end; fields += 16) {
      const w0 = v128.load(weights)
      const w1 = v128.load(weights, 16)
      let x = v128.load32_splat(fields)
      a0 = f32x4.add(a0, f32x4.mul(x, w0))
      a1 = f32x4.add(a1, f32x4.mul(x, w1))
      x = v128.load32_splat(fields, 4)
      b0 = f32x4.add(b0, f32x4.mul(x, w0))
      b1 = f32x4.add(b1, f32x4.mul(x, w1))
      x = v128.load32_splat(fields, 8)
      c0 = f32x4.add(c0, f32x4.mul(x, w0))
      c1 = f32x4.add(c1, f32x4.mul(x, w1))
      x = v128.load32_splat(fields, 12)
      d0 = f32x4.add(d0, f32x4.mul(x, w0))
      d1 = f32x4.add(d1, f32x4.mul(x, w1))
      weights += 32
    }
    const s = f32x4.splat(slope)
    const l = f32x4.splat(low)
    const h = f32x4.splat(high)
    storeRow(placeOf<T>(to, places, stride, 0), activateV(a0, s, l, h), activateV(a1, s, l, h), bytes)
    if (rows > 1) storeRow(placeOf<T>(to, places, stride, 1), activateV(b0, s, l, h), activateV(b1, s, l, h), bytes)
    if (rows > 2) storeRow(placeOf<T>(to, places, stride, 2), activateV(c0, s, l, h), activateV(c1, s, l, h), bytes)
    if (rows > 3) storeRow(placeOf<T>(to, places, stride, 3), activateV(d0, s, l, h), activateV(d1, s, l, h), bytes)
  } else {
    for (let p = 0; p < rows; p++) {
      const at = placeOf<T>(to, places, stride, <usize>p)
      for (let b: usize = 0; b < bytes; b += 4) {
        let acc = load<f32>(bias + b)
        let x = fields
        let weight = weights + b
        for (let d = 0; d < depth; d++) {
          acc += load<f32>(x) * load<f32>(weight)
          x += 16
          weight += 32
        }
        store<f32>(at + b, activate(acc, slope, low, high))
      }
      fields += 4
    }
  }
}

// @ts-ignore: decorator
@inline
function storeRow(at: usize, low: v128, high: v128, bytes: usize): void {
  storeFirst(at, low, bytes)
  if (bytes > 16) storeFirst(at + 16, high, bytes - 16)
}
