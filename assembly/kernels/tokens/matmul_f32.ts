// output[b][m][n] = sum over k of left[b][m][k] * right[b][k][n]: `batch` products of float32
// matrices, both of which are computed. Rows are pixels of their views: left is [batch *
// rows][depth], right [batch * depth][columns]. A sum goes in the order of k with one
// multiplication and one addition each, a lane for each output, so every build gives the same
// bytes. Threads share all rows.

import { CHECKED, checkView } from '../../lib/checks'
import { Matmul } from '../../lib/instructions'
import { SIMD } from '../../lib/isa'
import { storeFirst } from '../../lib/vector'
import { start } from '../../threads/split'

export function matmul_f32(i: Matmul, thread: i32, threads: i32): void {
  if (CHECKED) {
    checkView(i.left, i.leftStride, i.depth * 4, 4)
    checkView(i.right, i.rightStride, i.columns * 4, 4)
    checkView(i.output, i.outputStride, i.columns * 4, 4)
  }
  const rows = i.rows
  const all = i.batch * rows
  const end = start(all, thread + 1, threads)
  const bytes = (<usize>i.columns) << 2
  for (let r = start(all, thread, threads); r < end; r++) {
    const left = i.left + <usize>r * <usize>i.leftStride
    const right = i.right + <usize>((r / rows) * i.depth) * <usize>i.rightStride
    const output = i.output + <usize>r * <usize>i.outputStride
    if (SIMD) {
      for (let b: usize = 0; b < bytes; b += 16) storeFirst(output + b, sumV(i, left, right + b), bytes - b)
    } else {
      for (let b: usize = 0; b < bytes; b += 4) store<f32>(output + b, sum(i, left, right + b))
    }
  }
}

function sum(i: Matmul, left: usize, right: usize): f32 {
  let total: f32 = 0
  for (let k = 0; k < i.depth; k++) {
    total += load<f32>(left) * load<f32>(right)
    left += 4
    right += <usize>i.rightStride
  }
  return total
}

function sumV(i: Matmul, left: usize, right: usize): v128 {
  let total = f32x4.splat(0)
  for (let k = 0; k < i.depth; k++) {
    total = f32x4.add(total, f32x4.mul(v128.load32_splat(left), v128.load(right)))
    left += 4
    right += <usize>i.rightStride
  }
  return total
}
