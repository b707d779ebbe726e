import { OcellusError } from '../../../src/host/errors.js'
import type { Node, Tensor } from '../../../src/host/graph/types.js'
import { type Cause, type FoldedGraph, refusal } from '../fold.js'
import { At, FoldBudget, Misfit } from '../infer/at.js'
import { readConstant } from '../tensor.js'
import { count, type ElementType } from '../value.js'
import { GraphBuilder, shapeOf } from './builder.js'
import { Lowering } from './lowering.js'
import { operators } from './operators.js'
import { featureMap, isDense, plain, type View } from './view.js'

/** How an input or output of the network lies in its tensor. */
export interface LoweredPort {
  readonly name: string
  readonly tensor: string
  readonly type: ElementType
  readonly dims: readonly number[]
  /** `channelsFirst`: ONNX's [n, c, h, w] stands as [n, h, w, c]. */
  readonly layout: 'channelsFirst' | 'plain'
}

export interface LoweredGraph {
  readonly builder: GraphBuilder
  readonly nodes: readonly Node[]
  readonly tensors: readonly Tensor[]
  readonly inputs: readonly LoweredPort[]
  readonly outputs: readonly LoweredPort[]
}

/** Writes a folded graph as nodes of ours. Throws E_ONNX_OPERATOR with all causes at once. */
export function lowerGraph(graph: FoldedGraph): LoweredGraph {
  const builder = new GraphBuilder()
  const views = new Map<string, View>()
  const inputs = graph.inputs.map(({ name, value: { type, dims } }): LoweredPort => {
    if (dims.length > 4 || dims.length === 0)
      throw new OcellusError(
        'E_ONNX_SHAPE',
        `${graph.file}: the input ${name} has ${dims.length} dimensions; 1 to 4 are supported`,
      )
    if (type !== 'float32' && type !== 'float16' && type !== 'int64' && type !== 'int32')
      throw new OcellusError(
        'E_ONNX_OPERATOR',
        `${graph.file}: the input ${name} is ${type}; float32 and integers are supported`,
      )
    const isMap = dims.length === 4
    const [n, c, h, w] = dims
    const dtype = type === 'int64' || type === 'int32' ? 'int32' : 'float32'
    const tensor = builder.tensor(name, isMap ? [n, h, w, c] : shapeOf(dims), dtype)
    views.set(name, isMap ? featureMap(tensor, dims) : plain(tensor, dims))
    return { name, tensor, type, dims, layout: isMap ? 'channelsFirst' : 'plain' }
  })

  const uses = new Map<string, number>()
  const use = (name: string) => uses.set(name, (uses.get(name) ?? 0) + 1)
  for (const node of graph.nodes) for (const name of node.inputs) use(name)
  for (const { name } of graph.outputs) use(name)

  const budget = new FoldBudget()
  const causes: Cause[] = []
  const lost = new Set<string>()
  const load = (tensor: Parameters<typeof readConstant>[0]) =>
    readConstant(tensor, graph.file, () => {
      throw new Misfit('an attribute whose values stand in another file')
    })
  for (const node of graph.nodes) {
    const lower = operators.get(node.op)
    if (lower !== undefined && node.inputs.some((name) => lost.has(name))) {
      for (const name of node.outputs) lost.add(name)
      continue
    }
    try {
      if (lower === undefined)
        throw new Misfit('this operator is not supported where its inputs are computed')
      const at = new At(
        node,
        graph.opset,
        node.inputs.map((name) => graph.values.get(name)),
        budget,
        load,
      )
      lower(new Lowering(at, builder, views, graph.values, uses))
    } catch (error) {
      if (!(error instanceof Misfit)) throw error
      causes.push({ node: node.name, op: node.op, why: error.message })
      for (const name of node.outputs) lost.add(name)
    }
  }
  if (causes.length > 0) throw refusal(graph.file, causes)

  const outputs = graph.outputs.map(({ name, value }): LoweredPort => outputPort(builder, views, name, value))
  return { builder, ...live(builder, inputs, outputs), inputs, outputs }
}

/**
 * A tensor that is the whole output, as [n, h, w, c] where it lies so, else in ONNX's own order.
 */
function outputPort(
  builder: GraphBuilder,
  views: ReadonlyMap<string, View>,
  name: string,
  { type, dims }: { type: ElementType; dims: readonly number[] },
): LoweredPort {
  const view = views.get(name)
  if (view === undefined)
    throw new OcellusError('E_ONNX_OPERATOR', `the output ${name} does not depend on the input`)
  if (dims.length > 4)
    throw new OcellusError(
      'E_ONNX_SHAPE',
      `the output ${name} has ${dims.length} dimensions; up to 4 are supported`,
    )
  if (dims.length === 4 && count(dims.slice(0, 1)) === 1) {
    const [n, c, h, w] = dims
    const map: View = { ...view, dims: [n, h, w, c], strides: [0, 2, 3, 1].map((d) => view.strides[d]) }
    if (isDense(map, builder.elements(view.tensor)) || !isDense(view, builder.elements(view.tensor))) {
      const tensor = builder.realise(view, name, [n, h, w, c], [0, 2, 3, 1])
      return { name, tensor, type, dims, layout: 'channelsFirst' }
    }
  }
  return { name, tensor: builder.realise(view, name, shapeOf(dims)), type, dims, layout: 'plain' }
}

/** Nodes and tensors that an output needs; inputs stay, used or not. */
function live(builder: GraphBuilder, inputs: readonly LoweredPort[], outputs: readonly LoweredPort[]) {
  const wanted = new Set(outputs.map(({ tensor }) => tensor))
  const nodes: Node[] = []
  for (const node of [...builder.nodes].reverse()) {
    if (!node.outputs.some((name) => wanted.has(name))) continue
    for (const name of node.inputs) wanted.add(name)
    nodes.push(node)
  }
  for (const { tensor } of inputs) wanted.add(tensor)
  const tensors = [...builder.tensors.values()].filter(({ name }) => wanted.has(name))
  return { nodes: nodes.reverse(), tensors }
}
