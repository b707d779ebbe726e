import { operators } from '../../../src/host/graph/ops/index.js'
import type { Model, Node } from '../../../src/host/graph/types.js'
import { viewsOf } from '../../../src/host/graph/views.js'
import { hasInt8Tensors, type Precision, precisionOf } from './precision.js'

/**
 * Tensors that must have one scale and zero point, by name: those that int8 operators which only move values tie
 * together. Returns for each tensor the name that stands for its group.
 */
export function shareScales(
  model: Model,
  precision: ReadonlyMap<string, Precision> = precisionOf(model),
): ReadonlyMap<string, string> {
  const parent = new Map(model.graph.tensors.map((t) => [t.name, t.name]))
  const find = (name: string): string => {
    let root = name
    while (parent.get(root) !== root) root = parent.get(root)!
    parent.set(name, root)
    return root
  }
  for (const view of viewsOf(model)) {
    if (!keepsScale(view.node) || !hasInt8Tensors(view, precision)) continue
    for (const { name } of view.inputs) parent.set(find(name), find(view.output.name))
  }
  // The first input's scale may be given by the bytes of a picture: it stands for its group, even among other inputs.
  for (const input of [...model.graph.inputs].reverse()) {
    const root = find(input)
    if (root !== input) {
      parent.set(root, input)
      parent.set(input, input)
    }
  }
  return new Map(model.graph.tensors.map((t) => [t.name, find(t.name)]))
}

const keepsScale = ({ op }: Node): boolean => operators.get(op)!.scales === 'keeps'

/** Float tensors whose values are new, not moved from another: those to calibrate. */
export function freshTensors(model: Model): string[] {
  return viewsOf(model)
    .filter(({ node, output }) => !keepsScale(node) && output.dtype === 'float32')
    .map(({ output }) => output.name)
}
