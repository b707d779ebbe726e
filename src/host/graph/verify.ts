import { OcellusError } from '../errors.js'
import { limits } from '../limits.js'
import { tagOf } from '../source/bytes.js'
import type { AttributeRule, NodeView, OperatorDescriptor } from './descriptor.js'
import { elements } from './descriptor.js'
import { operators } from './ops/index.js'
import { checkTask } from './task.js'
import type { AttributeValue, Constant, Model, Node, Tensor } from './types.js'
import { checkMaxWork, checkWork } from './work.js'

/**
 * A model all of whose operators, shapes and scales have been checked, with its nodes looked up.
 */
export interface VerifiedModel extends Model {
  readonly views: readonly { readonly view: NodeView; readonly operator: OperatorDescriptor }[]
  readonly tensorsByName: ReadonlyMap<string, Tensor>
  /** The kernel of each node, where one was chosen. */
  readonly kernels?: readonly string[]
}

/**
 * Checks everything that a kernel relies on: operators known, attributes in range, each tensor made
 * once before it is used, shapes as inferred, scales and accumulators provably safe. Nothing is
 * allocated for the model before this has passed. `maxWork` is the most work of one inference, in
 * units of `workOf`. Throws E_MODEL_*.
 */
export function verifyModel(model: Model, maxWork?: number): VerifiedModel {
  const { graph } = model
  if (graph.nodes.length > limits.nodes || graph.tensors.length > limits.tensors) {
    throw new OcellusError(
      'E_MODEL_LIMIT',
      `the graph has ${graph.nodes.length} nodes and ${graph.tensors.length} tensors`,
    )
  }
  const tensorsByName = new Map<string, Tensor>()
  for (const tensor of graph.tensors) {
    checkShape(tensor)
    checkQuantization(tensor)
    tensorsByName.set(tensor.name, tensor)
  }
  if (tensorsByName.size !== graph.tensors.length)
    throw new OcellusError('E_MODEL_GRAPH', 'two tensors share a name')
  for (const names of [graph.nodes.map((node) => node.name), graph.inputs, graph.outputs]) {
    const seen = new Set<string>()
    const twice = names.find((name) => seen.size === seen.add(name).size)
    if (twice !== undefined) throw new OcellusError('E_MODEL_GRAPH', `${twice} stands twice`)
  }
  const made = new Set(graph.inputs)
  const views = graph.nodes.map((node) => {
    const operator = operators.get(node.op)
    if (operator === undefined) {
      throw new OcellusError('E_MODEL_OPERATOR', `${node.name}: unknown operator ${JSON.stringify(node.op)}`)
    }
    const view = resolve(node, operator, tensorsByName, model.constants, made)
    made.add(view.output.name)
    return { view, operator }
  })
  for (const name of [...graph.inputs, ...graph.outputs]) {
    if (!made.has(name) || !tensorsByName.has(name))
      throw new OcellusError('E_MODEL_GRAPH', `no tensor ${name} is made`)
  }
  for (const name of tensorsByName.keys()) {
    if (!made.has(name)) throw new OcellusError('E_MODEL_GRAPH', `no node makes the tensor ${name}`)
  }
  checkWork(views, checkMaxWork(maxWork))
  checkTask(graph, tensorsByName)
  return { ...model, views, tensorsByName }
}

function resolve(
  node: Node,
  operator: OperatorDescriptor,
  tensors: ReadonlyMap<string, Tensor>,
  constants: ReadonlyMap<string, Constant>,
  made: ReadonlySet<string>,
): NodeView {
  const [least, most] = operator.arity
  if (node.inputs.length < least || node.inputs.length > most || node.outputs.length !== 1) {
    throw new OcellusError(
      'E_MODEL_OPERATOR',
      `${node.name} (${node.op}): ${node.inputs.length} inputs and ${node.outputs.length} outputs, expected ${least} to ${most} and 1`,
    )
  }
  const find = (name: string): Tensor => {
    const tensor = tensors.get(name)
    if (tensor === undefined) throw new OcellusError('E_MODEL_GRAPH', `${node.name}: no tensor ${name}`)
    return tensor
  }
  for (const name of node.inputs) {
    if (!made.has(name))
      throw new OcellusError('E_MODEL_GRAPH', `${node.name}: ${name} is used before it is made`)
  }
  const output = find(node.outputs[0])
  if (made.has(output.name))
    throw new OcellusError('E_MODEL_GRAPH', `${node.name}: ${output.name} is made twice`)
  const partial: NodeView = { node, inputs: node.inputs.map(find), output, constants: {} }
  for (const { name, dtype } of [...partial.inputs, output]) {
    if (!operator.types.includes(dtype))
      throw new OcellusError(
        'E_MODEL_OPERATOR',
        `${node.name} (${node.op}): ${name} is ${dtype}; the operator works on ${operator.types.join(' and ')}`,
      )
  }
  checkAttributes(node, operator.attributes)
  const roles = operator.constantRoles(partial)
  const named: Record<string, Constant> = {}
  for (const role of roles) {
    const name = Object.hasOwn(node.constants, role) ? node.constants[role] : undefined
    const constant = name === undefined ? undefined : constants.get(name)
    if (constant === undefined)
      throw new OcellusError('E_MODEL_GRAPH', `${node.name} (${node.op}): no constant for ${role}`)
    checkConstant(node, constant)
    named[role] = constant
  }
  const extra = Object.keys(node.constants).find((role) => !roles.includes(role))
  if (extra !== undefined)
    throw new OcellusError('E_MODEL_OPERATOR', `${node.name} (${node.op}): unexpected constant ${extra}`)
  const view: NodeView = { ...partial, constants: named }
  const shape = operator.infer(view)
  if (shape.length !== output.shape.length || shape.some((n, i) => n !== output.shape[i] || n < 1)) {
    throw new OcellusError(
      'E_MODEL_SHAPE',
      `${node.name} (${node.op}): ${output.name} is [${output.shape}], but its inputs give [${shape}]`,
    )
  }
  return view
}

function checkShape(tensor: Tensor): void {
  const { shape, name } = tensor
  if (shape.length < 1 || shape.length > limits.rank)
    throw new OcellusError('E_MODEL_SHAPE', `${name} has ${shape.length} dimensions`)
  if (
    shape.some((n) => !Number.isInteger(n) || n < 1 || n > limits.dimension) ||
    elements(shape) > limits.elements
  ) {
    throw new OcellusError('E_MODEL_SHAPE', `${name}: the shape [${shape}] is out of range`)
  }
}

/** A model that was built, not read from a file, has had no other check. */
function checkQuantization({ name, dtype, quantization }: Tensor): void {
  const fits =
    quantization === undefined
      ? dtype === 'float32' || dtype === 'int32'
      : dtype === 'int8' &&
        quantization.scale >= 2 ** -126 &&
        quantization.scale < 2 ** 128 &&
        Number.isInteger(quantization.zeroPoint) &&
        Math.abs(quantization.zeroPoint + 0.5) < 128
  if (fits) return
  const found = quantization && `the scale ${quantization.scale} and the zero point ${quantization.zeroPoint}`
  throw new OcellusError('E_MODEL_QUANTIZATION', `${name} is ${dtype} with ${found ?? 'no scale'}`)
}

const arrays = { int8: Int8Array, int32: Int32Array, float32: Float32Array } as const

function checkConstant(node: Node, constant: Constant): void {
  // What stays in the file has its size and type by the container.
  if (constant.read !== undefined) return
  const { name, shape, dtype, data } = constant
  if (data instanceof arrays[dtype] && data.length === elements(shape)) return
  throw new OcellusError(
    'E_MODEL_SHAPE',
    `${node.name}: ${name} is ${dtype} [${shape}], but holds ${data.length} values in a ${tagOf(data)}`,
  )
}

function checkAttributes(node: Node, rules: Readonly<Record<string, AttributeRule>>): void {
  const bad = (what: string): never => {
    throw new OcellusError('E_MODEL_OPERATOR', `${node.name} (${node.op}): ${what}`)
  }
  for (const name of Object.keys(node.attributes))
    if (!Object.hasOwn(rules, name)) bad(`unknown attribute ${name}`)
  for (const [name, rule] of Object.entries(rules)) {
    const value = Object.hasOwn(node.attributes, name) ? node.attributes[name] : undefined
    if (value === undefined) {
      if (!('optional' in rule && rule.optional)) bad(`attribute ${name} is missing`)
    } else if (!conforms(value, rule)) bad(`attribute ${name} is ${JSON.stringify(value)}`)
  }
}

function conforms(value: AttributeValue, rule: AttributeRule): boolean {
  const within = (n: unknown, min: number, max: number): boolean =>
    typeof n === 'number' && n >= min && n <= max
  switch (rule.kind) {
    case 'integer':
      return Number.isInteger(value) && within(value, rule.min, rule.max)
    case 'number':
      return within(value, rule.min, rule.max)
    case 'choice':
      return typeof value === 'string' && rule.values.includes(value)
    case 'integers':
      return (
        Array.isArray(value) &&
        value.length === rule.length &&
        value.every((n) => Number.isInteger(n) && within(n, rule.min, rule.max))
      )
  }
}
