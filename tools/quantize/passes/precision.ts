import { OcellusError } from '../../../src/host/errors.js'
import type { NodeView } from '../../../src/host/graph/descriptor.js'
import { operators } from '../../../src/host/graph/ops/index.js'
import type { Model } from '../../../src/host/graph/types.js'
import { viewsOf } from '../../../src/host/graph/views.js'

export type Precision = 'int8' | 'float32'

/**
 * In what precision each node of a float network shall compute, by its name. Nodes of `float` stay
 * float32, and so do operators that have no int8 form, curves that only a head goes through, and
 * all that comes after the last weights: there boxes, scores and probabilities of different ranges
 * are put together, and little is left to compute. A node that has tensors of other types already
 * is in no list: it stays as it is. `afterWeights` says what those after the last weights are.
 * Throws E_OPTION for a name of no node.
 */
export function precisionOf(
  model: Model,
  float: Iterable<string> = [],
  afterWeights: Precision = 'float32',
): Map<string, Precision> {
  const views = viewsOf(model)
  const names = new Set(views.map(({ node }) => node.name))
  const kept = new Set(float)
  for (const name of kept)
    if (!names.has(name)) throw new OcellusError('E_OPTION', `${model.graph.name} has no layer ${name}`)
  const isHead = headCurves(views, model.graph.outputs)
  const weighted = beforeWeights(views)
  return new Map(
    views
      .filter((view) => [...view.inputs, view.output].every(({ dtype }) => dtype === 'float32'))
      .map((view) => {
        const { types, dynamic } = operators.get(view.node.op)!
        // What has no inputs has its values in the file, as they are.
        const able = view.inputs.length > 0 && (types.includes('int8') || dynamic !== undefined)
        const early = afterWeights === 'int8' || weighted.has(view.node.name)
        const int8 = able && early && !kept.has(view.node.name) && !isHead(view)
        return [view.node.name, int8 ? 'int8' : 'float32']
      }),
  )
}

/** Whether a node takes and gives int8 tensors at its precision. */
export const hasInt8Tensors = ({ node }: NodeView, precision: ReadonlyMap<string, Precision>): boolean =>
  precision.get(node.name) === 'int8' && operators.get(node.op)!.types.includes('int8')

/** Names of the nodes that have weights, or whose results reach some that have. */
function beforeWeights(views: readonly NodeView[]): Set<string> {
  const found = new Set<string>()
  const read = new Set<string>()
  for (const { node, inputs, output } of [...views].reverse()) {
    const { scales, dynamic } = operators.get(node.op)!
    if (scales !== 'weights' && dynamic === undefined && !read.has(output.name)) continue
    found.add(node.name)
    for (const { name } of inputs) read.add(name)
  }
  return found
}

/**
 * Finds the curves that make an output of the network from the exact sums of a node that nothing
 * else reads: boxes, objectness and classes each keep their full range there.
 */
function headCurves(views: readonly NodeView[], outputs: readonly string[]): (view: NodeView) => boolean {
  const uses = new Map<string, number>()
  for (const { inputs } of views) for (const { name } of inputs) uses.set(name, (uses.get(name) ?? 0) + 1)
  const ends = new Set(outputs)
  const producers = new Map(views.map(({ node, output }) => [output.name, node]))
  return ({ node, inputs: [input], output }) => {
    if (operators.get(node.op)!.scales !== 'table' || !ends.has(output.name) || uses.has(output.name))
      return false
    const producer = producers.get(input.name)
    if (producer === undefined || uses.get(input.name) !== 1 || ends.has(input.name)) return false
    return operators.get(producer.op)!.writesFloat?.(producer) ?? false
  }
}
