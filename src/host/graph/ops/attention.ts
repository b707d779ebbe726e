import { limits } from '../../limits.js'
import { floatBits, integer, type NodeView, type OperatorDescriptor, roundUp } from '../descriptor.js'
import { fail, noBlocks, nothing } from './shared.js'
import { requireTokens } from './tokens.js'

/**
 * Scaled dot-product attention. A token's input is queries, keys and values, [3][heads][channels of a head]; its output
 * [heads][channels of a head]. float32.
 */
export const attention: OperatorDescriptor = {
  op: 'attention',
  arity: [1, 1],
  attributes: { heads: { kind: 'integer', min: 1, max: limits.channels } },
  inPlace: false,
  storage: 'kernel',
  constantRoles: noBlocks,
  infer(view) {
    const { tokens, channels } = requireTokens(view)
    const heads = integer(view, 'heads', 1)
    if (channels % (3 * heads) !== 0) {
      fail(view, 'E_MODEL_SHAPE', `${heads} heads do not divide a third of ${channels} channels`)
    }
    return [1, 1, tokens, channels / 3]
  },
  macs: (view) => 2 * view.output.shape[2] ** 2 * view.output.shape[3],
  scratchBytes(view) {
    const { tokens, headChannels } = geometry(view)
    const padded = roundUp(tokens, 8)
    return 4 * (padded * (headChannels + 4) + tokens * roundUp(headChannels, 8) + 4 * headChannels) + 192
  },
  blocks: noBlocks,
  load: nothing,
  emit(view, place) {
    const { tokens, heads, headChannels } = geometry(view)
    const input = place.input(0)
    return {
      opcode: 'attentionF32',
      fields: {
        input: input.address,
        output: place.output.address,
        tokens,
        heads,
        headChannels,
        inputStride: input.stride,
        outputStride: place.output.stride,
        scaleF: floatBits(1 / Math.sqrt(headChannels)),
        scratch: place.scratch,
      },
    }
  },
}

function geometry(view: NodeView): { tokens: number; heads: number; headChannels: number } {
  const heads = integer(view, 'heads', 1)
  const [, , tokens, channels] = view.output.shape
  return { tokens, heads, headChannels: channels / heads }
}
