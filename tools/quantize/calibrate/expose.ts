import type { Model } from '../../../src/host/graph/types.js'

/**
 * The same network with every tensor among its outputs, so that each can be read after a run. Slices are
 * left out: their values are part of another tensor.
 */
export function exposeAll(model: Model): Model {
  const slices = new Set(model.graph.nodes.filter((n) => n.op === 'slice').flatMap((n) => n.outputs))
  const inputs = new Set(model.graph.inputs)
  const outputs = model.graph.tensors
    .map((t) => t.name)
    .filter((name) => !slices.has(name) && !inputs.has(name))
  return { ...model, graph: { ...model.graph, outputs } }
}
