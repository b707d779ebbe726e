import { OcellusError } from '../../errors.js'
import { activationKinds, kindOf } from '../../program/kinds.js'
import { curves } from '../curves.js'
import { channelCount, choice, type OperatorDescriptor, pixelCount } from '../descriptor.js'
import type { Node } from '../types.js'
import { fail, none, realTypes, requireSameType } from './shared.js'

export const curvedActivations = Object.keys(activationKinds)

/**
 * An activation that is no slope, one of the curves of `../curves.ts`. In int8 it is a table of 256 results that the
 * quantiser made and the model file carries, so that no platform's exp() decides a byte.
 */
export const activation: OperatorDescriptor = {
  op: 'activation',
  types: realTypes,
  scales: 'table',
  curve,
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
    const kind = kindOf(activationKinds, choice(view, 'kind', ''))
    return { opcode: 'activationF32', fields: { ...fields, kind } }
  },
}

function curve({ name, attributes }: Node): (x: number) => number {
  const found = Object.entries(curves).find(([kind]) => kind === attributes.kind)
  if (found === undefined)
    throw new OcellusError('E_MODEL_OPERATOR', `${name}: no curve ${JSON.stringify(attributes.kind)}`)
  return found[1]
}
