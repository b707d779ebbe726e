// fields[p / 4][(ky, kx, c)][p % 4] = input[y * strideY - padTop + ky][x * strideX - padLeft + kx][c], 0 outside
// the input: the receptive fields of output pixels first .. first + pixels - 1 (p counts from `first`, (y, x) is pixel
// first + p) of one group, in the order in which conv_f32 multiplies them. A last incomplete four repeats its last
// pixel. Writes up to 48 bytes beyond the last field. No arithmetic.

import { word } from '../word'

export function gather_f32(i: usize, input: usize, first: i32, pixels: i32, fields: usize): void {
  const outputWidth = word(i, 11)
  const depthBytes = <usize>(word(i, 14) * word(i, 15) * word(i, 8)) * 16
  const last = first + pixels - 1
  for (let p = first; p <= last; p += 4) {
    for (let lane = 0; lane < 4; lane++) {
      const pixel = min(p + lane, last)
      gatherOne(i, input, pixel / outputWidth, pixel % outputWidth, fields + <usize>lane * 4)
    }
    fields += depthBytes
  }
}

function gatherOne(i: usize, input: usize, y: i32, x: i32, to: usize): void {
  const inputHeight = word(i, 6)
  const inputWidth = word(i, 7)
  const channels = word(i, 8)
  const inputStride = <usize>word(i, 9)
  const top = y * word(i, 16) - word(i, 18)
  const left = x * word(i, 17) - word(i, 19)
  for (let row = top; row < top + word(i, 14); row++) {
    for (let column = left; column < left + word(i, 15); column++) {
      const inside = <u32>row < <u32>inputHeight && <u32>column < <u32>inputWidth
      const from = input + <usize>(row * inputWidth + column) * inputStride
      for (let c = 0; c < channels; c++) {
        store<f32>(to, inside ? load<f32>(from + (<usize>c << 2)) : 0)
        to += 16
      }
    }
  }
}
