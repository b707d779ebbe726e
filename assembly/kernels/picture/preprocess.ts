// output[y][x][c] = table[c][u8], where u8 is the picture resized to resizedWidth x resizedHeight
// and placed at (offsetX, offsetY) of the canvas, with `pad` around it. The source is RGBA with
// rows of sourceWidth * 4 bytes; alpha is ignored.
//
// The resize is OpenCV's cv::resize(INTER_LINEAR) of uint8, bit by bit
// (modules/imgproc/src/resize.cpp): scale = 1 / (resized / source) in float64; f = float((x + 0.5)
// * scale - 0.5); s = floor(f); f -= s in float32. Left of the first and right of the last source
// column f = 0; rows are clamped instead and keep f. Weights are round((1 - f) * 2048) and round(f
// * 2048), half to even.
//   horizontal: h = (a * w0 + b * w1) >> 4, at most 255 * 2048 / 16 = 32640, which fits int16
//   vertical: u8 = (((h0 * v0) >> 16) + ((h1 * v1) >> 16) + 2) >> 2, products at most 2^26
// (OpenCV makes an average of 2 x 2 of an exact halving; these formulas then give the same.)
//
// Both passes of a pixel are done at once: nearly every picture is larger than the network's input,
// so hardly a source row would serve twice, and an output row needs no other.
//
// Scratch: roundUp(resizedWidth, 4) * 8 + 64 bytes. Each column has the byte offset of its left
// pixel and its two weights as int16, and the last column is repeated to a multiple of 4. Then come
// 16 bytes for a group of four pixels on its way through the tables. Reads up to 4 bytes beyond the
// picture, whose weight is 0.

import { CHECKED, checkScratch, checkView } from '../../lib/checks'
import { OutputType, Preprocess, requireOutputType } from '../../lib/instructions'
import { SIMD } from '../../lib/isa'
import { scratchOf, start } from '../../threads/split'

const ONE: f32 = 2048

/**
 * How bytes become what is stored: by tables of int8 or float32, or by tables of int8 that only add
 * a number.
 */
const LOOKUP_S8 = 0
const LOOKUP_F32 = 1
const ADD_S8 = 2

export function preprocess(i: Preprocess, thread: i32, threads: i32): void {
  if (CHECKED) {
    checkView(i.output, i.outputStride, i.outputType == OutputType.float32 ? 12 : 3, 1)
    checkScratch(i.scratch, 1)
    assert(i.source != 0 && min(i.sourceWidth, i.sourceHeight) > 0, 'there is no picture')
    assert(i.offsetX >= 0 && i.offsetX + i.resizedWidth <= i.outputWidth, 'the picture is too wide')
    assert(i.offsetY >= 0 && i.offsetY + i.resizedHeight <= i.outputHeight, 'the picture is too high')
  }
  requireOutputType(i.outputType)
  const source = i.source
  const sourceWidth = i.sourceWidth
  const sourceHeight = i.sourceHeight
  const outputWidth = i.outputWidth
  const outputHeight = i.outputHeight
  const stride = <usize>i.outputStride
  const resizedWidth = i.resizedWidth
  const resizedHeight = i.resizedHeight
  const offsetX = i.offsetX
  const offsetY = i.offsetY
  const firstLine = start(outputHeight, thread, threads)
  const endLine = start(outputHeight, thread + 1, threads)
  const columns = scratchOf(i, i.scratch)
  const kind = i.outputType == OutputType.float32 ? LOOKUP_F32 : SIMD && onlyAdds(i.table) ? ADD_S8 : LOOKUP_S8
  columnTable(columns, sourceWidth, resizedWidth)
  const scaleY: f64 = 1.0 / (<f64>resizedHeight / <f64>sourceHeight)
  const right = outputWidth - offsetX - resizedWidth
  let to = i.output + <usize>(firstLine * outputWidth) * stride
  for (let y = firstLine; y < endLine; y++) {
    const line = y - offsetY
    if (<u32>line >= <u32>resizedHeight) {
      to = fill(i, kind, to, outputWidth)
      continue
    }
    const position = <f32>((<f64>line + 0.5) * scaleY - 0.5)
    const above = floor<f32>(position)
    const fraction = position - above
    const first = max(min(<i32>above, sourceHeight - 1), 0)
    const second = max(min(<i32>above + 1, sourceHeight - 1), 0)
    const row0 = source + <usize>(first * sourceWidth) * 4
    const row1 = source + <usize>(second * sourceWidth) * 4
    to = fill(i, kind, to, offsetX)
    resizeRow(i, kind, columns, row0, row1, weight(1 - fraction), weight(fraction), to)
    to = fill(i, kind, to + <usize>resizedWidth * stride, right)
  }
}

// @ts-ignore: decorator
@inline
function weight(fraction: f32): i32 {
  return <i32>nearest<f32>(fraction * ONE)
}

/** Whether each of the three int8 tables is a byte plus its own first entry, modulo 256. */
function onlyAdds(tables: usize): bool {
  for (let c: usize = 0; c < 3; c++) {
    const first = load<u8>(tables)
    for (let u: u32 = 1; u < 256; u++) if (load<u8>(tables + u) != <u8>(first + u)) return false
    tables += 256
  }
  return true
}

function columnTable(at: usize, sourceWidth: i32, resizedWidth: i32): void {
  const scale: f64 = 1.0 / (<f64>resizedWidth / <f64>sourceWidth)
  for (let x = 0; x < ((resizedWidth + 3) & ~3); x++) {
    const position = <f32>((<f64>min(x, resizedWidth - 1) + 0.5) * scale - 0.5)
    const left = floor<f32>(position)
    let fraction = position - left
    let column = <i32>left
    if (column < 0 || column >= sourceWidth - 1) {
      fraction = 0
      column = column < 0 ? 0 : sourceWidth - 1
    }
    store<i32>(at, column * 4)
    store<i32>(at, weight(1 - fraction) | (weight(fraction) << 16), 4)
    at += 8
  }
}

function resizeRow(
  i: Preprocess,
  kind: i32,
  column: usize,
  row0: usize,
  row1: usize,
  v0: i32,
  v1: i32,
  to: usize,
): void {
  const stride = <usize>i.outputStride
  const count = i.resizedWidth
  const table = i.table
  const swap = i.swapRedBlue != 0
  if (SIMD) {
    const group = column + <usize>((count + 3) & ~3) * 8
    const below = i32x4.splat(v0)
    const above = i32x4.splat(v1)
    const added = offsets(table)
    for (let left = count; left > 0; left -= 4) {
      const a = pixel(row0, row1, column, below, above)
      const b = pixel(row0, row1, column + 8, below, above)
      const c = pixel(row0, row1, column + 16, below, above)
      const d = pixel(row0, row1, column + 24, below, above)
      let rgba = i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d))
      if (swap) rgba = i8x16.shuffle(rgba, rgba, 2, 1, 0, 3, 6, 5, 4, 7, 10, 9, 8, 11, 14, 13, 12, 15)
      if (kind == ADD_S8) {
        storePixels(to, i8x16.add(rgba, added), stride, left)
      } else {
        v128.store(group, rgba)
        const pixels = min(left, 4)
        for (let n = 0; n < pixels; n++) {
          const at = group + ((<usize>n) << 2)
          put(to + <usize>n * stride, table, kind == LOOKUP_F32, load<u8>(at), load<u8>(at, 1), load<u8>(at, 2))
        }
      }
      column += 32
      to += stride * 4
    }
  } else {
    const red: usize = swap ? 2 : 0
    for (let n = 0; n < count; n++) {
      const from0 = row0 + load<u32>(column)
      const from1 = row1 + load<u32>(column)
      const w0 = <i32>load<i16>(column, 4)
      const w1 = <i32>load<i16>(column, 6)
      const first = blend(from0 + red, from1 + red, w0, w1, v0, v1)
      const green = blend(from0 + 1, from1 + 1, w0, w1, v0, v1)
      const last = blend(from0 + (2 - red), from1 + (2 - red), w0, w1, v0, v1)
      put(to, table, kind == LOOKUP_F32, first, green, last)
      column += 8
      to += stride
    }
  }
}

/** The four channels of one resized pixel, as int32. */
// @ts-ignore: decorator
@inline
function pixel(row0: usize, row1: usize, column: usize, v0: v128, v1: v128): v128 {
  const left = load<u32>(column)
  const weights = v128.load32_splat(column, 4)
  const h0 = i32x4.shr_u(i32x4.dot_i16x8_s(pairs(row0 + left), weights), 4)
  const h1 = i32x4.shr_u(i32x4.dot_i16x8_s(pairs(row1 + left), weights), 4)
  const u0 = i32x4.shr_u(i32x4.dot_i16x8_s(h0, v0), 16)
  const u1 = i32x4.shr_u(i32x4.dot_i16x8_s(h1, v1), 16)
  return i32x4.shr_u(i32x4.add(i32x4.add(u0, u1), i32x4.splat(2)), 2)
}

/** A pixel and its right neighbour, channel by channel, as int16. */
// @ts-ignore: decorator
@inline
function pairs(from: usize): v128 {
  const both = v128.load64_zero(from)
  return i8x16.swizzle(both, i8x16(0, -1, 4, -1, 1, -1, 5, -1, 2, -1, 6, -1, 3, -1, 7, -1))
}

/** What the three tables add to a byte, for four pixels. */
// @ts-ignore: decorator
@inline
function offsets(table: usize): v128 {
  return i32x4.splat(<i32>load<u8>(table) | ((<i32>load<u8>(table, 256)) << 8) | ((<i32>load<u8>(table, 512)) << 16))
}

/**
 * Stores the first `count`, four at most, of four pixels of int8, without the fourth byte of each.
 */
// @ts-ignore: decorator
@inline
function storePixels(to: usize, rgba: v128, stride: usize, count: i32): void {
  if (stride == 4 && count >= 4) {
    // One store for all: the bytes between the pixels are written as they were.
    v128.store(to, v128.bitselect(rgba, v128.load(to), i32x4.splat(0xffffff)))
    return
  }
  storePixel(to, i32x4.extract_lane(rgba, 0))
  if (count > 1) storePixel(to + stride, i32x4.extract_lane(rgba, 1))
  if (count > 2) storePixel(to + stride * 2, i32x4.extract_lane(rgba, 2))
  if (count > 3) storePixel(to + stride * 3, i32x4.extract_lane(rgba, 3))
}

// @ts-ignore: decorator
@inline
function storePixel(to: usize, rgb: i32): void {
  store<u16>(to, rgb)
  store<u8>(to, rgb >> 16, 2)
}

// @ts-ignore: decorator
@inline
function blend(from0: usize, from1: usize, w0: i32, w1: i32, v0: i32, v1: i32): i32 {
  const h0 = (<i32>load<u8>(from0) * w0 + <i32>load<u8>(from0, 4) * w1) >> 4
  const h1 = (<i32>load<u8>(from1) * w0 + <i32>load<u8>(from1, 4) * w1) >> 4
  return (((h0 * v0) >> 16) + ((h1 * v1) >> 16) + 2) >> 2
}

/** Writes `count` pixels of padding. Returns where the next pixel goes. */
function fill(i: Preprocess, kind: i32, to: usize, count: i32): usize {
  const stride = <usize>i.outputStride
  const table = i.table
  const pad = i.pad
  if (SIMD && kind == ADD_S8) {
    const rgba = i8x16.add(offsets(table), i8x16.splat(<i8>pad))
    for (let left = count; left > 0; left -= 4) {
      storePixels(to, rgba, stride, left)
      to += stride * <usize>min(left, 4)
    }
    return to
  }
  for (let n = 0; n < count; n++) {
    put(to, table, kind == LOOKUP_F32, pad, pad, pad)
    to += stride
  }
  return to
}

// @ts-ignore: decorator
@inline
function put(to: usize, table: usize, float32: bool, a: i32, b: i32, c: i32): void {
  if (float32) {
    store<f32>(to, load<f32>(table + ((<usize>a) << 2)))
    store<f32>(to, load<f32>(table + ((<usize>b) << 2), 1024), 4)
    store<f32>(to, load<f32>(table + ((<usize>c) << 2), 2048), 8)
  } else {
    store<u8>(to, load<u8>(table + <usize>a))
    store<u8>(to, load<u8>(table + <usize>b, 256), 1)
    store<u8>(to, load<u8>(table + <usize>c, 512), 2)
  }
}
