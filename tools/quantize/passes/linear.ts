import { OcellusError } from '../../../src/host/errors.js'
import type { NodeView } from '../../../src/host/graph/descriptor.js'
import { operators } from '../../../src/host/graph/ops/index.js'
import type { Constant, Model, Node } from '../../../src/host/graph/types.js'
import { viewsOf } from '../../../src/host/graph/views.js'
import { Constants } from './constants.js'

/**
 * The int8 form of a network of tokens: weights become symmetric int8 per output channel, w = q *
 * scale, q in [-127, 127], or of 7 bits in [-63, 63], as the relaxed dot product needs them;
 * attention multiplies int16. Everything else stays float32: the engine quantises each token on its
 * way into a product by its own largest value, so there is nothing to calibrate.
 */
export function quantizeLinears(model: Model, bits: 7 | 8 = 8): Model {
  const constants = new Constants()
  const nodes = viewsOf(model).map((view) => quantizeDynamic(view, view.node, constants, bits))
  return { graph: { ...model.graph, nodes }, constants: constants.all }
}

/**
 * A node in the form that its operator has for such networks, or as it is where it has none. Its
 * constants are added.
 */
export function quantizeDynamic(view: NodeView, moved: Node, constants: Constants, bits: 7 | 8): Node {
  const { dynamic } = operators.get(moved.op)!
  if (dynamic === undefined || view.constants.weightScale !== undefined)
    return withConstants(view, moved, constants)
  const attributes = { ...moved.attributes, ...dynamic.attributes(bits) }
  if (!dynamic.weights) return withConstants(view, { ...moved, attributes }, constants)
  const { quantized, scale } = quantizeRows(moved.name, view.constants.weight, bits)
  const all = { ...view, constants: { ...view.constants, weight: quantized, weightScale: scale } }
  return withConstants(all, { ...moved, attributes }, constants)
}

/** A node that names the constants of a view, which are added. */
export const withConstants = (view: NodeView, node: Node, constants: Constants): Node => ({
  ...node,
  constants: Object.fromEntries(
    Object.entries(view.constants).map(([role, constant]) => [role, constants.add(constant)]),
  ),
})

/** What the int8 form of an operator adds to its attributes, with weights of so many bits. */
export const dynamicAttributes = (op: string, bits: 7 | 8): Node['attributes'] =>
  operators.get(op)?.dynamic?.attributes(bits) ?? {}

export function quantizeRows(
  node: string,
  weight: Constant,
  bits: 7 | 8,
): { quantized: Constant; scale: Constant } {
  const limit = bits === 7 ? 63 : 127
  const [outputs, depth] = weight.shape
  const values = weight.data as Float32Array
  const data = new Int8Array(values.length)
  const scales = new Float32Array(outputs)
  for (let o = 0; o < outputs; o++) {
    const row = values.subarray(o * depth, (o + 1) * depth)
    let largest = 0
    for (const w of row) largest = Math.max(largest, Math.abs(w))
    // Math.max passes NaN on.
    if (!Number.isFinite(largest))
      throw new OcellusError(
        'E_WEIGHTS_NOT_FINITE',
        `${node}: output channel ${o} has a weight that is not finite`,
      )
    const scale = Math.fround(Math.max(largest / limit, 2 ** -100))
    scales[o] = scale
    for (let k = 0; k < depth; k++)
      data[o * depth + k] = Math.max(-limit, Math.min(limit, Math.round(row[k] / scale)))
  }
  return {
    quantized: { ...weight, dtype: 'int8', data },
    scale: { name: `${weight.name}_scale`, shape: [outputs], dtype: 'float32', data: scales },
  }
}
