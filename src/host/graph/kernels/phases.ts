import { integers, type NodeView, roundUp } from '../descriptor.js'
import { blockBytes, isInt8, maxBlock } from './convolution.js'

/**
 * The convolution that makes every `stride`-th output of one direction;
 * assembly/kernels/conv_transpose/phase.ts.
 */
export interface AxisPhase {
  /**
   * The kernel's positions, in the order in which they meet the input; undefined where there is
   * none.
   */
  readonly taps: readonly (number | undefined)[]
  readonly size: number
  /** Padding before the input; negative where the first inputs serve no output. */
  readonly before: number
  /** Whether output m is made from input m alone. */
  readonly plain: boolean
}

export interface Phase {
  readonly rows: AxisPhase
  readonly columns: AxisPhase
  readonly taps: number
  readonly pixels: number
}

function axisPhases(
  input: number,
  output: number,
  kernel: number,
  stride: number,
  pad: number,
  least: number,
): AxisPhase[] {
  return Array.from({ length: Math.min(stride, output) }, (_, first) => {
    const rest = (first + pad) % stride
    const count = Math.max(least, Math.ceil((kernel - rest) / stride))
    const taps = Array.from({ length: count }, (_, t) => {
      const k = rest + (count - 1 - t) * stride
      return k < kernel ? k : undefined
    })
    const size = Math.ceil((output - first) / stride)
    const plain = count === 1 && Math.floor((first + pad) / stride) === 0 && size === input
    return { taps, size, before: count - 1 - Math.floor((first + pad) / stride), plain }
  })
}

/**
 * The ordinary convolutions that a transposed one falls into, row by row, and how many rows and
 * columns of them.
 */
export function transposedGeometry(view: NodeView) {
  const [, inputHeight, inputWidth, inputs] = view.inputs[0].shape
  const [, outputHeight, outputWidth, outputs] = view.output.shape
  const kernel = integers(view, 'kernel')
  const pads = integers(view, 'pads')
  // One input pixel has no next one: with the stride of a whole kernel each output is a phase with
  // a single tap.
  const strides = integers(view, 'strides').map((stride, axis) =>
    (axis === 0 ? inputHeight : inputWidth) === 1 ? kernel[axis] : stride,
  )
  const rows = axisPhases(inputHeight, outputHeight, kernel[0], strides[0], pads[0], 1)
  const across = (least: number) => axisPhases(inputWidth, outputWidth, kernel[1], strides[1], pads[1], least)
  const single = across(1)
  const needsCoordinates = rows.some((r) =>
    single.some((c) => r.taps.length === 1 && c.taps.length === 1 && !(r.plain && c.plain)),
  )
  const leastTapsX = needsCoordinates ? 2 : 1
  const columns = across(leastTapsX)
  const phases = rows.flatMap((r) =>
    columns.map(
      (c): Phase => ({
        rows: r,
        columns: c,
        taps: r.taps.length * c.taps.length,
        pixels: r.size * c.size,
      }),
    ),
  )
  const depth = Math.max(...phases.map(({ taps }) => taps)) * inputs
  const bytes = isInt8(view) ? Math.ceil(depth / 2) * 4 : depth * 4
  const pixels = Math.max(...phases.map((phase) => phase.pixels))
  const block = Math.max(4, Math.min(Math.floor(blockBytes / bytes / 4) * 4, maxBlock, roundUp(pixels, 4)))
  return {
    kernel,
    strides,
    pads,
    inputs,
    outputs,
    phases,
    grid: [rows.length, columns.length],
    leastTapsX,
    bytes,
    block,
  }
}

/** A phase's weights [outputs][taps][inputs], zero where it has no tap. */
export function phaseWeights<T extends Int8Array | Float32Array>(view: NodeView, phase: Phase, own: T): T {
  const { inputs, outputs, kernel } = transposedGeometry(view)
  const { data } = view.constants.weight
  let to = 0
  for (let o = 0; o < outputs; o++) {
    for (const ky of phase.rows.taps) {
      for (const kx of phase.columns.taps) {
        if (ky !== undefined && kx !== undefined) {
          const from = ((o * kernel[0] + ky) * kernel[1] + kx) * inputs
          own.set(data.subarray(from, from + inputs), to)
        }
        to += inputs
      }
    }
  }
  return own
}

/** The biases of phase `index`: one list for all, or one for each. */
export function phaseBias(view: NodeView, index: number) {
  const { bias } = view.constants
  const outputs = view.output.shape[3]
  return bias.shape.length === 1 ? bias.data : bias.data.subarray(index * outputs, (index + 1) * outputs)
}
