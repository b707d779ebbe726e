import type { NodeView } from '../../graph/descriptor.js'
import { operators } from '../../graph/ops/index.js'
import type { Model } from '../../graph/types.js'

/** The same autoencoder for another number of visible patches: shapes follow, weights stay. */
export function withVisible(model: Model, count: number): Model {
  const { graph, constants } = model
  const tensors = new Map(graph.tensors.map((tensor) => [tensor.name, tensor]))
  const nodes = graph.nodes.map((node) => {
    const moved = node.op === 'patches' ? { ...node, attributes: { ...node.attributes, count } } : node
    const output = tensors.get(node.outputs[0])!
    const view: NodeView = {
      node: moved,
      inputs: node.inputs.map((name) => tensors.get(name)!),
      output,
      constants: Object.fromEntries(
        Object.entries(node.constants).map(([role, name]) => [role, constants.get(name)!]),
      ),
    }
    tensors.set(output.name, { ...output, shape: operators.get(node.op)!.infer(view) })
    return moved
  })
  return { constants, graph: { ...graph, nodes, tensors: [...tensors.values()] } }
}
