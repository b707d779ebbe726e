import type { NodeView } from './descriptor.js'
import type { Constant, Model, Node, Tensor } from './types.js'

/** A node with its tensors and constants looked up, of a graph that is known to be sound. */
export function viewOf(
  node: Node,
  tensors: ReadonlyMap<string, Tensor>,
  constants: ReadonlyMap<string, Constant>,
): NodeView {
  return {
    node,
    inputs: node.inputs.map((name) => tensors.get(name)!),
    output: tensors.get(node.outputs[0])!,
    constants: Object.fromEntries(
      Object.entries(node.constants).map(([role, name]) => [role, constants.get(name)!]),
    ),
  }
}

/** All nodes of a model, in their order. */
export function viewsOf({ graph, constants }: Model): NodeView[] {
  const tensors = new Map(graph.tensors.map((tensor) => [tensor.name, tensor]))
  return graph.nodes.map((node) => viewOf(node, tensors, constants))
}
