import { OcellusError } from '../../errors.js'
import { activationKinds, curveKinds } from '../../program/kinds.js'
import { curves, parametricCurves } from '../curves.js'
import { attribute, channelCount, type NodeView, type OperatorDescriptor, pixelCount } from '../descriptor.js'
import type { AttributeValue, Node } from '../types.js'
import { units, workOfValues } from '../work.js'
import { fail, none, realTypes, requireSameType } from './shared.js'

/** Curves whose kernel is made for speed, and the others, some of which have parameters. */
export const curvedActivations = [...Object.keys(activationKinds), ...Object.keys(curveKinds)]

export type Curve = keyof typeof activationKinds | keyof typeof curveKinds

const isIn = <K extends string>(kinds: Readonly<Record<K, number>>, kind: string): kind is K =>
  Object.hasOwn(kinds, kind)
const isCurve = (kind: AttributeValue | undefined): kind is Curve =>
  typeof kind === 'string' && (isIn(activationKinds, kind) || isIn(curveKinds, kind))

/** Which curve an activation is. Throws E_MODEL_OPERATOR for one that is not known. */
export function curveOf({ name, op, attributes }: Node): Curve {
  const kind = Object.hasOwn(attributes, 'kind') ? attributes.kind : undefined
  if (isCurve(kind)) return kind
  throw new OcellusError('E_MODEL_OPERATOR', `${name} (${op}): the kind ${kind} is unknown`)
}

/** Which parameters a curve has. Each must be given, and no other. */
const parameters: Partial<Record<Curve, readonly ('alpha' | 'beta')[]>> = {
  leakyRelu: ['alpha'],
  clip: ['alpha', 'beta'],
  affine: ['alpha', 'beta'],
  elu: ['alpha'],
  celu: ['alpha'],
  selu: ['alpha', 'beta'],
  hardSigmoid: ['alpha', 'beta'],
  power: ['alpha'],
}

const parameter = { kind: 'number', min: -3.5e38, max: 3.5e38, optional: true } as const

/**
 * An activation that is no slope, one of the curves of `../curves.ts`. In int8 it is a table of 256
 * results that the quantiser made and the model file carries, so that no platform's exp() decides a
 * byte.
 */
export const activation: OperatorDescriptor = {
  op: 'activation',
  types: realTypes,
  scales: 'table',
  curve,
  arity: [1, 1],
  attributes: { kind: { kind: 'choice', values: curvedActivations }, alpha: parameter, beta: parameter },
  inPlace: true,
  storage: 'kernel',
  constantRoles: (view) => (view.inputs[0].dtype === 'int8' ? ['table'] : []),
  infer(view) {
    requireSameType(view)
    requireParameters(view)
    if (view.output.dtype === 'int8') {
      const { table } = view.constants
      if (table.dtype !== 'int8' || table.shape.length !== 1 || table.shape[0] !== 256) {
        fail(view, 'E_MODEL_SHAPE', `${table.name} must be int8 [256]`)
      }
    }
    return view.inputs[0].shape
  },
  macs: none,
  work: (view) => workOfValues(view, view.output.dtype === 'int8' ? units.looked : units.curve),
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
    const kind = curveOf(view.node)
    if (isIn(activationKinds, kind))
      return { opcode: 'activationF32', fields: { ...fields, kind: activationKinds[kind] } }
    const [parameterA, parameterB] = ['alpha', 'beta'].map((role) => Number(attribute(view, role) ?? 0))
    return { opcode: 'curveF32', fields: { ...fields, kind: curveKinds[kind], parameterA, parameterB } }
  },
}

function curve(node: Node): (x: number) => number {
  const kind = curveOf(node)
  if (isIn(activationKinds, kind)) return curves[kind]
  const [alpha, beta] = [Number(node.attributes.alpha ?? 0), Number(node.attributes.beta ?? 0)]
  return (x) => parametricCurves[kind](x, alpha, beta)
}

function requireParameters(view: NodeView): void {
  const kind = curveOf(view.node)
  const wanted = parameters[kind] ?? []
  for (const name of ['alpha', 'beta'] as const) {
    if ((attribute(view, name) !== undefined) !== wanted.includes(name))
      fail(view, 'E_MODEL_OPERATOR', `${kind} takes ${wanted.join(' and ') || 'no alpha or beta'}`)
  }
}
