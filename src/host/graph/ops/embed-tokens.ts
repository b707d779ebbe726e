import type { NodeView, OperatorDescriptor } from '../descriptor.js'
import { fail, floatOnly, none } from './shared.js'
import { firstPlaces, requireConstant, requireTokens } from './tokens.js'

/**
 * Adds to each chosen token the position of its place, and puts the class token `first` before
 * them. float32.
 */
export const embedTokens: OperatorDescriptor = {
  op: 'embedTokens',
  types: floatOnly,
  scales: 'fresh',
  arity: [1, 1],
  attributes: {},
  inPlace: false,
  storage: 'kernel',
  constantRoles: () => ['first', 'positions'],
  infer(view) {
    const { tokens, channels } = requireTokens(view)
    const { first, positions } = view.constants
    requireConstant(view, first, 'float32', channels)
    requireConstant(view, positions, 'float32', positions.shape[0], channels)
    if (tokens > positions.shape[0])
      fail(view, 'E_MODEL_SHAPE', `${tokens} tokens for ${positions.shape[0]} places`)
    return [1, 1, tokens + 1, channels]
  },
  selection: (view) => ({ places: placesOf(view), count: view.inputs[0].shape[2] }),
  macs: none,
  scratchBytes: none,
  blocks: (view) => [
    { role: 'first', bytes: view.constants.first.data.byteLength },
    { role: 'positions', bytes: view.constants.positions.data.byteLength },
    { role: 'indices', bytes: placesOf(view) * 4 },
  ],
  load(view, loader) {
    loader.write('first', view.constants.first.data)
    loader.write('positions', view.constants.positions.data)
    loader.write('indices', firstPlaces(placesOf(view)))
  },
  emit(view, place) {
    const input = place.input(0)
    const [, , tokens, channels] = view.inputs[0].shape
    return {
      opcode: 'embedTokensF32',
      fields: {
        input: input.address,
        output: place.output.address,
        tokens,
        channels,
        inputStride: input.stride,
        outputStride: place.output.stride,
        places: placesOf(view),
        first: place.block('first'),
        positions: place.block('positions'),
        indices: place.block('indices'),
      },
    }
  },
}

const placesOf = (view: NodeView): number => view.constants.positions.shape[0]
