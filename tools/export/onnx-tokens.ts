import { attribute, integer, type NodeView } from '../../src/host/graph/descriptor.js'
import type { Constant } from '../../src/host/graph/types.js'
import type { OnnxAttribute } from '../onnx/format.js'
import type { OnnxGraph } from './onnx-graph.js'

type Writer = (view: NodeView, graph: OnnxGraph) => void

/** Writes the nodes of one of ours in a row: each step reads what the one before has made. */
class Chain {
  #last: string
  #count = 0

  constructor(
    readonly view: NodeView,
    readonly graph: OnnxGraph,
    first = view.inputs[0].name,
  ) {
    this.#last = first
  }

  step(
    op: string,
    others: readonly string[] = [],
    attributes: Readonly<Record<string, OnnxAttribute>> = {},
  ): this {
    const output = `${this.view.node.name}:${this.#count++}`
    this.graph.node({ name: output, op, inputs: [this.#last, ...others], outputs: [output], attributes })
    this.#last = output
    return this
  }

  shape(...dims: number[]): this {
    return this.step('Reshape', [integers(this.graph, `shape:${dims}`, dims)])
  }

  transpose(...perm: number[]): this {
    return this.step('Transpose', [], { perm })
  }

  get name(): string {
    return this.#last
  }

  /** Gives the last result the name of our node's output. */
  end(): void {
    const { output, node } = this.view
    this.graph.node({
      name: `${node.name}:end`,
      op: 'Identity',
      inputs: [this.#last],
      outputs: [output.name],
    })
  }
}

const integers = (graph: OnnxGraph, name: string, values: readonly number[]): string =>
  graph.constant(name, 'int64', [values.length], BigInt64Array.from(values, BigInt))

/**
 * The patches that stand in the file: the first ones, as a session has chosen before it is told.
 */
const chosen = (graph: OnnxGraph, count: number): string =>
  integers(
    graph,
    'visible',
    Array.from({ length: count }, (_, n) => n),
  )

const floats = (graph: OnnxGraph, { name, data }: Constant, dims: readonly number[]): string =>
  graph.constant(name, 'float32', dims, data as Float32Array)

const patches: Writer = (view, graph) => {
  const [, height, width, channels] = view.inputs[0].shape
  const patch = integer(view, 'patch', 1)
  const [rows, columns] = [height / patch, width / patch]
  new Chain(view, graph)
    .shape(channels, rows, patch, columns, patch)
    .transpose(1, 3, 2, 4, 0)
    .shape(1, rows * columns, patch * patch * channels)
    .step('Gather', [chosen(graph, integer(view, 'count', 1))], { axis: 1 })
    .end()
}

/**
 * Float weights multiply as they are; of int8 ones the input is quantised on the way, in ONNX by
 * one scale for all tokens.
 */
const linear: Writer = (view, graph) => {
  const { node, inputs, constants } = view
  const { weight, bias, weightScale } = constants
  const [outputs, depth] = weight.shape
  const addend = floats(graph, bias, [outputs])
  if (weightScale === undefined) {
    const w = graph.constant(
      weight.name,
      'float32',
      [depth, outputs],
      turned(weight, new Float32Array(weight.data.length)),
    )
    new Chain(view, graph).step('MatMul', [w]).step('Add', [addend]).end()
    return
  }
  const w = graph.constant(
    weight.name,
    'int8',
    [depth, outputs],
    turned(weight, new Int8Array(weight.data.length)),
  )
  const [q, scale, zero] = ['q', 'scale', 'zero'].map((role) => `${node.name}:${role}`)
  graph.node({ name: q, op: 'DynamicQuantizeLinear', inputs: [inputs[0].name], outputs: [q, scale, zero] })
  const factor = `${node.name}:factor`
  graph.node({
    name: factor,
    op: 'Mul',
    inputs: [scale, floats(graph, weightScale, [outputs])],
    outputs: [factor],
  })
  const none = graph.constant('weights:zero', 'int8', [], new Int8Array(1))
  new Chain(view, graph, q)
    .step('MatMulInteger', [w, zero, none])
    .step('Cast', [], { to: 1 })
    .step('Mul', [factor])
    .step('Add', [addend])
    .end()
}

/** [out][in] to [in][out]. */
function turned<T extends Int8Array | Float32Array>({ data, shape: [outputs, depth] }: Constant, to: T): T {
  for (let o = 0; o < outputs; o++) for (let k = 0; k < depth; k++) to[k * outputs + o] = data[o * depth + k]
  return to
}

const layerNorm: Writer = (view, graph) => {
  const { node, inputs, output, constants } = view
  const [, , , channels] = output.shape
  graph.node({
    name: node.name,
    op: 'LayerNormalization',
    inputs: [
      inputs[0].name,
      floats(graph, constants.gamma, [channels]),
      floats(graph, constants.beta, [channels]),
    ],
    outputs: [output.name],
    attributes: { axis: -1 },
    floats: { epsilon: Number(attribute(view, 'epsilon')) },
  })
}

const softmax: Writer = (view, graph) => new Chain(view, graph).step('Softmax', [], { axis: -1 }).end()

const attention: Writer = (view, graph) => {
  const [, , tokens, channels] = view.output.shape
  const heads = integer(view, 'heads', 1)
  const d = channels / heads
  const { name } = new Chain(view, graph).shape(tokens, 3, heads, d).transpose(1, 2, 0, 3)
  const part = (n: number): string => {
    const output = `${view.node.name}:part${n}`
    const index = graph.constant(`index:${n}`, 'int64', [], BigInt64Array.of(BigInt(n)))
    graph.node({
      name: output,
      op: 'Gather',
      inputs: [name, index],
      outputs: [output],
      attributes: { axis: 0 },
    })
    return output
  }
  const keys = new Chain({ ...view, node: { ...view.node, name: `${view.node.name}:keys` } }, graph, part(1))
  const scale = graph.constant(`scale:${d}`, 'float32', [], Float32Array.of(1 / Math.sqrt(d)))
  const inner = { ...view, node: { ...view.node, name: `${view.node.name}:inner` } }
  new Chain(inner, graph, part(0))
    .step('MatMul', [keys.transpose(0, 2, 1).name])
    .step('Mul', [scale])
    .step('Softmax', [], { axis: -1 })
    .step('MatMul', [part(2)])
    .transpose(1, 0, 2)
    .shape(1, tokens, channels)
    .end()
}

const embedTokens: Writer = (view, graph) => {
  const { node, inputs, output, constants } = view
  const [places, channels] = constants.positions.shape
  const positions = floats(graph, constants.positions, [1, places, channels])
  const own = new Chain(view, graph, positions).step('Gather', [chosen(graph, inputs[0].shape[2])], {
    axis: 1,
  })
  const sum = own.step('Add', [inputs[0].name]).name
  graph.node({
    name: `${node.name}:concat`,
    op: 'Concat',
    inputs: [floats(graph, constants.first, [1, 1, channels]), sum],
    outputs: [output.name],
    attributes: { axis: 1 },
  })
}

/**
 * The chosen patches are the first ones: behind the tokens there follow as many masks as are
 * missing.
 */
const scatterTokens: Writer = (view, graph) => {
  const { inputs, output, constants } = view
  const [rows, channels] = constants.positions.shape
  const missing = rows - inputs[0].shape[2]
  const all = `${output.name}:all`
  if (missing > 0) {
    const one = floats(graph, constants.mask, [1, 1, channels])
    const masks = `${output.name}:masks`
    const shape = integers(graph, `shape:${[1, missing, channels]}`, [1, missing, channels])
    graph.node({ name: masks, op: 'Expand', inputs: [one, shape], outputs: [masks] })
    const attributes = { axis: 1 }
    graph.node({ name: all, op: 'Concat', inputs: [inputs[0].name, masks], outputs: [all], attributes })
  }
  const from = missing > 0 ? all : inputs[0].name
  new Chain(view, graph, from).step('Add', [floats(graph, constants.positions, [1, rows, channels])]).end()
}

/** x (1 + erf(x / sqrt 2)) / 2, in the form that ONNX Runtime takes for one operator. */
export function writeGelu(view: NodeView, graph: OnnxGraph, x: string, y: string): void {
  const name = (part: string): string => `${view.node.name}:${part}`
  const number = (role: string, value: number): string =>
    graph.constant(`gelu:${role}`, 'float32', [], Float32Array.of(value))
  const node = (op: string, inputs: readonly string[], output: string): void =>
    graph.node({ name: `${name(op)}:${output}`, op, inputs, outputs: [output] })
  node('Div', [x, number('root', Math.SQRT2)], name('scaled'))
  node('Erf', [name('scaled')], name('erf'))
  node('Add', [name('erf'), number('one', 1)], name('sum'))
  node('Mul', [x, name('sum')], name('product'))
  node('Mul', [name('product'), number('half', 0.5)], y)
}

/** Tokens are [1, tokens, channels] in ONNX. */
export const tokenWriters: ReadonlyMap<string, Writer> = new Map(
  Object.entries({ patches, linear, layerNorm, softmax, attention, embedTokens, scatterTokens }),
)
