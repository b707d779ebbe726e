import type { Constant, Model, Quantization } from '../../src/host/graph/types.js'
import { runReference } from './reference.js'

/**
 * Runs an int8 graph by the book in real numbers: weights and biases are what their integers stand for,
 * and every int8 tensor is rounded to the values that it can hold. Agrees with integer arithmetic but
 * for sums that lie within float32's rounding of the middle between two steps.
 */
export function runQuantizedReference(model: Model, input: Float32Array): Map<string, Float32Array> {
  const scales = new Map(model.graph.tensors.map(({ name, quantization }) => [name, quantization]))
  return runReference(dequantized(model, scales), input, (name, values) => {
    const quantization = scales.get(name)
    if (quantization) roundToSteps(values, quantization)
  })
}

function roundToSteps(values: Float32Array, { scale, zeroPoint }: Quantization): void {
  for (let i = 0; i < values.length; i++) {
    const low = Math.floor(values[i] / scale)
    const rest = values[i] / scale - low
    const q = rest > 0.5 || (rest === 0.5 && low % 2 !== 0) ? low + 1 : low
    values[i] = (Math.max(-128, Math.min(127, q + zeroPoint)) - zeroPoint) * scale
  }
}

function dequantized(model: Model, scales: ReadonlyMap<string, Quantization | undefined>): Model {
  const constants = new Map<string, Constant>(model.constants)
  for (const { constants: roles, inputs } of model.graph.nodes) {
    if (roles.weightScale === undefined) continue
    const scale = model.constants.get(roles.weightScale)!.data
    const inputScale = scales.get(inputs[0])!.scale
    for (const [role, unit] of Object.entries({ weight: 1, bias: inputScale })) {
      const constant = model.constants.get(roles[role])!
      const each = constant.data.length / scale.length
      const data = Float32Array.from(constant.data, (q, i) => q * scale[Math.floor(i / each)] * unit)
      constants.set(constant.name, { ...constant, dtype: 'float32', data })
    }
  }
  return { ...model, constants }
}
