import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { OcellusError } from '../../src/host/errors.js'
import { elements } from '../../src/host/graph/descriptor.js'
import { operators } from '../../src/host/graph/ops/index.js'
import type { AttributeValue, Constant, DType, Model, Tensor } from '../../src/host/graph/types.js'
import { packageFolder } from '../../src/host/platform/node.js'

/** A layer's shape: enough to make a network of it alone, with made-up weights. */
export interface Shape {
  readonly name: string
  /** How often the network has it. */
  readonly count: number
  readonly op: string
  /** Channels last. */
  readonly input: readonly number[]
  /** Output channels, of operators with weights. */
  readonly outputs?: number
  readonly attributes: Readonly<Record<string, AttributeValue>>
  /** An int8 layer with float32 outputs. */
  readonly head?: boolean
}

export interface Shapes {
  readonly network: string
  readonly source: string
  readonly layers: readonly Shape[]
}

/** Shapes by the name of a file in bench/shapes, or all of them. Throws E_OPTION. */
export function findShapes(name?: string): Shapes[] {
  const folder = join(packageFolder, 'bench', 'shapes')
  const known = readdirSync(folder)
    .map((file) => basename(file, '.json'))
    .sort()
  if (name !== undefined && !known.includes(name)) {
    throw new OcellusError('E_OPTION', `no shapes ${name}: there are ${known.join(', ')}`)
  }
  return (name === undefined ? known : [name]).map(
    (file) => JSON.parse(readFileSync(join(folder, `${file}.json`), 'utf8')) as Shapes,
  )
}

/** Whether the engine has the operator; networks may be listed before all of theirs exist. */
export const isKnown = ({ op }: Shape): boolean => operators.has(op)

const quantization = { scale: 0.05, zeroPoint: -3 }
/** Vision transformers keep float32 between their products, convolutions int8. */
const isInt8 = (op: string): boolean => op === 'conv' || op === 'convTranspose'

/** A network of one layer. Weights are about normally distributed, as trained ones are, and always the same. */
export function modelOf(shape: Shape): Model {
  const constants = new Map<string, Constant>()
  const int8 = isInt8(shape.op)
  const tensor = (name: string, dims: readonly number[], quantized: boolean): Tensor =>
    quantized ? { name, shape: dims, dtype: 'int8', quantization } : { name, shape: dims, dtype: 'float32' }
  const input = tensor('input', shape.input, int8)
  const roles: Record<string, string> = {}
  for (const [role, dtype, dims] of constantsOf(shape)) {
    constants.set(role, { name: role, shape: dims, dtype, data: values(role, dtype, elements(dims)) })
    roles[role] = role
  }
  const node = {
    name: shape.name,
    op: shape.op,
    inputs: ['input'],
    outputs: ['output'],
    constants: roles,
    attributes: shape.attributes,
  }
  const unknown = tensor('output', shape.input, int8 && shape.head !== true)
  const view = { node, inputs: [input], output: unknown, constants: Object.fromEntries(constants) }
  const output = { ...unknown, shape: operators.get(shape.op)!.infer(view) }
  return {
    graph: {
      name: shape.name,
      task: { kind: 'autoencoder' },
      tensors: [input, output],
      inputs: ['input'],
      outputs: ['output'],
      nodes: [node],
      provenance: {},
    },
    constants,
  }
}

type ConstantShape = readonly [role: string, dtype: DType, dims: readonly number[]]

function constantsOf({ op, input, outputs = 0, attributes }: Shape): ConstantShape[] {
  const channels = input[input.length - 1]
  const kernel = Array.isArray(attributes.kernel) ? (attributes.kernel as readonly number[]) : []
  const groups = typeof attributes.groups === 'number' ? attributes.groups : 1
  switch (op) {
    case 'conv':
    case 'convTranspose':
      return [
        ['weight', 'int8', [outputs, ...kernel, channels / groups]],
        ['bias', 'int32', [outputs]],
        ['weightScale', 'float32', [outputs]],
      ]
    case 'linear':
      return [
        ['weight', 'int8', [outputs, channels]],
        ['bias', 'float32', [outputs]],
        ['weightScale', 'float32', [outputs]],
      ]
    case 'layerNorm':
      return [
        ['gamma', 'float32', [channels]],
        ['beta', 'float32', [channels]],
      ]
    default:
      return []
  }
}

function values(role: string, dtype: DType, length: number): Constant['data'] {
  let seed = 1
  const uniform = (): number => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
    return seed / 2 ** 31 - 1
  }
  const normal = (): number => uniform() + uniform() + uniform()
  if (role === 'weightScale') return Float32Array.from({ length }, () => 0.001 + 0.0005 * uniform())
  if (dtype === 'int8') return Int8Array.from({ length }, () => Math.round(normal() * 32))
  if (dtype === 'int32') return Int32Array.from({ length }, () => Math.round(normal() * 1000))
  return Float32Array.from({ length }, normal)
}
