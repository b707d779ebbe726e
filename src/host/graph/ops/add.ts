import { channelCount, type NodeView, type OperatorDescriptor, pixelCount } from '../descriptor.js'
import {
  activationAttributes,
  activationBounds,
  activationSlope,
  fail,
  multiplier,
  noBlocks,
  none,
  nothing,
  quantizationOf,
  realTypes,
  requireSameType,
} from './shared.js'

/** What brings an int8 input to the output's scale. */
function inputMultiplier(view: NodeView, index: number): number {
  const input = view.inputs[index]
  const { scale } = quantizationOf(view, view.output)
  return multiplier(view, quantizationOf(view, input).scale / scale, input.name)
}

/**
 * Sum of two tensors of one shape, with a fused activation; in int8 each input is brought to the
 * output's scale.
 */
export const add: OperatorDescriptor = {
  op: 'add',
  types: realTypes,
  scales: 'fresh',
  arity: [2, 2],
  attributes: activationAttributes,
  inPlace: true,
  storage: 'kernel',
  constantRoles: noBlocks,
  infer(view) {
    const [a, b] = view.inputs
    requireSameType(view)
    if (view.output.dtype === 'int8') for (const index of [0, 1]) inputMultiplier(view, index)
    if (a.shape.length !== b.shape.length || a.shape.some((n, i) => n !== b.shape[i])) {
      fail(view, 'E_MODEL_SHAPE', `${a.name} is [${a.shape}] but ${b.name} is [${b.shape}]`)
    }
    return a.shape
  },
  macs: none,
  scratchBytes: none,
  blocks: noBlocks,
  load: nothing,
  emit(view, place) {
    const [a, b] = view.inputs
    const placeA = place.input(0)
    const placeB = place.input(1)
    const int8 = view.output.dtype === 'int8'
    const factor = (index: number): number => (int8 ? inputMultiplier(view, index) : 0)
    return {
      opcode: int8 ? 'addS8' : 'addF32',
      fields: {
        inputA: placeA.address,
        inputB: placeB.address,
        output: place.output.address,
        pixels: pixelCount(view.output.shape),
        channels: channelCount(view.output.shape),
        strideA: placeA.stride,
        strideB: placeB.stride,
        outputStride: place.output.stride,
        zeroPointA: a.quantization?.zeroPoint ?? 0,
        multiplierA: factor(0),
        zeroPointB: b.quantization?.zeroPoint ?? 0,
        multiplierB: factor(1),
        outputZeroPoint: view.output.quantization?.zeroPoint ?? 0,
        slope: activationSlope(view),
        ...activationBounds(view),
      },
    }
  },
}
