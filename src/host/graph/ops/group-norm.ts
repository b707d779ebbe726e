import { limits } from '../../limits.js'
import {
  attribute,
  channelCount,
  elements,
  integer,
  type OperatorDescriptor,
  pixelCount,
} from '../descriptor.js'
import { units, workOfValues } from '../work.js'
import { fail, floatOnly } from './shared.js'
import { requireConstant } from './tokens.js'

/**
 * Each group of channels less its mean over the map, divided by its standard deviation, times gamma
 * plus beta; float32. A group of one channel is instance normalisation.
 */
export const groupNorm: OperatorDescriptor = {
  op: 'groupNorm',
  types: floatOnly,
  scales: 'fresh',
  arity: [1, 1],
  attributes: {
    groups: { kind: 'integer', min: 1, max: limits.dimension },
    epsilon: { kind: 'number', min: 0, max: 1 },
  },
  inPlace: true,
  storage: 'kernel',
  constantRoles: () => ['gamma', 'beta'],
  infer(view) {
    const { shape } = view.inputs[0]
    const channels = channelCount(shape)
    if (channels % integer(view, 'groups', 1) !== 0)
      fail(view, 'E_MODEL_SHAPE', `${integer(view, 'groups')} groups do not divide ${channels} channels`)
    requireConstant(view, view.constants.gamma, 'float32', channels)
    requireConstant(view, view.constants.beta, 'float32', channels)
    return shape
  },
  macs: (view) => elements(view.output.shape),
  work: (view) => elements(view.output.shape) + workOfValues(view, units.normalised),
  scratchBytes: (view) => channelCount(view.output.shape) * 16,
  blocks: (view) => ['gamma', 'beta'].map((role) => ({ role, bytes: channelCount(view.output.shape) * 4 })),
  load(view, loader) {
    loader.write('gamma', view.constants.gamma.data)
    loader.write('beta', view.constants.beta.data)
  },
  emit(view, place) {
    const input = place.input(0)
    return {
      opcode: 'groupNormF32',
      fields: {
        input: input.address,
        output: place.output.address,
        pixels: pixelCount(view.output.shape),
        channels: channelCount(view.output.shape),
        inputStride: input.stride,
        outputStride: place.output.stride,
        groups: integer(view, 'groups', 1),
        gamma: place.block('gamma'),
        beta: place.block('beta'),
        epsilon: Number(attribute(view, 'epsilon')),
        scratch: place.scratch,
      },
    }
  },
}
