import type { NodeView } from '../../../src/host/graph/descriptor.js'
import { operators } from '../../../src/host/graph/ops/index.js'
import type { Model } from '../../../src/host/graph/types.js'
import { viewsOf } from '../../../src/host/graph/views.js'
import { hasInt8Tensors, type Precision, precisionOf } from './precision.js'

/**
 * Tensors that must have one scale and zero point, by name: those that int8 operators which only
 * move values tie together. Returns for each tensor the name that stands for its group.
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
    if (!keepsScale(view, precision)) continue
    for (const { name } of view.inputs) parent.set(find(name), find(view.output.name))
  }
  // The first input's scale may be given by the bytes of a picture: it stands for its group, even
  // among other inputs.
  for (const input of [...model.graph.inputs].reverse()) {
    const root = find(input)
    if (root !== input) {
      parent.set(root, input)
      parent.set(input, input)
    }
  }
  return new Map(model.graph.tensors.map((t) => [t.name, find(t.name)]))
}

/** Where a node computes in float32 it ties no scales, even if it only moves values. */
const keepsScale = (view: NodeView, precision: ReadonlyMap<string, Precision>): boolean =>
  operators.get(view.node.op)!.scales === 'keeps' && hasInt8Tensors(view, precision)

/** Float tensors that take their scale from no other: those to calibrate. */
export function freshTensors(model: Model, precision: ReadonlyMap<string, Precision>): string[] {
  return viewsOf(model)
    .filter((view) => !keepsScale(view, precision) && view.output.dtype === 'float32')
    .map(({ output }) => output.name)
}
