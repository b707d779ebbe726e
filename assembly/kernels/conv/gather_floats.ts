// fields[p / 4][(ky, kx, c)][p % 4] = input[y * strideY - padTop + ky][x * strideX - padLeft +
// kx][c],
// or 0 outside the input: the fields of output pixels first .. first + pixels - 1 of one group, in
// the order in which conv_f32 multiplies them. An incomplete last four is filled with the pixels
// that would follow, or zeros; their products are not stored. Writes up to 48 bytes beyond the last
// field. No arithmetic.

import { Filter } from '../../lib/instructions'
import { SIMD } from '../../lib/isa'
import { firstHalves, firstQuads, lastHalves, lastQuads } from '../../lib/turn'

const ZEROS: usize = memory.data(16, 16)

export function gatherFloats(i: Filter, input: usize, first: i32, pixels: i32, fields: usize): void {
  const inputHeight = i.inputHeight
  const inputWidth = i.inputWidth
  const channels = i.inputChannels
  const inputStride = i.inputStride
  const outputWidth = i.outputWidth
  const kernelHeight = i.kernelHeight
  const kernelWidth = i.kernelWidth
  const strideY = i.strideY
  const strideX = i.strideX
  const padTop = i.padTop
  const padLeft = i.padLeft
  const tapBytes = <usize>channels * 16
  for (let p = first; p < first + pixels; p += 4) {
    let row0 = (p / outputWidth) * strideY - padTop
    let row1 = ((p + 1) / outputWidth) * strideY - padTop
    let row2 = ((p + 2) / outputWidth) * strideY - padTop
    let row3 = ((p + 3) / outputWidth) * strideY - padTop
    const left0 = (p % outputWidth) * strideX - padLeft
    const left1 = ((p + 1) % outputWidth) * strideX - padLeft
    const left2 = ((p + 2) % outputWidth) * strideX - padLeft
    const left3 = ((p + 3) % outputWidth) * strideX - padLeft
    for (let ky = 0; ky < kernelHeight; ky++) {
      for (let kx = 0; kx < kernelWidth; kx++) {
        const inside0 = <u32>row0 < <u32>inputHeight && <u32>(left0 + kx) < <u32>inputWidth
        const inside1 = <u32>row1 < <u32>inputHeight && <u32>(left1 + kx) < <u32>inputWidth
        const inside2 = <u32>row2 < <u32>inputHeight && <u32>(left2 + kx) < <u32>inputWidth
        const inside3 = <u32>row3 < <u32>inputHeight && <u32>(left3 + kx) < <u32>inputWidth
        interleave(
          inside0 ? input + <usize>((row0 * inputWidth + left0 + kx) * inputStride) : ZEROS,
          inside1 ? input + <usize>((row1 * inputWidth + left1 + kx) * inputStride) : ZEROS,
          inside2 ? input + <usize>((row2 * inputWidth + left2 + kx) * inputStride) : ZEROS,
          inside3 ? input + <usize>((row3 * inputWidth + left3 + kx) * inputStride) : ZEROS,
          inside0,
          inside1,
          inside2,
          inside3,
          fields,
          tapBytes,
        )
        fields += tapBytes
      }
      row0++
      row1++
      row2++
      row3++
    }
  }
}

/**
 * to[c][n] = channel c of lane n. A lane outside the input reads the same zeros again and again.
 */
// @ts-ignore: decorator
@inline
function interleave(
  lane0: usize,
  lane1: usize,
  lane2: usize,
  lane3: usize,
  inside0: bool,
  inside1: bool,
  inside2: bool,
  inside3: bool,
  to: usize,
  bytes: usize,
): void {
  const channels: usize = SIMD ? 4 : 1
  const step = channels * 4
  const step0 = inside0 ? step : 0
  const step1 = inside1 ? step : 0
  const step2 = inside2 ? step : 0
  const step3 = inside3 ? step : 0
  for (const end = to + bytes; to < end; to += channels * 16) {
    if (SIMD) {
      const a = v128.load(lane0)
      const b = v128.load(lane1)
      const c = v128.load(lane2)
      const d = v128.load(lane3)
      const abLow = firstQuads(a, b)
      const abHigh = lastQuads(a, b)
      const cdLow = firstQuads(c, d)
      const cdHigh = lastQuads(c, d)
      v128.store(to, firstHalves(abLow, cdLow))
      v128.store(to, lastHalves(abLow, cdLow), 16)
      v128.store(to, firstHalves(abHigh, cdHigh), 32)
      v128.store(to, lastHalves(abHigh, cdHigh), 48)
    } else {
      store<f32>(to, load<f32>(lane0))
      store<f32>(to, load<f32>(lane1), 4)
      store<f32>(to, load<f32>(lane2), 8)
      store<f32>(to, load<f32>(lane3), 12)
    }
    lane0 += step0
    lane1 += step1
    lane2 += step2
    lane3 += step3
  }
}
