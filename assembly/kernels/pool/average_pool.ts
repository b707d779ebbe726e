// output[y][x][c] = (sum over the kernel's positions inside the input of
//   input[y * strideY - padTop + ky][x * strideX - padLeft + kx][c]) * (1 / their number),
// with the reciprocal rounded to float32. NHWC views.
// int8: the sum is int32 (the host keeps kernelHeight * kernelWidth * 255 below 2^31) and is
// converted to float32; the result is rounded half to even and clamped to -128..127. Input and
// output share scale and zero point.
// float32: values are added in (ky, kx) order from 0, one rounding a step, each channel in a lane
// of its own.

import { CHECKED, checkPool } from '../../lib/checks'
import { Pool } from '../../lib/instructions'
import { SIMD } from '../../lib/isa'
import { narrow, pmax, pmin, roundEven, roundEvenV, storeFirst, widen } from '../../lib/vector'
import { eachWindow } from './windows'

export function average_pool_s8(i: Pool, thread: i32, threads: i32): void {
  if (CHECKED) checkPool(i, 1)
  eachWindow<Average<i8>>(i, <usize>i.channels, thread, threads)
}

export function average_pool_f32(i: Pool, thread: i32, threads: i32): void {
  if (CHECKED) checkPool(i, 4)
  eachWindow<Average<f32>>(i, <usize>i.channels * 4, thread, threads)
}

@unmanaged
class Average<T> extends Pool {
  // @ts-ignore: decorator
  @inline
  window(corner: usize, rows: i32, rowStride: usize, columns: i32, stride: usize, output: usize, bytes: usize): void {
    const reciprocal = <f32>1 / <f32>(rows * columns)
    if (SIMD) {
      for (let b: usize = 0; b < bytes; b += 16) {
        const v = isFloat<T>()
          ? averageF32(corner + b, rows, rowStride, columns, stride, reciprocal)
          : averageS8(corner + b, rows, rowStride, columns, stride, reciprocal)
        storeFirst(output + b, v, bytes - b)
      }
    } else {
      for (let b: usize = 0; b < bytes; b += sizeof<T>()) {
        if (isFloat<T>()) {
          const sum = sumOf<f32, f32>(corner + b, rows, rowStride, columns, stride)
          store<f32>(output + b, sum * reciprocal)
        } else {
          const sum = sumOf<i8, i32>(corner + b, rows, rowStride, columns, stride)
          store<i8>(output + b, <i8>roundEven(pmin(pmax(<f32>sum * reciprocal, -128), 127)))
        }
      }
    }
  }
}

function sumOf<T, S>(corner: usize, rows: i32, rowStride: usize, columns: i32, stride: usize): S {
  let sum: S = 0
  for (; rows > 0; rows--) {
    let at = corner
    for (let kx = columns; kx > 0; kx--) {
      sum += <S>load<T>(at)
      at += stride
    }
    corner += rowStride
  }
  return sum
}

function averageF32(corner: usize, rows: i32, rowStride: usize, columns: i32, stride: usize, reciprocal: f32): v128 {
  let sum = f32x4.splat(0)
  for (; rows > 0; rows--) {
    let at = corner
    for (let kx = columns; kx > 0; kx--) {
      sum = f32x4.add(sum, v128.load(at))
      at += stride
    }
    corner += rowStride
  }
  return f32x4.mul(sum, f32x4.splat(reciprocal))
}

function averageS8(corner: usize, rows: i32, rowStride: usize, columns: i32, stride: usize, reciprocal: f32): v128 {
  let a = i32x4.splat(0)
  let b = i32x4.splat(0)
  let c = i32x4.splat(0)
  let d = i32x4.splat(0)
  for (; rows > 0; rows--) {
    let at = corner
    for (let kx = columns; kx > 0; kx--) {
      const q = v128.load(at)
      a = i32x4.add(a, widen(q, 0))
      b = i32x4.add(b, widen(q, 1))
      c = i32x4.add(c, widen(q, 2))
      d = i32x4.add(d, widen(q, 3))
      at += stride
    }
    corner += rowStride
  }
  const factor = f32x4.splat(reciprocal)
  return narrow(mean(a, factor), mean(b, factor), mean(c, factor), mean(d, factor))
}

// @ts-ignore: decorator
@inline
function mean(sum: v128, reciprocal: v128): v128 {
  const y = f32x4.mul(f32x4.convert_i32x4_s(sum), reciprocal)
  return roundEvenV(f32x4.pmin(f32x4.pmax(y, f32x4.splat(-128)), f32x4.splat(127)))
}
