import { elements, type OperatorDescriptor } from '../descriptor.js'
import { fail, floatOnly, noBlocks, none, nothing, requireFeatureMap } from './shared.js'

/** Products of matrices that are both computed: [1, B, M, K] times [1, B, K, N]; float32. */
export const matmul: OperatorDescriptor = {
  op: 'matmul',
  types: floatOnly,
  scales: 'fresh',
  arity: [2, 2],
  attributes: {},
  inPlace: false,
  storage: 'kernel',
  constantRoles: noBlocks,
  infer(view) {
    const [, batch, rows, depth] = requireFeatureMap(view, view.inputs[0])
    const [, others, inner, columns] = requireFeatureMap(view, view.inputs[1])
    if (batch !== others || depth !== inner)
      fail(view, 'E_MODEL_SHAPE', `[${view.inputs[0].shape}] times [${view.inputs[1].shape}]`)
    return [1, batch, rows, columns]
  },
  macs: (view) => elements(view.output.shape) * view.inputs[0].shape[3],
  scratchBytes: none,
  blocks: noBlocks,
  load: nothing,
  emit(view, place) {
    const [, batch, rows, depth] = view.inputs[0].shape
    return {
      opcode: 'matmulF32',
      fields: {
        left: place.input(0).address,
        right: place.input(1).address,
        output: place.output.address,
        batch,
        rows,
        depth,
        columns: view.output.shape[3],
        leftStride: place.input(0).stride,
        rightStride: place.input(1).stride,
        outputStride: place.output.stride,
      },
    }
  },
}
