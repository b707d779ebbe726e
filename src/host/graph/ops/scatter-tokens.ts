import type { NodeView, OperatorDescriptor } from '../descriptor.js'
import { fail, floatOnly, none } from './shared.js'
import { firstPlaces, requireConstant, requireTokens } from './tokens.js'

/**
 * Puts the chosen tokens back to their places, the `mask` token where there is none, and adds
 * positions; the class token stays the first. float32.
 */
export const scatterTokens: OperatorDescriptor = {
  op: 'scatterTokens',
  types: floatOnly,
  scales: 'fresh',
  arity: [1, 1],
  attributes: {},
  inPlace: false,
  storage: 'kernel',
  constantRoles: () => ['mask', 'positions'],
  infer(view) {
    const { tokens, channels } = requireTokens(view)
    const { mask, positions } = view.constants
    requireConstant(view, mask, 'float32', channels)
    requireConstant(view, positions, 'float32', positions.shape[0], channels)
    if (tokens < 2 || tokens > positions.shape[0])
      fail(view, 'E_MODEL_SHAPE', `${tokens} tokens, class token included, for ${positions.shape[0]} places`)
    return [1, 1, positions.shape[0], channels]
  },
  selection: (view) => ({ places: placesOf(view), count: view.inputs[0].shape[2] - 1 }),
  macs: none,
  scratchBytes: none,
  blocks: (view) => [
    { role: 'mask', bytes: view.constants.mask.data.byteLength },
    { role: 'positions', bytes: view.constants.positions.data.byteLength },
    { role: 'indices', bytes: placesOf(view) * 4 },
  ],
  load(view, loader) {
    loader.write('mask', view.constants.mask.data)
    loader.write('positions', view.constants.positions.data)
    loader.write('indices', firstPlaces(placesOf(view)))
  },
  emit(view, place) {
    const input = place.input(0)
    const [, , count, channels] = view.inputs[0].shape
    return {
      opcode: 'scatterTokensF32',
      fields: {
        input: input.address,
        output: place.output.address,
        tokens: count - 1,
        channels,
        inputStride: input.stride,
        outputStride: place.output.stride,
        places: placesOf(view),
        mask: place.block('mask'),
        positions: place.block('positions'),
        indices: place.block('indices'),
      },
    }
  },
}

const placesOf = (view: NodeView): number => view.constants.positions.shape[0] - 1
