import { elements } from '../src/host/graph/descriptor.js'
import type { Graph, Quantization, Tensor } from '../src/host/graph/types.js'

/**
 * A picture that is neither flat nor noise, the same for every contender:
 * [height][width][channels], 0..255.
 */
export function testPicture(height: number, width: number, channels = 3): Uint8Array {
  return Uint8Array.from({ length: height * width * channels }, (_, i) => {
    const pixel = Math.floor(i / channels)
    const c = i % channels
    if (c === 3) return 255
    const [y, x] = [Math.floor(pixel / width), pixel % width]
    return 128 + 70 * Math.sin(x / (9 + c)) + 50 * Math.cos(y / 13) + ((x * 7 + y * 3) % 8)
  })
}

/**
 * Real values of an input, channels last, the same for every contender: a normalised picture where
 * the network takes one, else something near a normal distribution.
 */
export function testInput({ preprocessing }: Graph, { shape }: Tensor): Float32Array {
  if (preprocessing !== undefined && shape.length === 4 && shape[3] === 3) {
    const { mean, std } = preprocessing
    return Float32Array.from(testPicture(shape[1], shape[2]), (u, i) => (u / 255 - mean[i % 3]) / std[i % 3])
  }
  let seed = 1
  const uniform = (): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    return seed / 2 ** 32 - 0.5
  }
  return Float32Array.from({ length: elements(shape) }, () => 2 * (uniform() + uniform() + uniform()))
}

/** The int8 that stand for real values. */
export function quantized(values: Float32Array, { scale, zeroPoint }: Quantization): Int8Array {
  return Int8Array.from(values, (value) =>
    Math.max(-128, Math.min(127, Math.round(value / scale) + zeroPoint)),
  )
}

/**
 * Values with channels last, channel by channel instead: the order of ONNX. Other ranks than 4 stay
 * as they are.
 */
export function planar<T extends Float32Array | Uint8Array>(values: T, shape: readonly number[]): T {
  if (shape.length !== 4) return values
  const channels = shape[3]
  const pixels = values.length / channels
  const result = values.slice() as T
  for (let i = 0; i < values.length; i++) {
    result[(i % channels) * pixels + Math.floor(i / channels)] = values[i]
  }
  return result
}

/** The opposite of `planar`; `shape` has its channels last. */
export function interleaved(values: Float32Array, shape: readonly number[]): Float32Array {
  if (shape.length !== 4) return values
  const channels = shape[3]
  const pixels = values.length / channels
  const result = new Float32Array(values.length)
  for (let i = 0; i < values.length; i++) {
    result[(i % pixels) * channels + Math.floor(i / pixels)] = values[i]
  }
  return result
}
