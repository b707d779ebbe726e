import { activationKinds } from '../../program/instruction.js'
import { channelCount, choice, type OperatorDescriptor, pixelCount } from '../descriptor.js'
import { fail, none, realTypes, requireSameType } from './shared.js'

export const curvedActivations = ['logistic', 'mish', 'swish', 'gelu', 'tanh'] as const

/**
 * An activation that is no slope: logistic, mish, swish, gelu, tanh. In int8 it is a table of 256 results that the
 * quantiser made and the model file carries, so that no platform's exp() decides a byte.
 */
export const activation: OperatorDescriptor = {
  op: 'activation',
  types: realTypes,
  arity: [1, 1],
  attributes: { kind: { kind: 'choice', values: curvedActivations } },
  inPlace: true,
  storage: 'kernel',
  constantRoles: (view) => (view.inputs[0].dtype === 'int8' ? ['table'] : []),
  infer(view) {
    requireSameType(view)
    if (view.output.dtype === 'int8') {
      const { table } = view.constants
      if (table.dtype !== 'int8' || table.shape.length !== 1 || table.shape[0] !== 256) {
        fail(view, 'E_MODEL_SHAPE', `${table.name} must be int8 [256]`)
      }
    }
    return view.inputs[0].shape
  },
  macs: none,
  scratchBytes: none,
  blocks: (view) => (view.output.dtype === 'int8' ? [{ role: 'table', bytes: 256 }] : []),
  load(view, loader) {
    if (view.output.dtype === 'int8') loader.write('table', view.constants.table.data)
  },
  emit(view, place) {
    const input = place.input(0)
    const fields = {
      input: input.address,
      output: place.output.address,
      pixels: pixelCount(view.output.shape),
      channels: channelCount(view.output.shape),
      inputStride: input.stride,
      outputStride: place.output.stride,
    }
    if (view.output.dtype === 'int8')
      return { opcode: 'tableS8', fields: { ...fields, table: place.block('table') } }
    const kind = activationKinds[choice(view, 'kind', 'logistic') as keyof typeof activationKinds]
    return { opcode: 'activationF32', fields: { ...fields, kind } }
  },
}
