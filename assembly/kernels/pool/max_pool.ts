// output[y][x][c] = max over the kernel's positions inside the input of
//   input[y * strideY - padTop + ky][x * strideX - padLeft + kx][c].
// Positions outside are ignored, so darknet's padding needs no values, and the host checks that
// every window has a position inside. NHWC views. A maximum needs no rounding: int8 and float32
// give the same bytes in every build. Of float32 zeros, and of NaN against a number, the first in
// (ky, kx) order stays.

import { CHECKED, checkPool } from '../../lib/checks'
import { Pool } from '../../lib/instructions'
import { SIMD } from '../../lib/isa'
import { storeFirst } from '../../lib/vector'
import { eachWindow } from './windows'

export function max_pool_s8(i: Pool, thread: i32, threads: i32): void {
  if (CHECKED) checkPool(i, 1)
  eachWindow<Maximum<i8>>(i, <usize>i.channels, thread, threads)
}

export function max_pool_f32(i: Pool, thread: i32, threads: i32): void {
  if (CHECKED) checkPool(i, 4)
  eachWindow<Maximum<f32>>(i, <usize>i.channels * 4, thread, threads)
}

@unmanaged
class Maximum<T> extends Pool {
  // @ts-ignore: decorator
  @inline
  window(corner: usize, rows: i32, rowStride: usize, columns: i32, stride: usize, output: usize, bytes: usize): void {
    if (SIMD) {
      let b: usize = 0
      for (; b + 64 <= bytes; b += 64) maximum64<T>(corner + b, rows, rowStride, columns, stride, output + b)
      for (; b < bytes; b += 16) {
        storeFirst(output + b, maximum<T>(corner + b, rows, rowStride, columns, stride), bytes - b)
      }
    } else {
      for (let b: usize = 0; b < bytes; b += sizeof<T>()) {
        let best = load<T>(corner + b)
        for (let ky = 0; ky < rows; ky++) {
          let at = corner + b + <usize>ky * rowStride
          for (let kx = 0; kx < columns; kx++) {
            const value = load<T>(at)
            best = select<T>(value, best, best < value)
            at += stride
          }
        }
        store<T>(output + b, best)
      }
    }
  }
}

// @ts-ignore: decorator
@inline
function larger<T>(a: v128, b: v128): v128 {
  return isFloat<T>() ? f32x4.pmax(a, b) : i8x16.max_s(a, b)
}

function maximum<T>(corner: usize, rows: i32, rowStride: usize, columns: i32, stride: usize): v128 {
  let best = v128.load(corner)
  for (; rows > 0; rows--) {
    let at = corner
    for (let kx = columns; kx > 0; kx--) {
      best = larger<T>(best, v128.load(at))
      at += stride
    }
    corner += rowStride
  }
  return best
}

/** Four vectors at a time, because the loops over a window cost as much as a vector. */
function maximum64<T>(corner: usize, rows: i32, rowStride: usize, columns: i32, stride: usize, output: usize): void {
  let a = v128.load(corner)
  let b = v128.load(corner, 16)
  let c = v128.load(corner, 32)
  let d = v128.load(corner, 48)
  for (; rows > 0; rows--) {
    let at = corner
    for (let kx = columns; kx > 0; kx--) {
      a = larger<T>(a, v128.load(at))
      b = larger<T>(b, v128.load(at, 16))
      c = larger<T>(c, v128.load(at, 32))
      d = larger<T>(d, v128.load(at, 48))
      at += stride
    }
    corner += rowStride
  }
  v128.store(output, a)
  v128.store(output, b, 16)
  v128.store(output, c, 32)
  v128.store(output, d, 48)
}
