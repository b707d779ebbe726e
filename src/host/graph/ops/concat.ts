import { limits } from '../../limits.js'
import { channelCount, type OperatorDescriptor, pixelCount } from '../descriptor.js'
import { anyType, fail, noBlocks, none, nothing, requireSameQuantization } from './shared.js'

/**
 * Joins tensors along their channels. The planner lets each producer write straight into the
 * result; only an input that can't (it is used by two concatenations, say) is copied, by the
 * planner's own instruction.
 */
export const concat: OperatorDescriptor = {
  op: 'concat',
  types: anyType,
  scales: 'keeps',
  arity: [1, 64],
  attributes: {},
  inPlace: false,
  storage: 'concat',
  constantRoles: noBlocks,
  infer(view) {
    const [first] = view.inputs
    requireSameQuantization(view)
    let channels = 0
    for (const input of view.inputs) {
      if (
        input.shape.length !== first.shape.length ||
        input.shape.slice(0, -1).some((n, i) => n !== first.shape[i])
      ) {
        fail(view, 'E_MODEL_SHAPE', `${first.name} is [${first.shape}] but ${input.name} is [${input.shape}]`)
      }
      channels += channelCount(input.shape)
    }
    if (channels > limits.dimension || pixelCount(first.shape) * channels > limits.elements) {
      fail(view, 'E_MODEL_SHAPE', `the result would have ${channels} channels`)
    }
    return [...first.shape.slice(0, -1), channels]
  },
  macs: none,
  scratchBytes: none,
  blocks: noBlocks,
  load: nothing,
  emit: (view) => fail(view, 'E_MODEL_OPERATOR', 'a concatenation has no instruction of its own'),
}
