import { OcellusError } from '../../../src/host/errors.js'
import type { Constant, Model, Node } from '../../../src/host/graph/types.js'

/**
 * The int8 form of a network of tokens: weights of `linear` become symmetric int8 per output channel, w = q * scale, q in
 * [-127, 127], or of 7 bits in [-63, 63], as the relaxed dot product needs them; attention multiplies int16. Everything else stays
 * float32: the engine quantises each token on its way into a product by its own largest value, so there is nothing to calibrate.
 */
export function quantizeLinears(model: Model, bits: 7 | 8 = 8): Model {
  const constants = new Map(model.constants)
  const nodes = model.graph.nodes.map((node) => {
    if (node.op === 'attention')
      return { ...node, attributes: { ...node.attributes, ...attentionAttributes } }
    if (node.op !== 'linear' || node.constants.weightScale !== undefined) return node
    const weight = model.constants.get(node.constants.weight)!
    const { quantized, scale } = quantizeRows(node.name, weight, bits)
    constants.set(weight.name, quantized)
    constants.set(scale.name, scale)
    return {
      ...node,
      attributes: attributesOf(bits),
      constants: { ...node.constants, weightScale: scale.name },
    }
  })
  return { graph: { ...model.graph, nodes }, constants }
}

/** Of an `attention` node in a network of int8. */
export const attentionAttributes: Node['attributes'] = { bits: 16 }

/** Of a `linear` node with weights of so many bits. */
export const attributesOf = (bits: 7 | 8): Node['attributes'] => (bits === 7 ? { bits } : {})

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
