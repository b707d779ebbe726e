import { elements, integer, integers, type NodeView } from '../graph/descriptor.js'
import type { Constant } from '../graph/types.js'
import type { Candidate } from '../plan/kernels.js'

/** Multiply-accumulates of a sample, about: some tens of microseconds. */
const sampleMacs = 3e6

/** Shapes of a sample: input, output and weights. */
function shapesOf(view: NodeView): Record<'input' | 'output' | 'weight', readonly number[]> {
  const [outputs, kernelHeight, kernelWidth, depth] = view.constants.weight.shape
  const transposed = view.node.op === 'convTranspose'
  const [strideY, strideX] = integers(view, 'strides')
  const filter = kernelHeight * kernelWidth * depth
  const phases = transposed ? strideY * strideX : 1
  const taps = filter / phases
  const groups = integer(view, 'groups', 1)
  const channels = groups > 1 ? outputs : Math.min(outputs, taps > 1000 ? 16 : 32)
  // Of what the kernel's tiles are made of: the outputs, or the inputs of a transposed convolution.
  const { shape } = transposed ? view.inputs[0] : view.output
  const wanted = Math.round(Math.sqrt(sampleMacs / (channels * filter)) / 4) * 4
  const side = Math.max(4, Math.min(24, wanted))
  const height = Math.min(side, shape[1])
  const width = Math.min(side, shape[2])
  const [top, left, bottom, right] = integers(view, 'pads')
  const other = [
    Math.max(1, (height - 1) * strideY + kernelHeight - top - bottom),
    Math.max(1, (width - 1) * strideX + kernelWidth - left - right),
  ]
  const [inputSide, outputSide] = transposed ? [[height, width], other] : [other, [height, width]]
  return {
    input: [1, ...inputSide, view.inputs[0].shape[3]],
    output: [1, ...outputSide, channels],
    weight: [channels, kernelHeight, kernelWidth, depth],
  }
}

/**
 * A small convolution whose kernels take as long, a multiply-accumulate, as those of a layer: the
 * same channels, window and types, fewer outputs. Weights are zero: no kernel's time depends on
 * them.
 */
export const sampleOf = (view: NodeView): NodeView => withShapes(view, shapesOf(view))

/** A convolution of other sizes and no weights. */
export function withShapes(view: NodeView, shapes: ReturnType<typeof shapesOf>): NodeView {
  const { weight, bias, weightScale } = view.constants
  const [channels] = shapes.weight
  const blank = <T extends Constant['data']>(
    constant: Constant,
    data: T,
    shape: readonly number[],
  ): Constant => ({ ...constant, shape, data })
  return {
    node: view.node,
    inputs: [{ ...view.inputs[0], shape: shapes.input }],
    output: { ...view.output, shape: shapes.output },
    constants: {
      weight: blank(weight, new Int8Array(elements(shapes.weight)), shapes.weight),
      bias: blank(bias, new Int32Array(channels), [channels]),
      weightScale: blank(weightScale, new Float32Array(channels).fill(weightScale.data[0]), [channels]),
    },
  }
}

const keys = new WeakMap<readonly Candidate[], string>()

/** Layers of the same key have the same sample and size, and so the same choice. */
export function sampleKey(view: NodeView, candidates: readonly Candidate[]): string {
  const known = keys.get(candidates) ?? makeKey(view, candidates)
  keys.set(candidates, known)
  return known
}

function makeKey(view: NodeView, candidates: readonly Candidate[]): string {
  const { input, output, weight } = shapesOf(view)
  const attributes = [
    view.node.op,
    ...['strides', 'pads'].map((name) => integers(view, name).join('x')),
    integer(view, 'groups', 1),
  ]
  return [input, output, weight, view.output.shape]
    .map((shape) => shape.join('x'))
    .concat(view.output.dtype)
    .concat(attributes.map(String), candidates.map(({ name }) => name).join('|'))
    .join(' ')
}
