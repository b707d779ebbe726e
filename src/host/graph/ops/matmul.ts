import { elements, type NodeView, type OperatorDescriptor } from '../descriptor.js'
import { units, workOfValues } from '../work.js'
import { fail, floatOnly, noBlocks, none, nothing, requireFeatureMap } from './shared.js'

const productsOf = (view: NodeView): number => elements(view.output.shape) * view.inputs[0].shape[3]

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
  macs: productsOf,
  work: (view) => productsOf(view) * units.product + workOfValues(view),
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
