import { limits } from '../../limits.js'
import { channelCount, elements, integers, type OperatorDescriptor, pixelCount } from '../descriptor.js'
import { anyType, bytesOf, fail, none } from './shared.js'

/** A tensor whose values stand in the model: a class token, positions, a table of an embedding. */
export const constant: OperatorDescriptor = {
  op: 'constant',
  types: anyType,
  scales: 'fresh',
  arity: [0, 0],
  attributes: { shape: { kind: 'integers', length: 4, min: 1, max: limits.dimension } },
  inPlace: false,
  storage: 'kernel',
  constantRoles: () => ['value'],
  infer(view) {
    const shape = integers(view, 'shape')
    const { value } = view.constants
    if (value.dtype !== view.output.dtype || elements(value.shape) !== elements(shape))
      fail(
        view,
        'E_MODEL_SHAPE',
        `${value.name} is ${value.dtype} [${value.shape}], not ${view.output.dtype} [${shape}]`,
      )
    return shape
  },
  macs: none,
  scratchBytes: none,
  blocks: (view) => [{ role: 'value', bytes: elements(view.output.shape) * bytesOf(view.output) }],
  load: (view, loader) => loader.write('value', view.constants.value.data),
  emit: (view, place) => ({
    opcode: 'constant',
    fields: {
      values: place.block('value'),
      output: place.output.address,
      pixels: pixelCount(view.output.shape),
      pixelBytes: channelCount(view.output.shape) * bytesOf(view.output),
      outputStride: place.output.stride,
    },
  }),
}
