// output[y][x][c] = table[c][u8], u8 the picture resized to resizedWidth x resizedHeight and placed at (offsetX,
// offsetY) of the canvas, `pad` around it. RGBA source, rows of sourceWidth * 4 bytes, alpha ignored.
//
// The resize is OpenCV's cv::resize(INTER_LINEAR) of uint8, bit by bit (modules/imgproc/src/resize.cpp):
// scale = 1 / (resized / source) in float64; f = float((x + 0.5) * scale - 0.5); s = floor(f); f -= s in float32;
// left of the first and right of the last source column f = 0; rows are clamped instead, keeping f.
// Weights are round((1 - f) * 2048) and round(f * 2048), half to even.
//   horizontal: h = (a * w0 + b * w1) >> 4          at most 255 * 2048 / 16 = 32640: fits an int16
//   vertical:   u8 = (((h0 * v0) >> 16) + ((h1 * v1) >> 16) + 2) >> 2      products at most 2^26
// (OpenCV turns an exact halving into an average of 2 x 2; these formulas then give the same.)
//
// Scratch: resizedWidth * 40 + 64 bytes: [resizedWidth][2] int32 (byte offset of the left pixel; weights as two
// int16), then two source rows resized horizontally, [resizedWidth][4] int32. A source row is resized once, or twice
// at the borders. Reads up to 4 bytes beyond the picture (their weight is 0).

import { SIMD } from '../isa'
import { address, word } from '../word'

const ONE: f32 = 2048

export function preprocess(i: usize): void {
  const source = address(i, 1)
  let output = address(i, 2)
  const sourceWidth = word(i, 3)
  const sourceHeight = word(i, 4)
  const outputWidth = word(i, 5)
  const outputHeight = word(i, 6)
  const stride = <usize>word(i, 7)
  const resizedWidth = word(i, 10)
  const resizedHeight = word(i, 11)
  const offsetX = word(i, 12)
  const offsetY = word(i, 13)
  const columns = address(i, 15)
  const rowBytes = <usize>resizedWidth * 16
  let row0 = columns + <usize>resizedWidth * 8
  let row1 = row0 + rowBytes
  let held0 = -1
  let held1 = -1
  columnTable(columns, sourceWidth, resizedWidth)
  const scaleY: f64 = 1.0 / (<f64>resizedHeight / <f64>sourceHeight)
  const right = outputWidth - offsetX - resizedWidth
  for (let y = 0; y < outputHeight; y++) {
    const line = y - offsetY
    if (<u32>line >= <u32>resizedHeight) {
      output = fill(i, output, outputWidth)
      continue
    }
    const position = <f32>((<f64>line + 0.5) * scaleY - 0.5)
    const above = floor<f32>(position)
    const fraction = position - above
    const first = max(min(<i32>above, sourceHeight - 1), 0)
    const second = max(min(<i32>above + 1, sourceHeight - 1), 0)
    if (held0 != first) {
      const spare = row0
      row0 = row1
      row1 = spare
      const kept = held0
      held0 = held1
      held1 = kept
      if (held0 != first) {
        resizeRow(source + <usize>(first * sourceWidth) * 4, columns, row0, resizedWidth)
        held0 = first
      }
    }
    if (held1 != second) {
      resizeRow(source + <usize>(second * sourceWidth) * 4, columns, row1, resizedWidth)
      held1 = second
    }
    output = fill(i, output, offsetX)
    blendRows(i, row0, row1, weight(1 - fraction), weight(fraction), output, resizedWidth)
    output = fill(i, output + <usize>resizedWidth * stride, right)
  }
}

// @ts-ignore: decorator
@inline
function weight(fraction: f32): i32 {
  return <i32>nearest<f32>(fraction * ONE)
}

function columnTable(at: usize, sourceWidth: i32, resizedWidth: i32): void {
  const scale: f64 = 1.0 / (<f64>resizedWidth / <f64>sourceWidth)
  for (let x = 0; x < resizedWidth; x++) {
    const position = <f32>((<f64>x + 0.5) * scale - 0.5)
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

function resizeRow(source: usize, columns: usize, to: usize, resizedWidth: i32): void {
  for (const end = columns + <usize>resizedWidth * 8; columns < end; columns += 8) {
    const from = source + load<u32>(columns)
    if (SIMD) {
      const zero = i32x4.splat(0)
      const pair = v128.load64_zero(from)
      const pairs = i8x16.shuffle(pair, zero, 0, 16, 4, 16, 1, 16, 5, 16, 2, 16, 6, 16, 3, 16, 7, 16)
      v128.store(to, i32x4.shr_u(i32x4.dot_i16x8_s(pairs, v128.load32_splat(columns, 4)), 4))
    } else {
      const w0 = <i32>load<i16>(columns, 4)
      const w1 = <i32>load<i16>(columns, 6)
      for (let c: usize = 0; c < 3; c++) {
        const h = <i32>load<u8>(from + c) * w0 + <i32>load<u8>(from + c, 4) * w1
        store<i32>(to + c * 4, h >> 4)
      }
    }
    to += 16
  }
}

function blendRows(i: usize, row0: usize, row1: usize, w0: i32, w1: i32, to: usize, count: i32): void {
  const stride = <usize>word(i, 7)
  const float32 = word(i, 8) != 0
  const table = address(i, 9)
  const swap = word(i, 16) != 0
  for (const end = row0 + <usize>count * 16; row0 < end; row0 += 16) {
    let red: i32
    let green: i32
    let blue: i32
    if (SIMD) {
      const h0 = i32x4.shr_u(i32x4.dot_i16x8_s(v128.load(row0), i32x4.splat(w0)), 16)
      const h1 = i32x4.shr_u(i32x4.dot_i16x8_s(v128.load(row1), i32x4.splat(w1)), 16)
      const u = i32x4.shr_u(i32x4.add(i32x4.add(h0, h1), i32x4.splat(2)), 2)
      red = i32x4.extract_lane(u, 0)
      green = i32x4.extract_lane(u, 1)
      blue = i32x4.extract_lane(u, 2)
    } else {
      red = blend(load<i32>(row0), w0, load<i32>(row1), w1)
      green = blend(load<i32>(row0, 4), w0, load<i32>(row1, 4), w1)
      blue = blend(load<i32>(row0, 8), w0, load<i32>(row1, 8), w1)
    }
    put(to, table, float32, swap ? blue : red, green, swap ? red : blue)
    row1 += 16
    to += stride
  }
}

// @ts-ignore: decorator
@inline
function blend(h0: i32, w0: i32, h1: i32, w1: i32): i32 {
  return (((h0 * w0) >> 16) + ((h1 * w1) >> 16) + 2) >> 2
}

/** `count` pixels of padding; returns where the next pixel goes. */
function fill(i: usize, to: usize, count: i32): usize {
  const stride = <usize>word(i, 7)
  const float32 = word(i, 8) != 0
  const table = address(i, 9)
  const pad = word(i, 14)
  for (let n = 0; n < count; n++) {
    put(to, table, float32, pad, pad, pad)
    to += stride
  }
  return to
}

// @ts-ignore: decorator
@inline
function put(to: usize, table: usize, float32: bool, a: i32, b: i32, c: i32): void {
  if (float32) {
    store<f32>(to, load<f32>(table + (<usize>a << 2)))
    store<f32>(to, load<f32>(table + (<usize>b << 2), 1024), 4)
    store<f32>(to, load<f32>(table + (<usize>c << 2), 2048), 8)
  } else {
    store<u8>(to, load<u8>(table + <usize>a))
    store<u8>(to, load<u8>(table + <usize>b, 256), 1)
    store<u8>(to, load<u8>(table + <usize>c, 512), 2)
  }
}
