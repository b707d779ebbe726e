import { limits } from '../../limits.js'
import { channelCount, integer, type OperatorDescriptor } from '../descriptor.js'
import { anyType, fail, noBlocks, none, nothing, requireSameQuantization } from './shared.js'

/** Channels start .. start + count - 1 of its input, as a view: nothing is copied. */
export const slice: OperatorDescriptor = {
  op: 'slice',
  types: anyType,
  scales: 'keeps',
  arity: [1, 1],
  attributes: {
    start: { kind: 'integer', min: 0, max: limits.dimension },
    count: { kind: 'integer', min: 1, max: limits.dimension },
  },
  inPlace: false,
  storage: 'slice',
  constantRoles: noBlocks,
  infer(view) {
    const start = integer(view, 'start')
    const count = integer(view, 'count')
    const channels = channelCount(view.inputs[0].shape)
    requireSameQuantization(view)
    if (start + count > channels) {
      fail(
        view,
        'E_MODEL_SHAPE',
        `channels ${start}..${start + count - 1} of ${view.inputs[0].name}, which has ${channels}`,
      )
    }
    return [...view.inputs[0].shape.slice(0, -1), count]
  },
  macs: none,
  scratchBytes: none,
  blocks: noBlocks,
  load: nothing,
  emit: (view) => fail(view, 'E_MODEL_OPERATOR', 'a slice has no instruction of its own'),
}
