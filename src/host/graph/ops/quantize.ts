import {
  channelCount,
  type NodeView,
  type OperatorDescriptor,
  type Placement,
  pixelCount,
} from '../descriptor.js'
import { fail, multiplier, noBlocks, none, nothing, quantizationOf, realTypes } from './shared.js'

/** float32 to int8: q = round(x / scale) + zeroPoint, saturated; NaN becomes the zero point. */
export const quantize: OperatorDescriptor = {
  op: 'quantize',
  types: realTypes,
  scales: 'fresh',
  arity: [1, 1],
  attributes: {},
  inPlace: false,
  storage: 'kernel',
  constantRoles: noBlocks,
  infer(view) {
    if (view.inputs[0].dtype !== 'float32' || view.output.dtype !== 'int8') {
      fail(view, 'E_MODEL_OPERATOR', 'takes float32 and gives int8')
    }
    inverseScale(view)
    return view.inputs[0].shape
  },
  macs: none,
  scratchBytes: none,
  blocks: noBlocks,
  load: nothing,
  emit(view, place) {
    const { zeroPoint } = quantizationOf(view, view.output)
    const fields = { ...pixelwise(view, place), multiplier: inverseScale(view), zeroPoint }
    return { opcode: 'quantizeS8', fields }
  },
}

/** int8 to float32: x = (q - zeroPoint) * scale. */
export const dequantize: OperatorDescriptor = {
  ...quantize,
  op: 'dequantize',
  infer(view) {
    if (view.inputs[0].dtype !== 'int8' || view.output.dtype !== 'float32') {
      fail(view, 'E_MODEL_OPERATOR', 'takes int8 and gives float32')
    }
    const { scale } = quantizationOf(view, view.inputs[0])
    multiplier(view, scale, view.inputs[0].name)
    return view.inputs[0].shape
  },
  emit(view, place) {
    const { scale, zeroPoint } = quantizationOf(view, view.inputs[0])
    const fields = { ...pixelwise(view, place), multiplier: scale, zeroPoint }
    return { opcode: 'dequantizeS8', fields }
  },
}

const inverseScale = (view: NodeView): number =>
  multiplier(view, 1 / quantizationOf(view, view.output).scale, view.output.name)

function pixelwise(view: NodeView, place: Placement) {
  const input = place.input(0)
  return {
    input: input.address,
    output: place.output.address,
    pixels: pixelCount(view.output.shape),
    channels: channelCount(view.output.shape),
    inputStride: input.stride,
    outputStride: place.output.stride,
  }
}
