import type { Model } from '../../../src/host/graph/types.js'

/** Operators that move or select values: by the LiteRT specification their output keeps the input's scale. */
const keepScale = new Set(['concat', 'slice', 'maxPool', 'averagePool', 'upsample'])

/**
 * Tensors that must have one scale and zero point, by name: those that operators which only move values tie
 * together. Returns for each tensor the name that stands for its group.
 */
export function shareScales(model: Model): ReadonlyMap<string, string> {
  const parent = new Map(model.graph.tensors.map((t) => [t.name, t.name]))
  const find = (name: string): string => {
    let root = name
    while (parent.get(root) !== root) root = parent.get(root)!
    parent.set(name, root)
    return root
  }
  for (const node of model.graph.nodes) {
    if (!keepScale.has(node.op)) continue
    for (const input of node.inputs) parent.set(find(input), find(node.outputs[0]))
  }
  // The input's scale is given by the bytes of a picture: it stands for its group.
  for (const input of model.graph.inputs) {
    const root = find(input)
    if (root !== input) {
      parent.set(root, input)
      parent.set(input, input)
    }
  }
  return new Map(model.graph.tensors.map((t) => [t.name, find(t.name)]))
}

/** Tensors whose values are new, not moved from another: those to calibrate. */
export function freshTensors(model: Model): string[] {
  return model.graph.nodes.filter((n) => !keepScale.has(n.op)).map((n) => n.outputs[0])
}
