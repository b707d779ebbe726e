import { clamp, roundEven, type View } from './kernel.js'

const f = Math.fround

/** The shape of a convolution and what surrounds it. */
export interface Case {
  readonly height: number
  readonly width: number
  /** Of one group; a depthwise convolution has one of each and as many groups as channels. */
  readonly inputChannels: number
  readonly outputChannels: number
  readonly kernel: readonly [number, number]
  readonly strides?: readonly [number, number]
  /** Top, left, bottom, right. */
  readonly pads?: readonly [number, number, number, number]
  readonly groups?: number
  readonly block?: number
  readonly slope?: number
  readonly range?: readonly [number, number]
  readonly zeroPoints?: readonly [number, number]
  readonly float?: boolean
  readonly seed?: number
  /** Only the extremes -128 and 127. */
  readonly saturated?: boolean
}

export function outputSide(shape: Case, axis: 0 | 1): number {
  const { kernel, strides = [1, 1], pads = [0, 0, 0, 0] } = shape
  const size = axis === 0 ? shape.height : shape.width
  return Math.floor((size + pads[axis] + pads[axis + 2] - kernel[axis]) / strides[axis]) + 1
}

/** A plain loop; sums in float64 are exact here. */
export function reference(
  shape: Case,
  input: View,
  values: readonly number[],
  weights: readonly number[],
  bias: readonly number[],
  multipliers: readonly number[],
): number[] {
  const { height, width, inputChannels, outputChannels, kernel, groups = 1 } = shape
  const { strides = [1, 1], pads = [0, 0, 0, 0], zeroPoints = [-3, 5], range = [-128, 127] } = shape
  const slope = f(shape.slope ?? 1)
  const result: number[] = []
  for (let y = 0; y < outputSide(shape, 0); y++) {
    for (let x = 0; x < outputSide(shape, 1); x++) {
      for (let o = 0; o < groups * outputChannels; o++) {
        const first = Math.floor(o / outputChannels) * inputChannels
        let acc = bias[o]
        let weight = o * kernel[0] * kernel[1] * inputChannels
        for (let ky = 0; ky < kernel[0]; ky++) {
          for (let kx = 0; kx < kernel[1]; kx++) {
            const row = y * strides[0] - pads[0] + ky
            const column = x * strides[1] - pads[1] + kx
            const inside = row >= 0 && row < height && column >= 0 && column < width
            for (let c = 0; c < inputChannels; c++) {
              const at = (row * width + column) * input.channels + first + c
              acc += (inside ? values[at] - zeroPoints[0] : 0) * weights[weight++]
            }
          }
        }
        const real = f(f(acc) * multipliers[o])
        if (shape.float) result.push(real)
        else {
          const active = Math.max(real, f(real * slope))
          result.push(
            roundEven(clamp(active, range[0] - zeroPoints[1], range[1] - zeroPoints[1])) + zeroPoints[1],
          )
        }
      }
    }
  }
  return result
}
