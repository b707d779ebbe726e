import { limits } from '../../limits.js'
import {
  channelCount,
  elements,
  integer,
  integers,
  type OperatorDescriptor,
  pixelCount,
} from '../descriptor.js'
import { anyType, bytesOf, fail, noBlocks, none, nothing, requireSameQuantization } from './shared.js'

/** Loops that one instruction runs through. */
const loops = 6

/**
 * Elements of its input in another order, some of them repeated or left out: output n is the
 * input's element
 * `offset` + the sum of k_d * strides_d, k running through `dims`, the last fastest. Elements are numbered in the order
 * NHWC without gaps. This is what ONNX's Transpose, Slice, Expand, Tile, DepthToSpace and most of
 * Reshape and Gather come to.
 */
export const rearrange: OperatorDescriptor = {
  op: 'rearrange',
  types: anyType,
  scales: 'keeps',
  arity: [1, 1],
  attributes: {
    shape: { kind: 'integers', length: 4, min: 1, max: limits.dimension },
    dims: { kind: 'integers', length: loops, min: 1, max: limits.elements },
    strides: { kind: 'integers', length: loops, min: -limits.elements, max: limits.elements },
    offset: { kind: 'integer', min: 0, max: limits.elements },
  },
  inPlace: false,
  storage: 'kernel',
  constantRoles: noBlocks,
  infer(view) {
    requireSameQuantization(view)
    const shape = integers(view, 'shape')
    const dims = integers(view, 'dims')
    const strides = integers(view, 'strides')
    if (elements(dims) !== elements(shape))
      fail(view, 'E_MODEL_SHAPE', `loops over [${dims}] do not fill [${shape}]`)
    const offset = integer(view, 'offset')
    const reach = (pick: (a: number, b: number) => number) =>
      dims.reduce((sum, side, d) => sum + pick(0, (side - 1) * strides[d]), offset)
    const last = elements(view.inputs[0].shape) - 1
    if (reach(Math.min) < 0 || reach(Math.max) > last)
      fail(
        view,
        'E_MODEL_SHAPE',
        `it reads elements ${reach(Math.min)} to ${reach(Math.max)} of 0 to ${last}`,
      )
    return shape
  },
  macs: none,
  scratchBytes: none,
  blocks: noBlocks,
  load: nothing,
  emit(view, place) {
    const input = place.input(0)
    const [loop0, loop1, loop2, loop3, loop4, loop5] = integers(view, 'dims')
    const [step0, step1, step2, step3, step4, step5] = integers(view, 'strides')
    return {
      opcode: 'rearrange',
      fields: {
        input: input.address,
        output: place.output.address,
        pixels: pixelCount(view.output.shape),
        outputChannels: channelCount(view.output.shape),
        outputStride: place.output.stride,
        inputChannels: channelCount(view.inputs[0].shape),
        inputStride: input.stride,
        elementBytes: bytesOf(view.output),
        offset: integer(view, 'offset'),
        ...{ loop0, loop1, loop2, loop3, loop4, loop5 },
        ...{ step0, step1, step2, step3, step4, step5 },
      },
    }
  },
}
