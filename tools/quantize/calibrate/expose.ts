import type { Model } from '../../../src/host/graph/types.js'

/**
 * The same network with every tensor among its outputs, its own first, so that each can be read
 * after a run.
 */
export function exposeAll(model: Model): Model {
  return {
    ...model,
    graph: {
      ...model.graph,
      outputs: [...new Set([...model.graph.outputs, ...model.graph.tensors.map((t) => t.name)])],
    },
  }
}
