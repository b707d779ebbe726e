import { channelCount, type OperatorDescriptor, pixelCount } from '../descriptor.js'
import { anyType, bytesOf, fail, noBlocks, none, nothing, sameQuantization } from './shared.js'

/**
 * Pixels of its first input in the order of int32 indices, the second input [1, 1, n, 1]; negative
 * ones count from the end. `Session.run` refuses an index beyond the pixels; one that comes
 * otherwise takes the last or the first.
 */
export const gather: OperatorDescriptor = {
  op: 'gather',
  types: anyType,
  scales: 'keeps',
  arity: [2, 2],
  attributes: {},
  inPlace: false,
  storage: 'kernel',
  constantRoles: noBlocks,
  infer(view) {
    const [data, indices] = view.inputs
    if (indices.dtype !== 'int32' || channelCount(indices.shape) !== 1)
      fail(view, 'E_MODEL_OPERATOR', `${indices.name} must be int32 indices, one a pixel`)
    if (!sameQuantization(data, view.output))
      fail(view, 'E_MODEL_QUANTIZATION', `${data.name} and ${view.output.name} must share type and scale`)
    return [1, 1, pixelCount(indices.shape), channelCount(data.shape)]
  },
  indexed: ({ inputs: [data] }) => ({ input: 1, rows: pixelCount(data.shape) }),
  macs: none,
  scratchBytes: none,
  blocks: noBlocks,
  load: nothing,
  emit(view, place) {
    const [data, indices] = view.inputs
    return {
      opcode: 'gatherRows',
      fields: {
        input: place.input(0).address,
        rowIndices: place.input(1).address,
        output: place.output.address,
        rows: pixelCount(data.shape),
        count: pixelCount(indices.shape),
        rowBytes: channelCount(data.shape) * bytesOf(data),
        inputStride: place.input(0).stride,
        indexStride: place.input(1).stride,
        outputStride: place.output.stride,
      },
    }
  },
}
