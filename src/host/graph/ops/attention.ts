import { limits } from '../../limits.js'
import { integer, type NodeView, type OperatorDescriptor, roundUp } from '../descriptor.js'
import { fail, floatOnly, noBlocks, nothing } from './shared.js'
import { requireTokens } from './tokens.js'

/**
 * Scaled dot-product attention. A token's input is queries, keys and values, [3][heads][channels of
 * a head]; its output [heads][channels of a head]. float32; with `bits` 16 the kernel quantises
 * queries, keys, values and weights to int16 and multiplies those.
 */
export const attention: OperatorDescriptor = {
  op: 'attention',
  types: floatOnly,
  scales: 'fresh',
  dynamic: { weights: false, attributes: () => ({ bits: 16 }) },
  arity: [1, 1],
  attributes: {
    heads: { kind: 'integer', min: 1, max: limits.channels },
    bits: { kind: 'integer', min: 16, max: 16, optional: true },
  },
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
    if (isInt16(view)) {
      const depth = roundUp(headChannels, 8)
      const channels = roundUp(headChannels, 16)
      return padded * (2 * depth + 2 * channels + 36) + 16 * depth + 4 * channels + 224
    }
    return 4 * (padded * (headChannels + 4) + tokens * roundUp(headChannels, 8) + 4 * headChannels) + 192
  },
  blocks: noBlocks,
  load: nothing,
  emit(view, place) {
    const { tokens, heads, headChannels } = geometry(view)
    const input = place.input(0)
    const fields = {
      input: input.address,
      output: place.output.address,
      tokens,
      heads,
      headChannels,
      inputStride: input.stride,
      outputStride: place.output.stride,
      scale: 1 / Math.sqrt(headChannels),
      scratch: place.scratch,
    }
    if (!isInt16(view)) return { opcode: 'attentionF32', fields }
    return { opcode: 'attentionS16', fields: { ...fields, ...attentionLimits(tokens, headChannels) } }
  },
}

const isInt16 = (view: NodeView): boolean => Object.hasOwn(view.node.attributes, 'bits')

/** The largest int16 of each factor such that no sum of products leaves int32. */
export function attentionLimits(
  tokens: number,
  headChannels: number,
): { limit: number; weightLimit: number; valueLimit: number } {
  const most = 2 ** 31 - 1
  const limit = Math.min(4095, Math.floor(Math.sqrt(most / headChannels)))
  // Weights need more steps than values: many of them are small beside the largest.
  const weightLimit = Math.max(1, Math.min(8191, Math.floor(most / (tokens * 255))))
  const valueLimit = Math.min(4095, Math.floor(most / (tokens * weightLimit)))
  return { limit, weightLimit, valueLimit }
}

function geometry(view: NodeView): { tokens: number; heads: number; headChannels: number } {
  const heads = integer(view, 'heads', 1)
  const [, , tokens, channels] = view.output.shape
  return { tokens, heads, headChannels: channels / heads }
}
