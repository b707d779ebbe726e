import type { NodeView } from '../../src/host/graph/descriptor.js'
import { activationBounds, activationSlope, fusedActivation } from '../../src/host/graph/ops/shared.js'
import type { Quantization } from '../../src/host/graph/types.js'
import { bytes, type OnnxGraph } from './onnx-graph.js'

/**
 * Writes an operator and its fused activation. `write` makes the operator give its sums the name
 * that it is told.
 */
export function activated(view: NodeView, graph: OnnxGraph, write: (output: string) => void): void {
  const { name, quantization } = view.output
  const kind = fusedActivation(view)
  const sums = `${name}:sums`
  if (!quantization) {
    write(kind === 'linear' ? name : sums)
    if (kind !== 'linear') floatActivation(view, graph, sums, name)
    return
  }
  write(sums)
  if (kind === 'leaky' && activationSlope(view) > 0) {
    // ONNX Runtime keeps to int8 only where the sums are quantised too: QLinearConv, then
    // QLinearLeakyRelu. Without that it computes both in float32, at less than half the speed.
    const between = `${name}:before`
    const before = beforeLeaky(quantization, activationSlope(view))
    graph.quantize(between, sums, before)
    floatActivation(view, graph, graph.real({ name: between, quantization: before }), `${name}:activated`)
    graph.quantize(name, `${name}:activated`, quantization)
    return
  }
  const low = kind === 'linear' ? -128 : quantization.zeroPoint
  const high = activationBounds(view).high
  if (low === -128 && high === 127) graph.quantize(name, sums, quantization)
  else {
    graph.quantize(`${name}:unclipped`, sums, quantization)
    graph.node({
      name: `${name}:clip`,
      op: 'Clip',
      inputs: [
        bytes(`${name}:unclipped`),
        graph.constant(`${name}:low`, 'uint8', [], Uint8Array.of(low + 128)),
        graph.constant(`${name}:high`, 'uint8', [], Uint8Array.of(high + 128)),
      ],
      outputs: [bytes(name)],
    })
  }
}

/**
 * Holds every sum that the output's range can tell apart: its negative side, before the slope, is
 * longer.
 */
function beforeLeaky({ scale, zeroPoint }: Quantization, slope: number): Quantization {
  const low = ((-128 - zeroPoint) * scale) / slope
  const high = (127 - zeroPoint) * scale
  const wide = (high - low) / 255
  return { scale: wide, zeroPoint: Math.max(-128, Math.min(127, Math.round(-128 - low / wide))) }
}

function floatActivation(view: NodeView, graph: OnnxGraph, input: string, output: string): void {
  const kind = fusedActivation(view)
  const name = `${view.node.name}:${kind}`
  if (kind === 'leaky') {
    const floats = { alpha: activationSlope(view) }
    graph.node({ name, op: 'LeakyRelu', inputs: [input], outputs: [output], floats })
  } else if (kind === 'relu6') {
    const low = graph.constant('relu6:low', 'float32', [], Float32Array.of(0))
    const high = graph.constant('relu6:high', 'float32', [], Float32Array.of(6))
    graph.node({ name, op: 'Clip', inputs: [input, low, high], outputs: [output] })
  } else if (kind === 'relu') graph.node({ name, op: 'Relu', inputs: [input], outputs: [output] })
  else throw new RangeError(`${view.node.name}: ${kind} is not an activation`)
}
