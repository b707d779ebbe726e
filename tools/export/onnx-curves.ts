import type { NodeView } from '../../src/host/graph/descriptor.js'
import type { activationKinds, curveKinds } from '../../src/host/program/kinds.js'
import type { OnnxGraph } from './onnx-graph.js'
import { writeGelu } from './onnx-tokens.js'

/** Writes a curve from `x` to `y`, both float32. */
type CurveWriter = (view: NodeView, graph: OnnxGraph, x: string, y: string) => void

/**
 * Adds a node of a curve; returns the name of what it makes, which is a step of its own unless it
 * is given.
 */
function step(
  { node }: NodeView,
  graph: OnnxGraph,
  op: string,
  inputs: readonly string[],
  to = `${node.name}:${op.toLowerCase()}`,
  floats: Readonly<Record<string, number>> = {},
): string {
  graph.node({ name: `${node.name}:${op}:${to}`, op, inputs, outputs: [to], floats })
  return to
}

const scalar = (graph: OnnxGraph, value: number): string =>
  graph.constant(`curve:${value}`, 'float32', [], Float32Array.of(value))

/** The curves by their definition: ours are tables in int8, but ONNX has no operator for one. */
const writers: Readonly<
  Partial<Record<keyof typeof activationKinds | keyof typeof curveKinds, CurveWriter>>
> = {
  logistic: (view, graph, x, y) => step(view, graph, 'Sigmoid', [x], y),
  tanh: (view, graph, x, y) => step(view, graph, 'Tanh', [x], y),
  gelu: writeGelu,
  swish: (view, graph, x, y) => step(view, graph, 'Mul', [x, step(view, graph, 'Sigmoid', [x])], y),
  mish(view, graph, x, y) {
    const softplus = step(view, graph, 'Softplus', [x])
    step(view, graph, 'Mul', [x, step(view, graph, 'Tanh', [softplus])], y)
  },
  // HardSwish itself came with opset 14.
  hardSwish(view, graph, x, y) {
    const floats = { alpha: 1 / 6, beta: 0.5 }
    step(view, graph, 'Mul', [x, step(view, graph, 'HardSigmoid', [x], undefined, floats)], y)
  },
  hardMish(view, graph, x, y) {
    const low = step(view, graph, 'Clip', [x, scalar(graph, -2), scalar(graph, 0)])
    const square = step(view, graph, 'Mul', [low, low])
    const half = step(view, graph, 'Mul', [square, scalar(graph, 0.5)], `${view.node.name}:half`)
    const parabola = step(view, graph, 'Add', [half, low])
    step(view, graph, 'Add', [parabola, step(view, graph, 'Relu', [x])], y)
  },
}

export const curveWriters: ReadonlyMap<string, CurveWriter> = new Map(Object.entries(writers))
