import { limits } from '../../limits.js'
import { integer, type NodeView, type OperatorDescriptor } from '../descriptor.js'
import { fail, floatOnly, none, requireFeatureMap } from './shared.js'
import { firstPlaces } from './tokens.js'

/**
 * Cuts a picture into square patches and gathers those that the session's selection names, each a
 * token of [patch][patch][channels] values. float32.
 */
export const patches: OperatorDescriptor = {
  op: 'patches',
  types: floatOnly,
  scales: 'fresh',
  arity: [1, 1],
  attributes: {
    patch: { kind: 'integer', min: 1, max: limits.kernel },
    count: { kind: 'integer', min: 1, max: limits.dimension },
  },
  inPlace: false,
  storage: 'kernel',
  constantRoles: () => [],
  infer(view) {
    const [input] = view.inputs
    const [, height, width, channels] = requireFeatureMap(view, input)
    const patch = integer(view, 'patch', 1)
    const count = integer(view, 'count', 1)
    if (height % patch !== 0 || width % patch !== 0)
      fail(view, 'E_MODEL_SHAPE', `patches of ${patch} pixels do not tile ${height}x${width}`)
    const places = placesOf(view)
    if (places > limits.dimension || count > places)
      fail(view, 'E_MODEL_SHAPE', `${count} patches chosen of ${places}`)
    return [1, 1, count, patch * patch * channels]
  },
  selection: (view) => ({ places: placesOf(view), count: integer(view, 'count', 1) }),
  macs: none,
  scratchBytes: none,
  blocks: (view) => [{ role: 'indices', bytes: placesOf(view) * 4 }],
  load: (view, loader) => loader.write('indices', firstPlaces(placesOf(view))),
  emit(view, place) {
    const input = place.input(0)
    const [, , inputWidth, channels] = view.inputs[0].shape
    const patch = integer(view, 'patch', 1)
    return {
      opcode: 'patchesF32',
      fields: {
        input: input.address,
        output: place.output.address,
        tokens: integer(view, 'count', 1),
        outputStride: place.output.stride,
        inputStride: input.stride,
        inputWidth,
        patch,
        columns: inputWidth / patch,
        places: placesOf(view),
        indices: place.block('indices'),
        channels,
      },
    }
  },
}

function placesOf(view: NodeView): number {
  const [, height, width] = view.inputs[0].shape
  return (height * width) / integer(view, 'patch', 1) ** 2
}
