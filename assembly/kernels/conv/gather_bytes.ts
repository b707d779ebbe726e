// fields[p / 4][k / 2][p % 4][k % 2] = int16(input[y * strideY - padTop + ky][x * strideX - padLeft
// + kx][c])
// for k = (ky * kernelWidth + kx) * inputChannels + c, or zeroPoint outside the input: the fields
// of output pixels first .. first + pixels - 1, in the order in which conv_s8 multiplies them. An
// incomplete last four repeats its last pixel. The second half of the last pair of an odd depth is
// arbitrary, because its weight is 0. There is no arithmetic but widening.
//
// With `quads` the layout is fields[p / 4][k / 4][p % 4][k % 4] of int8, for products of four, and
// the rest of the last quad is arbitrary. Pictures have a form of their own: gather_picture.ts.
//
// Reads up to 15 bytes beyond a pixel's channels, and writes up to 64 bytes beyond the last field.

import { Filter } from '../../lib/instructions'
import { SIMD } from '../../lib/isa'
import { firstHalves, firstQuads, lastHalves, lastQuads } from '../../lib/turn'
import { gatherPicture } from './gather_picture'

/** `input` is the first channel of the group. */
export function gatherBytes(
  i: Filter,
  zeroPoint: i32,
  input: usize,
  first: i32,
  pixels: i32,
  fields: usize,
  quads: bool,
): void {
  const inputHeight = i.inputHeight
  const inputWidth = i.inputWidth
  const channels = i.inputChannels
  const stride = <usize>i.inputStride
  const outputWidth = i.outputWidth
  const kernelHeight = i.kernelHeight
  const kernelWidth = i.kernelWidth
  const strideY = i.strideY
  const strideX = i.strideX
  const padTop = i.padTop
  const padLeft = i.padLeft
  const rowStride = <usize>inputWidth * stride
  const lastTop = inputHeight - kernelHeight
  const lastLeft = inputWidth - kernelWidth
  const depth = kernelHeight * kernelWidth * channels
  const fieldBytes = <usize>(quads ? (depth + 3) >> 2 : (depth + 1) >> 1) * 16
  const outside = fields + <usize>((pixels + 3) >> 2) * fieldBytes + 48
  memory.fill(outside, <u8>zeroPoint, 16)

  const last = first + pixels - 1
  if (kernelHeight * kernelWidth * strideY * strideX == 1) {
    // Each pixel is a field of its own: an unpadded 1x1 convolution needs no coordinates.
    const end = input + <usize>last * stride
    for (let at = input + <usize>first * stride; at <= end; at += 4 * stride) {
      const b = min(at + stride, end)
      const c = min(at + 2 * stride, end)
      const d = min(at + 3 * stride, end)
      gatherTap(at, b, c, d, 8, 8, 8, 8, channels, fields, 0, quads)
      fields += fieldBytes
    }
    return
  }
  const image = kernelHeight == 3 && kernelWidth == 3 && channels == 3 && stride == 4
  let y = first / outputWidth
  let x = first % outputWidth
  for (let p = first; p <= last; p += 4) {
    // The corners of four fields, which are mostly neighbours in a row.
    const top0 = y * strideY - padTop
    const left0 = x * strideX - padLeft
    let top1 = top0
    let top2 = top0
    let top3 = top0
    let left1 = left0 + strideX
    let left2 = left1 + strideX
    let left3 = left2 + strideX
    if (x + 3 >= outputWidth || p + 3 > last) {
      const p1 = min(p + 1, last)
      const p2 = min(p + 2, last)
      const p3 = min(p + 3, last)
      top1 = (p1 / outputWidth) * strideY - padTop
      top2 = (p2 / outputWidth) * strideY - padTop
      top3 = (p3 / outputWidth) * strideY - padTop
      left1 = (p1 % outputWidth) * strideX - padLeft
      left2 = (p2 % outputWidth) * strideX - padLeft
      left3 = (p3 % outputWidth) * strideX - padLeft
    }
    const inside =
      inRange(top0, lastTop) &&
      inRange(top1, lastTop) &&
      inRange(top2, lastTop) &&
      inRange(top3, lastTop) &&
      inRange(left0, lastLeft) &&
      inRange(left1, lastLeft) &&
      inRange(left2, lastLeft) &&
      inRange(left3, lastLeft)
    let row0 = input + <usize>(top0 * inputWidth + left0) * stride
    let row1 = input + <usize>(top1 * inputWidth + left1) * stride
    let row2 = input + <usize>(top2 * inputWidth + left2) * stride
    let row3 = input + <usize>(top3 * inputWidth + left3) * stride
    let k = 0
    let rows = kernelHeight
    if (SIMD) {
      if (image && inside) {
        gatherPicture(row0, row1, row2, row3, rowStride, fields, quads)
        rows = 0
      }
    }
    for (let ky = 0; ky < rows; ky++) {
      if (inside) {
        for (let kx = 0; kx < kernelWidth; kx++) {
          const tap = <usize>kx * stride
          gatherTap(row0 + tap, row1 + tap, row2 + tap, row3 + tap, 8, 8, 8, 8, channels, fields, k, quads)
          k += channels
        }
      } else {
        const in0 = inRange(top0 + ky, inputHeight - 1)
        const in1 = inRange(top1 + ky, inputHeight - 1)
        const in2 = inRange(top2 + ky, inputHeight - 1)
        const in3 = inRange(top3 + ky, inputHeight - 1)
        for (let kx = 0; kx < kernelWidth; kx++) {
          const tap = <usize>kx * stride
          const has0 = in0 && inRange(left0 + kx, inputWidth - 1)
          const has1 = in1 && inRange(left1 + kx, inputWidth - 1)
          const has2 = in2 && inRange(left2 + kx, inputWidth - 1)
          const has3 = in3 && inRange(left3 + kx, inputWidth - 1)
          gatherTap(
            has0 ? row0 + tap : outside,
            has1 ? row1 + tap : outside,
            has2 ? row2 + tap : outside,
            has3 ? row3 + tap : outside,
            has0 ? 8 : 0,
            has1 ? 8 : 0,
            has2 ? 8 : 0,
            has3 ? 8 : 0,
            channels,
            fields,
            k,
            quads,
          )
          k += channels
        }
      }
      row0 += rowStride
      row1 += rowStride
      row2 += rowStride
      row3 += rowStride
    }
    fields += fieldBytes
    x += 4
    while (x >= outputWidth) {
      x -= outputWidth
      y++
    }
  }
}

/** 0 <= value <= last. */
// @ts-ignore: decorator
@inline
function inRange(value: i32, last: i32): bool {
  return value >= 0 && value <= last
}

/**
 * One tap of four fields: the channels at a, b, c and d go to position k of the fields and on.
 * `stepA` is the distance to the next 8 channels: 8, or 0 where the tap lies outside the input and
 * a points to zero points.
 */
// @ts-ignore: decorator
@inline
function gatherTap(
  a: usize,
  b: usize,
  c: usize,
  d: usize,
  stepA: usize,
  stepB: usize,
  stepC: usize,
  stepD: usize,
  channels: i32,
  fields: usize,
  k: i32,
  quads: bool,
): void {
  if (quads) {
    gatherQuads(a, b, c, d, stepA, stepB, stepC, stepD, channels, fields, k)
    return
  }
  let to = fields + <usize>(k >> 1) * 16
  if (k & 1) {
    // With an odd number of channels a tap may begin in the second half of a pair.
    store<i16>(to, load<i8>(a), 2)
    store<i16>(to, load<i8>(b), 6)
    store<i16>(to, load<i8>(c), 10)
    store<i16>(to, load<i8>(d), 14)
    to += 16
    a += stepA >> 3
    b += stepB >> 3
    c += stepC >> 3
    d += stepD >> 3
    channels--
  }
  for (; channels > 0; channels -= 8) {
    if (SIMD) {
      const va = v128.load8x8_s(a)
      const vb = v128.load8x8_s(b)
      const vc = v128.load8x8_s(c)
      const vd = v128.load8x8_s(d)
      const abLow = firstQuads(va, vb)
      const cdLow = firstQuads(vc, vd)
      const abHigh = lastQuads(va, vb)
      const cdHigh = lastQuads(vc, vd)
      v128.store(to, firstHalves(abLow, cdLow))
      v128.store(to, lastHalves(abLow, cdLow), 16)
      v128.store(to, firstHalves(abHigh, cdHigh), 32)
      v128.store(to, lastHalves(abHigh, cdHigh), 48)
    } else {
      for (let n: usize = 0; n < <usize>min(channels, 8); n++) {
        const at = to + (n >> 1) * 16 + (n & 1) * 2
        store<i16>(at, load<i8>(a + n))
        store<i16>(at, load<i8>(b + n), 4)
        store<i16>(at, load<i8>(c + n), 8)
        store<i16>(at, load<i8>(d + n), 12)
      }
    }
    to += 64
    a += stepA
    b += stepB
    c += stepC
    d += stepD
  }
}

/** As gatherTap, but to quads of int8. */
function gatherQuads(
  a: usize,
  b: usize,
  c: usize,
  d: usize,
  stepA: usize,
  stepB: usize,
  stepC: usize,
  stepD: usize,
  channels: i32,
  fields: usize,
  k: i32,
): void {
  let to = fields + <usize>(k >> 2) * 16
  // Goes channel by channel to the next whole quad, or to the end where there are no vectors.
  for (; channels > 0 && (!SIMD || k & 3); channels--) {
    const at = to + <usize>(k & 3)
    store<i8>(at, load<i8>(a))
    store<i8>(at, load<i8>(b), 4)
    store<i8>(at, load<i8>(c), 8)
    store<i8>(at, load<i8>(d), 12)
    a += stepA >> 3
    b += stepB >> 3
    c += stepC >> 3
    d += stepD >> 3
    k++
    if ((k & 3) == 0) to += 16
  }
  if (SIMD) {
    for (; channels > 0; channels -= 16) {
      const va = v128.load(a)
      const vb = v128.load(b)
      const vc = v128.load(c)
      const vd = v128.load(d)
      const abLow = firstQuads(va, vb)
      const cdLow = firstQuads(vc, vd)
      const abHigh = lastQuads(va, vb)
      const cdHigh = lastQuads(vc, vd)
      v128.store(to, firstHalves(abLow, cdLow))
      v128.store(to, lastHalves(abLow, cdLow), 16)
      v128.store(to, firstHalves(abHigh, cdHigh), 32)
      v128.store(to, lastHalves(abHigh, cdHigh), 48)
      to += 64
      a += 2 * stepA
      b += 2 * stepB
      c += 2 * stepC
      d += 2 * stepD
    }
  }
}
