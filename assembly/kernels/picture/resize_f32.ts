// output[y][x][c] = sum over a of rowWeight[y][a] * (sum over b of columnWeight[x][b] *
// input[row[y][a]][column[x][b]][c]): a separable resize of float32 maps. The host makes the tables
// for every mode and convention of coordinates: `taps` places and weights for each output row or
// column, 1 for the nearest neighbour, 2 for linear, 4 for cubic. A table interleaves an int32
// place and a float32 weight. The host proves that every place lies inside. Plain float32
// operations in one order give the same bytes in every build. Threads share the rows.

import { CHECKED, checkView } from '../../lib/checks'
import { Resize } from '../../lib/instructions'
import { SIMD } from '../../lib/isa'
import { storeFirst } from '../../lib/vector'
import { start } from '../../threads/split'

export function resize_f32(i: Resize, thread: i32, threads: i32): void {
  if (CHECKED) {
    checkView(i.input, i.inputStride, i.channels * 4, 4)
    checkView(i.output, i.outputStride, i.channels * 4, 4)
    assert(i.taps == 1 || i.taps == 2 || i.taps == 4, 'no mode has so many taps')
  }
  const end = start(i.outputHeight, thread + 1, threads)
  const bytes = (<usize>i.channels) << 2
  const tableStride = <usize>(i.taps << 3)
  for (let y = start(i.outputHeight, thread, threads); y < end; y++) {
    const rows = i.rowTable + <usize>y * tableStride
    let output = i.output + <usize>(y * i.outputWidth) * <usize>i.outputStride
    for (let x = 0; x < i.outputWidth; x++) {
      const columns = i.columnTable + <usize>x * tableStride
      if (SIMD) {
        for (let b: usize = 0; b < bytes; b += 16) storeFirst(output + b, pixelV(i, rows, columns, b), bytes - b)
      } else {
        for (let b: usize = 0; b < bytes; b += 4) store<f32>(output + b, pixel(i, rows, columns, b))
      }
      output += <usize>i.outputStride
    }
  }
}

// @ts-ignore: decorator
@inline
function corner(i: Resize, row: usize, column: usize): usize {
  return i.input + <usize>(load<i32>(row) * i.inputWidth + load<i32>(column)) * <usize>i.inputStride
}

function pixel(i: Resize, rows: usize, columns: usize, b: usize): f32 {
  const taps = <usize>(i.taps << 3)
  let sum: f32 = 0
  for (let r: usize = 0; r < taps; r += 8) {
    let line: f32 = 0
    for (let c: usize = 0; c < taps; c += 8) {
      line += load<f32>(columns + c, 4) * load<f32>(corner(i, rows + r, columns + c) + b)
    }
    sum += load<f32>(rows + r, 4) * line
  }
  return sum
}

function pixelV(i: Resize, rows: usize, columns: usize, b: usize): v128 {
  const taps = <usize>(i.taps << 3)
  let sum = f32x4.splat(0)
  for (let r: usize = 0; r < taps; r += 8) {
    let line = f32x4.splat(0)
    for (let c: usize = 0; c < taps; c += 8) {
      const x = v128.load(corner(i, rows + r, columns + c) + b)
      line = f32x4.add(line, f32x4.mul(v128.load32_splat(columns + c, 4), x))
    }
    sum = f32x4.add(sum, f32x4.mul(v128.load32_splat(rows + r, 4), line))
  }
  return sum
}
