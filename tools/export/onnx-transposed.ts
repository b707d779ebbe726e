import { integers, type NodeView } from '../../src/host/graph/descriptor.js'
import { transposedGeometry } from '../../src/host/graph/kernels/phases.js'
import type { Constant, Tensor } from '../../src/host/graph/types.js'

/**
 * The exact sub-pixel form of a transposed convolution: a convolution for each phase, whose results
 * a depth-to-space step of `block` interleaves. Undefined where phases differ in size or would need
 * negative padding, which ONNX has not.
 */
export function subPixel(view: NodeView): { convolutions: readonly NodeView[]; block: number } | undefined {
  const { phases, grid } = transposedGeometry(view)
  const [, height, width, inputs] = view.inputs[0].shape
  const outputs = view.output.shape[3]
  const { weight, bias } = view.constants
  const kernel = integers(view, 'kernel')
  if (grid[0] !== grid[1]) return undefined
  const [{ rows, columns }] = phases
  const convolutions: NodeView[] = []
  for (const [p, phase] of phases.entries()) {
    if (phase.rows.size !== rows.size || phase.columns.size !== columns.size) return undefined
    const top = phase.rows.before
    const left = phase.columns.before
    const bottom = phase.rows.size - height - top + phase.rows.taps.length - 1
    const right = phase.columns.size - width - left + phase.columns.taps.length - 1
    if (Math.min(top, left, bottom, right) < 0) return undefined
    const name = `${view.node.name}:phase${p}`
    const shape = [outputs, phase.rows.taps.length, phase.columns.taps.length, inputs]
    const length = shape.reduce((a, b) => a * b, 1)
    const data = weight.dtype === 'int8' ? new Int8Array(length) : new Float32Array(length)
    let to = 0
    for (let o = 0; o < outputs; o++) {
      for (const ky of phase.rows.taps) {
        for (const kx of phase.columns.taps) {
          if (ky !== undefined && kx !== undefined) {
            const from = ((o * kernel[0] + ky) * kernel[1] + kx) * inputs
            data.set(weight.data.subarray(from, from + inputs), to)
          }
          to += inputs
        }
      }
    }
    const own: Constant = { ...weight, name: `${name}.weight`, shape, data }
    const ownBias: Constant = {
      ...bias,
      name: `${name}.bias`,
      shape: [outputs],
      data: bias.shape.length === 1 ? bias.data : bias.data.slice(p * outputs, (p + 1) * outputs),
    }
    const output: Tensor = {
      ...view.output,
      name,
      shape: [1, phase.rows.size, phase.columns.size, outputs],
    }
    convolutions.push({
      node: {
        ...view.node,
        name,
        op: 'conv',
        attributes: {
          ...view.node.attributes,
          kernel: shape.slice(1, 3),
          strides: [1, 1],
          pads: [top, left, bottom, right],
          groups: 1,
        },
      },
      inputs: view.inputs,
      output,
      constants: { ...view.constants, weight: own, bias: ownBias },
    })
  }
  return { convolutions, block: grid[0] }
}
