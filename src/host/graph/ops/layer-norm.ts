import { attribute, type OperatorDescriptor } from '../descriptor.js'
import { units, workOfValues } from '../work.js'
import { floatOnly, none } from './shared.js'
import { requireConstant, requireTokens } from './tokens.js'

/** Each token less its mean, divided by its standard deviation, times gamma plus beta; float32. */
export const layerNorm: OperatorDescriptor = {
  op: 'layerNorm',
  types: floatOnly,
  scales: 'fresh',
  arity: [1, 1],
  attributes: { epsilon: { kind: 'number', min: 1e-12, max: 1 } },
  inPlace: true,
  storage: 'kernel',
  constantRoles: () => ['gamma', 'beta'],
  infer(view) {
    const { channels } = requireTokens(view)
    requireConstant(view, view.constants.gamma, 'float32', channels)
    requireConstant(view, view.constants.beta, 'float32', channels)
    return view.inputs[0].shape
  },
  macs: none,
  work: (view) => workOfValues(view, units.normalised),
  scratchBytes: none,
  blocks: (view) => ['gamma', 'beta'].map((role) => ({ role, bytes: view.output.shape[3] * 4 })),
  load(view, loader) {
    loader.write('gamma', view.constants.gamma.data)
    loader.write('beta', view.constants.beta.data)
  },
  emit(view, place) {
    const input = place.input(0)
    const [, , pixels, channels] = view.output.shape
    return {
      opcode: 'layerNormF32',
      fields: {
        input: input.address,
        output: place.output.address,
        pixels,
        channels,
        inputStride: input.stride,
        outputStride: place.output.stride,
        gamma: place.block('gamma'),
        beta: place.block('beta'),
        epsilon: Number(attribute(view, 'epsilon')),
      },
    }
  },
}
