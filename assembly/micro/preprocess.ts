// The preprocessing of assembly/kernels/picture/preprocess.ts, with the same bytes, for the frames
// of a microcontroller's camera. Each format has an export of its own, so that firmware holds only
// the one that it uses. A frame's pixels are what they would be as RGBA:
//   rgba, rgb   bytes R, G, B; alpha is ignored
//   grey        one byte, which is R, G and B
//   rgb565      a little-endian word, red in its highest bits; 5 bits b become b << 3 | b >> 2, and
//               6 bits become b << 2 | b >> 4
//   yuv422      bytes Y0 U Y1 V for two pixels, full range, BT.601 (the colours of JPEG), with
//               u = U - 128 and v = V - 128, clamped to 0..255:
//               R = Y + (91881 v + 2^15 >> 16)
//               G = Y - (22554 u + 46802 v + 2^15 >> 16)
//               B = Y + (116130 u + 2^15 >> 16)
// Rows follow each other without a gap, and yuv422 has an even width. Nothing beyond the frame is
// read. Scratch: resizedWidth * 8 bytes: the left column and its two weights of each output column.

import { OutputType, Preprocess, requireOutputType } from '../lib/instructions'

const RGBA = 0
const RGB = 1
const GREY = 2
const RGB565 = 3
const YUV422 = 4

export function preprocess_rgba(i: Preprocess): void {
  preprocess(i, RGBA)
}

export function preprocess_rgb(i: Preprocess): void {
  preprocess(i, RGB)
}

export function preprocess_grey(i: Preprocess): void {
  preprocess(i, GREY)
}

export function preprocess_rgb565(i: Preprocess): void {
  preprocess(i, RGB565)
}

export function preprocess_yuv422(i: Preprocess): void {
  preprocess(i, YUV422)
}

// @ts-ignore: decorator
@inline
function preprocess(i: Preprocess, format: i32): void {
  requireOutputType(i.outputType)
  const outputWidth = i.outputWidth
  const resizedWidth = i.resizedWidth
  const resizedHeight = i.resizedHeight
  const sourceWidth = i.sourceWidth
  const sourceHeight = i.sourceHeight
  const stride = <usize>i.outputStride
  const rowBytes = <usize>(sourceWidth * bytesOf(format))
  columnTable(i.scratch, sourceWidth, resizedWidth)
  const scaleY: f64 = 1.0 / (<f64>resizedHeight / <f64>sourceHeight)
  let to = i.output
  for (let y = 0; y < i.outputHeight; y++) {
    const line = y - i.offsetY
    if (<u32>line >= <u32>resizedHeight) {
      to = fill(i, to, outputWidth)
      continue
    }
    const position = <f32>((<f64>line + 0.5) * scaleY - 0.5)
    const above = floor<f32>(position)
    const fraction = position - above
    const first = max(min(<i32>above, sourceHeight - 1), 0)
    const second = max(min(<i32>above + 1, sourceHeight - 1), 0)
    const row0 = i.source + <usize>first * rowBytes
    const row1 = i.source + <usize>second * rowBytes
    const v0 = weight(1 - fraction)
    const v1 = weight(fraction)
    to = fill(i, to, i.offsetX)
    let column = i.scratch
    for (let n = 0; n < resizedWidth; n++) {
      const left = load<i32>(column)
      const w0 = <i32>load<i16>(column, 4)
      const w1 = <i32>load<i16>(column, 6)
      // The right neighbour of the last column would lie beyond the frame; its weight is 0.
      const right = w1 == 0 ? left : left + 1
      const a = pixel(row0, left, format)
      const b = pixel(row0, right, format)
      const c = pixel(row1, left, format)
      const d = pixel(row1, right, format)
      const red = blend(a, b, c, d, 0, w0, w1, v0, v1)
      const green = format == GREY ? red : blend(a, b, c, d, 8, w0, w1, v0, v1)
      const blue = format == GREY ? red : blend(a, b, c, d, 16, w0, w1, v0, v1)
      put(i, to, red, green, blue)
      column += 8
      to += stride
    }
    to = fill(i, to, outputWidth - i.offsetX - resizedWidth)
  }
}

/** Bytes of a pixel. */
// @ts-ignore: decorator
@inline
function bytesOf(format: i32): i32 {
  return format == RGBA ? 4 : format == RGB ? 3 : format == GREY ? 1 : 2
}

/** A pixel of a row: red in bits 0 to 7, green in 8 to 15, blue in 16 to 23. */
// @ts-ignore: decorator
@inline
function pixel(row: usize, n: i32, format: i32): u32 {
  if (format == RGBA) return load<u32>(row + ((<usize>n) << 2))
  if (format == GREY) return load<u8>(row + <usize>n)
  if (format == RGB) {
    const at = row + <usize>n * 3
    return <u32>load<u8>(at) | ((<u32>load<u8>(at, 1)) << 8) | ((<u32>load<u8>(at, 2)) << 16)
  }
  if (format == RGB565) {
    const word = <u32>load<u16>(row + ((<usize>n) << 1))
    const red = word >> 11
    const green = (word >> 5) & 63
    const blue = word & 31
    return (red << 3) | (red >> 2) | (((green << 2) | (green >> 4)) << 8) | (((blue << 3) | (blue >> 2)) << 16)
  }
  return fromYuv(row, n)
}

function fromYuv(row: usize, n: i32): u32 {
  const pair = row + ((<usize>(n >> 1)) << 2)
  const y = <i32>load<u8>(pair + ((<usize>n & 1) << 1))
  const u = <i32>load<u8>(pair, 1) - 128
  const v = <i32>load<u8>(pair, 3) - 128
  const red = byte(y + ((91881 * v + 32768) >> 16))
  const green = byte(y - ((22554 * u + 46802 * v + 32768) >> 16))
  const blue = byte(y + ((116130 * u + 32768) >> 16))
  return red | (green << 8) | (blue << 16)
}

// @ts-ignore: decorator
@inline
function byte(value: i32): u32 {
  return <u32>max(0, min(value, 255))
}

// @ts-ignore: decorator
@inline
function blend(a: u32, b: u32, c: u32, d: u32, shift: u32, w0: i32, w1: i32, v0: i32, v1: i32): i32 {
  const h0 = (<i32>((a >> shift) & 255) * w0 + <i32>((b >> shift) & 255) * w1) >> 4
  const h1 = (<i32>((c >> shift) & 255) * w0 + <i32>((d >> shift) & 255) * w1) >> 4
  return (((h0 * v0) >> 16) + ((h1 * v1) >> 16) + 2) >> 2
}

// @ts-ignore: decorator
@inline
function weight(fraction: f32): i32 {
  return <i32>nearest<f32>(fraction * 2048)
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
    store<i32>(at, column)
    store<i32>(at, weight(1 - fraction) | (weight(fraction) << 16), 4)
    at += 8
  }
}

/** Writes `count` pixels of padding. Returns where the next pixel goes. */
function fill(i: Preprocess, to: usize, count: i32): usize {
  for (; count > 0; count--) {
    put(i, to, i.pad, i.pad, i.pad)
    to += <usize>i.outputStride
  }
  return to
}

/** Stores a pixel by the tables of its channels, which stand in the network's own order. */
function put(i: Preprocess, to: usize, red: i32, green: i32, blue: i32): void {
  const table = i.table
  const swap = i.swapRedBlue != 0
  const a = <usize>(swap ? blue : red)
  const b = <usize>green
  const c = <usize>(swap ? red : blue)
  if (i.outputType == OutputType.float32) {
    store<f32>(to, load<f32>(table + (a << 2)))
    store<f32>(to, load<f32>(table + (b << 2), 1024), 4)
    store<f32>(to, load<f32>(table + (c << 2), 2048), 8)
  } else {
    store<u8>(to, load<u8>(table + a))
    store<u8>(to, load<u8>(table + b, 256), 1)
    store<u8>(to, load<u8>(table + c, 512), 2)
  }
}
