// output[r] = kind over c of input[r][c]: mean, sum, max, min, prod, the sum of absolutes (l1), the
// root of the sum of squares (l2), the sum of squares, and the place of the largest or smallest
// value, the first of equal ones, as a float32. Rows of `channels` float32, one output element a
// row. Sums are float64 in the order of the channels, rounded once, so every build gives the same
// bytes. Threads share the rows.

import { CHECKED, checkView } from '../../lib/checks'
import { Reduce, ReduceKind, requireReduceKind } from '../../lib/instructions'
import { start } from '../../threads/split'

export function reduce_f32(i: Reduce, thread: i32, threads: i32): void {
  if (CHECKED) {
    checkView(i.input, i.inputStride, i.channels * 4, 4)
    checkView(i.output, i.outputStride, 4, 4)
  }
  requireReduceKind(i.kind)
  const end = start(i.rows, thread + 1, threads)
  for (let r = start(i.rows, thread, threads); r < end; r++) {
    const input = i.input + <usize>r * <usize>i.inputStride
    store<f32>(i.output + <usize>r * <usize>i.outputStride, reduce(input, i.channels, i.kind))
  }
}

function reduce(input: usize, channels: i32, kind: i32): f32 {
  const first = load<f32>(input)
  let sum: f64 = kind == ReduceKind.prod ? 1 : 0
  let best = first
  let place = 0
  for (let c = 0; c < channels; c++) {
    const x = load<f32>(input + ((<usize>c) << 2))
    switch (kind) {
      case ReduceKind.mean:
      case ReduceKind.sum:
        sum += <f64>x
        break
      case ReduceKind.l1:
        sum += <f64>abs(x)
        break
      case ReduceKind.l2:
      case ReduceKind.sumSquare:
        sum += <f64>x * <f64>x
        break
      case ReduceKind.prod:
        sum *= <f64>x
        break
      case ReduceKind.max:
      case ReduceKind.argMax:
        if (x > best) {
          best = x
          place = c
        }
        break
      case ReduceKind.min:
      case ReduceKind.argMin:
        if (x < best) {
          best = x
          place = c
        }
        break
      default:
        unreachable()
    }
  }
  if (kind == ReduceKind.max || kind == ReduceKind.min) return best
  if (kind == ReduceKind.argMax || kind == ReduceKind.argMin) return <f32>place
  if (kind == ReduceKind.mean) return <f32>(sum / <f64>channels)
  return kind == ReduceKind.l2 ? <f32>sqrt(sum) : <f32>sum
}
