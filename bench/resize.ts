import { OcellusError } from '../src/host/errors.js'
import { operators } from '../src/host/graph/ops/index.js'
import type { Constant, Model, Tensor } from '../src/host/graph/types.js'
import { verifyModel } from '../src/host/graph/verify.js'

/**
 * The same network for pictures of another size, where all of its operators slide over them. Throws
 * E_OPTION.
 */
export function resizeModel(model: Model, height: number, width: number): Model {
  const { graph, constants } = model
  const tensors = new Map(graph.tensors.map((tensor) => [tensor.name, tensor]))
  const [input] = graph.inputs
  const { shape } = tensors.get(input)!
  if (graph.preprocessing === undefined || shape.length !== 4) {
    throw new OcellusError('E_OPTION', `${graph.name} takes no pictures: it has one size`)
  }
  set(tensors, input, [1, height, width, shape[3]])
  for (const node of graph.nodes) {
    const view = {
      node,
      inputs: node.inputs.map((name) => tensors.get(name)!),
      output: tensors.get(node.outputs[0])!,
      constants: Object.fromEntries(
        Object.entries(node.constants).map(([role, name]): [string, Constant] => [
          role,
          constants.get(name)!,
        ]),
      ),
    }
    fitting(() => set(tensors, node.outputs[0], operators.get(node.op)!.infer(view)))
  }
  const resized = { graph: { ...graph, tensors: [...tensors.values()] }, constants }
  fitting(() => verifyModel(resized))
  return resized

  function fitting(check: () => unknown): void {
    try {
      check()
    } catch (cause) {
      const why = cause instanceof OcellusError ? cause.message : String(cause)
      throw new OcellusError('E_OPTION', `${graph.name} can't be ${width}x${height}: ${why}`, { cause })
    }
  }
}

function set(tensors: Map<string, Tensor>, name: string, shape: readonly number[]): void {
  tensors.set(name, { ...tensors.get(name)!, shape })
}
