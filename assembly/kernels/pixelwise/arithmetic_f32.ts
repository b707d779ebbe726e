// output[p][c] = a[p][c] kind b[..]: add, sub, mul, div, min, max, pow, and slope (a where a >= 0,
// else a * b). The second operand repeats where `pixelStep` (bytes from pixel to pixel) or
// `channelStep` (bytes from channel to channel, 0 or 4) is 0. `reversed` computes b kind a. float32
// views.
//
// Every operation is one float32 operation of IEEE 754, and pow is float64 by lib/math.ts: every
// build gives the same bytes. min and max give the first of equal operands, and never a NaN that is
// compared. Threads share the pixels.

import { CHECKED, checkView } from '../../lib/checks'
import { Arithmetic, ArithmeticKind, requireArithmeticKind } from '../../lib/instructions'
import { SIMD } from '../../lib/isa'
import { exp, log } from '../../lib/math'
import { storeFirst } from '../../lib/vector'
import { start } from '../../threads/split'

export function arithmetic_f32(i: Arithmetic, thread: i32, threads: i32): void {
  if (CHECKED) {
    checkView(i.inputA, i.strideA, i.channels * 4, 4)
    checkView(i.output, i.outputStride, i.channels * 4, 4)
    assert(i.channelStep == 0 || i.channelStep == 4, 'the second operand has gaps')
  }
  requireArithmeticKind(i.kind)
  const first = start(i.pixels, thread, threads)
  const end = start(i.pixels, thread + 1, threads)
  const bytes = (<usize>i.channels) << 2
  const channelStep = <usize>i.channelStep
  const kind = i.kind
  const reversed = i.reversed != 0
  let a = i.inputA + <usize>first * <usize>i.strideA
  let b = i.inputB + <usize>first * <usize>i.pixelStep
  let output = i.output + <usize>first * <usize>i.outputStride
  for (let p = first; p < end; p++) {
    if (SIMD && kind != ArithmeticKind.pow) {
      for (let at: usize = 0; at < bytes; at += 16) {
        const x = v128.load(a + at)
        const y = channelStep ? v128.load(b + at) : v128.load32_splat(b)
        storeFirst(output + at, reversed ? computeV(y, x, kind) : computeV(x, y, kind), bytes - at)
      }
    } else {
      for (let at: usize = 0; at < bytes; at += 4) {
        const x = load<f32>(a + at)
        const y = load<f32>(b + (channelStep ? at : 0))
        store<f32>(output + at, reversed ? compute(y, x, kind) : compute(x, y, kind))
      }
    }
    a += <usize>i.strideA
    b += <usize>i.pixelStep
    output += <usize>i.outputStride
  }
}

function compute(x: f32, y: f32, kind: i32): f32 {
  switch (kind) {
    case ArithmeticKind.add:
      return x + y
    case ArithmeticKind.sub:
      return x - y
    case ArithmeticKind.mul:
      return x * y
    case ArithmeticKind.div:
      return x / y
    case ArithmeticKind.min:
      return y < x ? y : x
    case ArithmeticKind.max:
      return x < y ? y : x
    case ArithmeticKind.slope:
      return x < 0 ? x * y : x
    case ArithmeticKind.pow:
      return power(x, y)
    default:
      unreachable()
      return x
  }
}

function computeV(x: v128, y: v128, kind: i32): v128 {
  switch (kind) {
    case ArithmeticKind.add:
      return f32x4.add(x, y)
    case ArithmeticKind.sub:
      return f32x4.sub(x, y)
    case ArithmeticKind.mul:
      return f32x4.mul(x, y)
    case ArithmeticKind.div:
      return f32x4.div(x, y)
    case ArithmeticKind.min:
      return f32x4.pmin(x, y)
    case ArithmeticKind.max:
      return f32x4.pmax(x, y)
    case ArithmeticKind.slope:
      return v128.bitselect(f32x4.mul(x, y), x, f32x4.lt(x, f32x4.splat(0)))
    default:
      unreachable()
      return x
  }
}

/** x^y by exp and log in float64. A negative base takes a whole exponent. */
export function power(x: f32, y: f32): f32 {
  if (y == 0) return 1
  if (x == 0) return y > 0 ? 0 : f32.MAX_VALUE * 2
  const size = exp(<f64>y * log(<f64>abs(x)))
  if (x > 0) return <f32>size
  if (floor(y) != y) return f32.NaN
  const half = y * 0.5
  return floor(half) == half ? <f32>size : -(<f32>size)
}
