import type { NodeView } from '../../src/host/graph/descriptor.js'
import type { Constant, Quantization, Tensor } from '../../src/host/graph/types.js'

export const floatTensor = ({ name, shape }: Tensor): Tensor => ({ name, shape, dtype: 'float32' })

/**
 * A node of an int8 model whose tensors are float32: its weights stay int8, its bias gets its real
 * values.
 */
export function floatActivations(view: NodeView): NodeView {
  const { inputs, output, constants } = view
  const { bias, weightScale } = constants
  const { quantization } = inputs[0]
  return {
    ...view,
    inputs: inputs.map(floatTensor),
    output: floatTensor(output),
    constants:
      quantization === undefined || weightScale === undefined
        ? constants
        : { ...constants, bias: realBias(bias, weightScale, quantization) },
  }
}

/** int32 in units of the input's scale times the channel's, to float32. */
function realBias(bias: Constant, { data: scales }: Constant, { scale }: Quantization): Constant {
  const channels = scales.length
  const data = Float32Array.from(bias.data, (value, i) => value * scale * scales[i % channels])
  return { ...bias, dtype: 'float32', data }
}
