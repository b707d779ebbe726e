import { OcellusError } from '../../src/host/errors.js'
import type { OnnxFile, RawNode, RawTensor } from './file.js'
import { At, FoldBudget, Misfit } from './infer/at.js'
import { passes } from './infer/elementwise.js'
import { inferences } from './infer/index.js'
import { expandQLinear } from './qlinear.js'
import { elementType, readConstant } from './tensor.js'
import { type Constant, isConstant, type Value } from './value.js'

/** An input or output of the network. */
export interface Port {
  readonly name: string
  readonly value: Value
}

/**
 * A node that is left to run: its inputs and outputs named as the values are. '' is an input that
 * is absent.
 */
export type FoldedNode = RawNode

/** The network with every shape known and all that does not depend on its inputs computed. */
export interface FoldedGraph {
  readonly file: string
  readonly opset: number
  readonly nodes: readonly FoldedNode[]
  /** Of every name that a node reads or writes. */
  readonly values: ReadonlyMap<string, Value>
  readonly inputs: readonly Port[]
  readonly outputs: readonly Port[]
  /** Nodes in the file. */
  readonly exported: number
}

export interface FoldOptions {
  /** Shapes of inputs by name, for those that the file leaves open. */
  readonly shapes?: Readonly<Record<string, readonly number[]>>
  /** Shapes that serve only where the file leaves a side open. */
  readonly hints?: Readonly<Record<string, readonly number[]>>
  /** Names of values to stop at, instead of the file's outputs. */
  readonly outputs?: readonly string[]
  readonly external: (tensor: RawTensor) => Uint8Array
}

/** Opsets that this reader knows: what it has not read about, it does not guess. */
const opsets = { least: 7, most: 21 } as const

/** One reason why a file can't be converted. */
export interface Cause {
  readonly node: string
  readonly op: string
  readonly why: string
}

/**
 * Infers every shape with the inputs fixed (a batch of 1), computes what is constant, and leaves
 * out what no output needs. Throws E_ONNX_OPERATOR with all causes at once, E_ONNX_SHAPE where an
 * input's shape is open.
 */
export function foldGraph(file: OnnxFile, options: FoldOptions): FoldedGraph {
  const opset = checkOpset(file)
  const values = new Map<string, Value>()
  /** Names that stand for another value: of nodes that pass their input on. */
  const alias = new Map<string, string>()
  const real = (name: string): string => alias.get(name) ?? name
  const load = (tensor: RawTensor): Constant => readConstant(tensor, file.file, options.external)
  for (const tensor of file.initializers) values.set(tensor.name, load(tensor))
  const inputs = inputPorts(file, values, options)
  for (const { name, value } of inputs) values.set(name, value)

  const budget = new FoldBudget()
  const causes: Cause[] = []
  const lost = new Set<string>()
  const kept: FoldedNode[] = []
  for (const raw of expandQLinear(file.nodes)) {
    const node: FoldedNode = { ...raw, inputs: raw.inputs.map(real) }
    const infer = node.domain === '' ? inferences.get(node.op) : undefined
    if (infer === undefined) {
      causes.push({ node: node.name, op: qualified(node), why: whyUnknown(node) })
    }
    const unknown = node.inputs.some((name) => lost.has(name))
    if (infer === undefined || unknown) {
      for (const name of node.outputs) lost.add(name)
      continue
    }
    const missing = node.inputs.find((name) => name !== '' && !values.has(name))
    if (missing !== undefined) {
      throw new OcellusError(
        'E_ONNX_FORMAT',
        `${file.file}: ${node.name} reads ${missing}, which no node before it makes`,
      )
    }
    try {
      const at = new At(
        node,
        opset,
        node.inputs.map((name) => values.get(name)),
        budget,
        load,
      )
      const found = infer(at)
      const results: readonly Value[] = Array.isArray(found) ? found : [found as Value]
      let folded = true
      node.outputs.forEach((name, n) => {
        if (name === '') return
        const result = results[n]
        if (result === undefined) throw new Misfit(`its output ${n} is not supported`)
        if (values.has(name) || alias.has(name))
          throw new OcellusError('E_ONNX_FORMAT', `${file.file}: ${name} is made twice`)
        if (n === 0 && passes(node.op)) alias.set(name, node.inputs[0])
        else values.set(name, result)
        if (!isConstant(result)) folded = false
      })
      if (!folded && !passes(node.op)) kept.push(node)
    } catch (error) {
      if (!(error instanceof Misfit)) throw error
      causes.push({ node: node.name, op: qualified(node), why: error.message })
      for (const name of node.outputs) lost.add(name)
    }
  }
  if (causes.length > 0) throw refusal(file.file, causes)

  const names = options.outputs ?? file.outputs.map(({ name }) => name)
  const outputs = names.map((name) => {
    const value = values.get(real(name))
    if (value === undefined)
      throw new OcellusError('E_ONNX_FORMAT', `${file.file}: no node makes the output ${name}`)
    return { name: real(name), value }
  })
  const nodes = live(kept, new Set(outputs.map(({ name }) => name)))
  return { file: file.file, opset, nodes, values, inputs, outputs, exported: file.nodes.length }
}

function checkOpset({ file, opsets: found }: OnnxFile): number {
  const opset = found.get('') ?? 0
  if (opset < opsets.least || opset > opsets.most) {
    throw new OcellusError(
      'E_ONNX_OPERATOR',
      `${file} uses opset ${opset}; ${opsets.least} to ${opsets.most} are supported: export it with opset_version=17`,
    )
  }
  return opset
}

/**
 * Inputs that no initialiser fills, with their shapes: a batch is 1, every other open side must be
 * given.
 */
function inputPorts(
  file: OnnxFile,
  constants: ReadonlyMap<string, Value>,
  { shapes = {}, hints = {} }: FoldOptions,
): Port[] {
  const ports = file.inputs.filter(({ name }) => !constants.has(name))
  const known = new Set(ports.map(({ name }) => name))
  for (const name of Object.keys(shapes)) {
    if (!known.has(name))
      throw new OcellusError(
        'E_ONNX_SHAPE',
        `${file.file} has no input ${name}; it has ${[...known].join(', ')}`,
      )
  }
  return ports.map(({ name, type, dims }) => {
    const given = Object.hasOwn(shapes, name) ? shapes[name] : undefined
    if (given !== undefined && dims !== undefined && given.length !== dims.length)
      throw new OcellusError(
        'E_ONNX_SHAPE',
        `${file.file}: ${name} has ${dims.length} dimensions, not ${given.length}`,
      )
    const hint =
      Object.hasOwn(hints, name) && hints[name].length === (dims?.length ?? hints[name].length)
        ? hints[name]
        : undefined
    const fromFile = dims?.map((side, d) =>
      typeof side === 'number' && side > 0 ? side : d === 0 ? 1 : hint?.[d],
    )
    const sides = given ?? fromFile ?? hint
    if (sides === undefined || sides.some((side) => side === undefined)) {
      const shown = dims?.map((side) => side ?? '?').join('x') ?? 'of any shape'
      throw new OcellusError(
        'E_ONNX_SHAPE',
        `${file.file}: the input ${name} is ${shown}: give its shape, as in --input ${name}=1x3x320x320`,
      )
    }
    return { name, value: { type: elementType(type, name, file.file), dims: sides as number[] } }
  })
}

const qualified = ({ op, domain }: RawNode): string => (domain === '' ? op : `${domain}.${op}`)

function whyUnknown({ op, domain, attributes }: RawNode): string {
  if (domain !== '') return `the domain ${domain} is not part of ONNX`
  if ([...attributes.values()].some(({ subgraph }) => subgraph))
    return 'it holds a graph of its own: export the network without control flow'
  if (op === 'NonMaxSuppression' || op === 'TopK' || op === 'NonZero')
    return 'its result has no fixed size: cut the graph before it with --outputs'
  return 'this operator is not supported'
}

/** Nodes that an output needs, in their order. */
function live(nodes: readonly FoldedNode[], wanted: Set<string>): FoldedNode[] {
  const kept: FoldedNode[] = []
  for (const node of [...nodes].reverse()) {
    if (!node.outputs.some((name) => wanted.has(name))) continue
    for (const name of node.inputs) wanted.add(name)
    kept.push(node)
  }
  return kept.reverse()
}

/**
 * All that stands in the way of a conversion, in one line: reasons with the operators that share
 * them, and of each operator the first node and how many more there are.
 */
export function refusal(file: string, causes: readonly Cause[]): OcellusError {
  const reasons = new Map<string, Map<string, Cause[]>>()
  for (const cause of causes) {
    const operators = reasons.get(cause.why) ?? new Map<string, Cause[]>()
    operators.set(cause.op, [...(operators.get(cause.op) ?? []), cause])
    reasons.set(cause.why, operators)
  }
  const list = [...reasons].map(([why, operators]) => {
    const named = [...operators].map(([op, { length, 0: first }]) => {
      const more = length > 1 ? ` +${length - 1}` : ''
      return `${op} (${first.node.slice(-40)}${more})`
    })
    return `${named.join(', ')}: ${why}`
  })
  const name = file.slice(Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1)
  return new OcellusError('E_ONNX_OPERATOR', `${name} can't be converted: ${list.join('; ')}`)
}
