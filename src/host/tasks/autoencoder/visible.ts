import { operators } from '../../graph/ops/index.js'
import type { Graph, Model, Node } from '../../graph/types.js'
import { viewOf } from '../../graph/views.js'

/** A node whose attributes say how many patches there are, for another number of them. */
function countedNode(node: Node, { task }: Graph, count: number): Node {
  if (node.op === 'patches') return { ...node, attributes: { ...node.attributes, count } }
  const isMean = task.kind === 'autoencoder' && node.op === 'averagePool' && node.inputs[0] === task.latent
  return isMean ? { ...node, attributes: { ...node.attributes, kernel: [1, count] } } : node
}

/** The same autoencoder for another number of visible patches: shapes follow, weights stay. */
export function withVisible(model: Model, count: number): Model {
  const { graph, constants } = model
  const tensors = new Map(graph.tensors.map((tensor) => [tensor.name, tensor]))
  const nodes = graph.nodes.map((node) => {
    const moved = countedNode(node, graph, count)
    const view = viewOf(moved, tensors, constants)
    const { output } = view
    tensors.set(output.name, { ...output, shape: operators.get(node.op)!.infer(view) })
    return moved
  })
  return { constants, graph: { ...graph, nodes, tensors: [...tensors.values()] } }
}
