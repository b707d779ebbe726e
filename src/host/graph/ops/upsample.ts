import { limits } from '../../limits.js'
import { integer, type OperatorDescriptor } from '../descriptor.js'
import {
  anyType,
  bytesOf,
  noBlocks,
  none,
  nothing,
  requireFeatureMap,
  requireSameQuantization,
} from './shared.js'

/** Nearest neighbour: output (y, x) is input (y / scale, x / scale). */
export const upsample: OperatorDescriptor = {
  op: 'upsample',
  types: anyType,
  scales: 'keeps',
  passesFactors: () => true,
  arity: [1, 1],
  attributes: { scale: { kind: 'integer', min: 1, max: limits.stride } },
  inPlace: false,
  storage: 'kernel',
  constantRoles: noBlocks,
  infer(view) {
    const [, height, width, channels] = requireFeatureMap(view, view.inputs[0])
    const scale = integer(view, 'scale')
    requireSameQuantization(view)
    return [1, height * scale, width * scale, channels]
  },
  macs: none,
  scratchBytes: none,
  blocks: noBlocks,
  load: nothing,
  emit(view, place) {
    const [, inputHeight, inputWidth, channels] = view.inputs[0].shape
    const input = place.input(0)
    return {
      opcode: 'upsample',
      fields: {
        input: input.address,
        output: place.output.address,
        inputHeight,
        inputWidth,
        pixelBytes: channels * bytesOf(view.output),
        inputStride: input.stride,
        outputStride: place.output.stride,
        scale: integer(view, 'scale'),
      },
    }
  },
}
