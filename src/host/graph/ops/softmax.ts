import type { OperatorDescriptor } from '../descriptor.js'
import { units, workOfValues } from '../work.js'
import { floatOnly, noBlocks, none, nothing } from './shared.js'
import { requireTokens } from './tokens.js'

/** exp(x) over the sum of exp(x) of each token's channels; float32. */
export const softmax: OperatorDescriptor = {
  op: 'softmax',
  types: floatOnly,
  scales: 'fresh',
  arity: [1, 1],
  attributes: {},
  inPlace: true,
  storage: 'kernel',
  constantRoles: noBlocks,
  infer(view) {
    requireTokens(view)
    return view.inputs[0].shape
  },
  macs: none,
  work: (view) => workOfValues(view, units.curve),
  scratchBytes: none,
  blocks: noBlocks,
  load: nothing,
  emit(view, place) {
    const input = place.input(0)
    const [, , pixels, channels] = view.output.shape
    return {
      opcode: 'softmaxF32',
      fields: {
        input: input.address,
        output: place.output.address,
        pixels,
        channels,
        inputStride: input.stride,
        outputStride: place.output.stride,
      },
    }
  },
}
