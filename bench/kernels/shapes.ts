import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { OcellusError } from '../../src/host/errors.js'
import { elements } from '../../src/host/graph/descriptor.js'
import { operators } from '../../src/host/graph/ops/index.js'
import type { AttributeValue, Constant, DType, Model, Tensor } from '../../src/host/graph/types.js'
import { packageFolder } from '../../src/host/platform/node/package.js'

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

/** The layer that is measured, by the name that it has in its network. */
export const measuredLayer = 'layer'

/**
 * A detector without heads that consists of the layer and, before it, of a 1x1 convolution that
 * makes its input from a picture. Weights are about normally distributed, as trained ones are, and
 * always the same.
 */
export function modelOf(shape: Shape): Model {
  const int8 = isInt8(shape.op)
  const tensor = (name: string, dims: readonly number[], quantized: boolean): Tensor =>
    quantized ? { name, shape: dims, dtype: 'int8', quantization } : { name, shape: dims, dtype: 'float32' }
  const [n, height, width, channels] = shape.input
  const constants = new Map<string, Constant>()
  const nodeOf = (name: string, from: Tensor, to: Tensor, own: Omit<Shape, 'name' | 'count' | 'input'>) => {
    const roles: Record<string, Constant> = {}
    for (const [role, dtype, dims] of constantsOf({ ...own, input: from.shape }, int8)) {
      const constant = {
        name: `${name}.${role}`,
        shape: dims,
        dtype,
        data: values(role, dtype, elements(dims)),
      }
      constants.set(constant.name, constant)
      roles[role] = constant
    }
    const node = {
      ...{ name, op: own.op, inputs: [from.name], outputs: [to.name], attributes: own.attributes },
      constants: Object.fromEntries(Object.entries(roles).map(([role, constant]) => [role, constant.name])),
    }
    return { node, inputs: [from], output: to, constants: roles }
  }
  const picture = tensor('picture', [n, height, width, 3], int8)
  const input = tensor('input', shape.input, int8)
  const before = nodeOf('before', picture, input, { op: 'conv', outputs: channels, attributes: pointwise })
  const output = tensor('output', shape.input, int8 && shape.head !== true)
  const layer = nodeOf(measuredLayer, input, output, shape)
  const made = { ...output, shape: operators.get(shape.op)!.infer(layer) }
  return {
    graph: {
      name: shape.name,
      task: { kind: 'detection', labels: [], heads: [], nms: { kind: 'greedy', iou: 0.45, beta: 0.6 } },
      preprocessing: { mode: 'stretch', pad: 0, channels: 'rgb', mean: [0, 0, 0], std: [1, 1, 1] },
      tensors: [picture, input, made],
      inputs: ['picture'],
      outputs: ['output'],
      nodes: [before.node, layer.node],
      provenance: {},
    },
    constants,
  }
}

const pointwise = {
  ...{ kernel: [1, 1], strides: [1, 1], pads: [0, 0, 0, 0] },
  ...{ groups: 1, activation: 'linear' },
}

type ConstantShape = readonly [role: string, dtype: DType, dims: readonly number[]]

function constantsOf(
  { op, input, outputs = 0, attributes }: Omit<Shape, 'name' | 'count'>,
  int8: boolean,
): ConstantShape[] {
  const channels = input[input.length - 1]
  const kernel = Array.isArray(attributes.kernel) ? (attributes.kernel as readonly number[]) : []
  const groups = typeof attributes.groups === 'number' ? attributes.groups : 1
  switch (op) {
    case 'conv':
    case 'convTranspose':
      return int8
        ? [
            ['weight', 'int8', [outputs, ...kernel, channels / groups]],
            ['bias', 'int32', [outputs]],
            ['weightScale', 'float32', [outputs]],
          ]
        : [
            ['weight', 'float32', [outputs, ...kernel, channels / groups]],
            ['bias', 'float32', [outputs]],
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
