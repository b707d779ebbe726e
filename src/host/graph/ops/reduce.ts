import { reduceKinds } from '../../program/kinds.js'
import { channelCount, choice, elements, type OperatorDescriptor, pixelCount } from '../descriptor.js'
import { units } from '../work.js'
import { fail, floatOnly, noBlocks, none, nothing } from './shared.js'

const kinds = ['mean', 'sum', 'max', 'min', 'prod', 'l1', 'l2', 'sumSquare', 'argMax', 'argMin'] as const

/**
 * One value for all channels of a pixel; float32. `argMax` and `argMin` give the channel, the first
 * of equal ones.
 */
export const reduce: OperatorDescriptor = {
  op: 'reduce',
  types: floatOnly,
  scales: 'fresh',
  arity: [1, 1],
  attributes: { kind: { kind: 'choice', values: kinds } },
  inPlace: false,
  storage: 'kernel',
  constantRoles: noBlocks,
  infer: (view) => [...view.inputs[0].shape.slice(0, -1), 1],
  macs: (view) => elements(view.inputs[0].shape),
  work: (view) => elements(view.inputs[0].shape) * units.moved,
  scratchBytes: none,
  blocks: noBlocks,
  load: nothing,
  emit(view, place) {
    const input = place.input(0)
    const kind = kinds.find((known) => known === choice(view, 'kind', 'mean'))
    if (kind === undefined) fail(view, 'E_MODEL_OPERATOR', 'no such kind')
    return {
      opcode: 'reduceF32',
      fields: {
        input: input.address,
        output: place.output.address,
        rows: pixelCount(view.output.shape),
        channels: channelCount(view.inputs[0].shape),
        inputStride: input.stride,
        outputStride: place.output.stride,
        kind: reduceKinds[kind],
      },
    }
  },
}
