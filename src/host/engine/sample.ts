import { integer, integers, type NodeView } from '../graph/descriptor.js'
import type { Constant } from '../graph/types.js'
import type { Candidate } from '../plan/kernels.js'

/** Multiply-accumulates of a sample, about: some tens of microseconds. */
const sampleMacs = 3e6

/**
 * A small convolution whose kernels take as long, a multiply-accumulate, as those of a layer: the same channels, window
 * and types, fewer outputs. Weights are zero: no kernel's time depends on them.
 */
export function sampleOf(view: NodeView): NodeView {
  const { weight, bias, weightScale } = view.constants
  const [outputs, kernelHeight, kernelWidth, depth] = weight.shape
  const taps = kernelHeight * kernelWidth * depth
  const groups = integer(view, 'groups', 1)
  const channels = groups > 1 ? outputs : Math.min(outputs, taps > 1000 ? 16 : 32)
  const [, fullHeight, fullWidth] = view.output.shape
  const side = Math.max(4, Math.min(24, Math.round(Math.sqrt(sampleMacs / (channels * taps)) / 4) * 4))
  const height = Math.min(side, fullHeight)
  const width = Math.min(side, fullWidth)
  const [top, left, bottom, right] = integers(view, 'pads')
  const [strideY, strideX] = integers(view, 'strides')
  const [input] = view.inputs
  const blank = <T extends Constant['data']>(constant: Constant, data: T, shape: number[]): Constant => ({
    ...constant,
    shape,
    data,
  })
  return {
    node: view.node,
    inputs: [
      {
        ...input,
        shape: [
          1,
          Math.max(1, (height - 1) * strideY + kernelHeight - top - bottom),
          Math.max(1, (width - 1) * strideX + kernelWidth - left - right),
          input.shape[3],
        ],
      },
    ],
    output: { ...view.output, shape: [1, height, width, channels] },
    constants: {
      weight: blank(weight, new Int8Array(channels * taps), [channels, kernelHeight, kernelWidth, depth]),
      bias: blank(bias, new Int32Array(channels), [channels]),
      weightScale: blank(weightScale, new Float32Array(channels).fill(weightScale.data[0]), [channels]),
    },
  }
}

/** Layers of the same key have the same sample, and the same choice. */
export function sampleKey(view: NodeView, candidates: readonly Candidate[]): string {
  const { inputs, output, constants } = sampleOf(view)
  const attributes = [
    ...['strides', 'pads'].map((name) => integers(view, name).join('x')),
    integer(view, 'groups', 1),
  ]
  return [inputs[0].shape.join('x'), output.shape.join('x'), constants.weight.shape.join('x'), output.dtype]
    .concat(attributes.map(String), candidates.map(({ name }) => name).join('|'))
    .join(' ')
}
