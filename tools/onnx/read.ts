import type { Graph, Model, Node, Preprocessing, Tensor, TensorForm } from '../../src/host/graph/types.js'
import type { Ends, FamilyName } from './detectors.js'
import { externalReader } from './external.js'
import { parseOnnx } from './file.js'
import { type FoldedGraph, foldGraph } from './fold.js'
import { type LoweredGraph, type LoweredPort, lowerGraph } from './lower/lower.js'
import { withGivenScales } from './quantised.js'
import { asClassifier, asDetector, detectorOf, formsOf } from './task.js'
import { count } from './value.js'

export interface OnnxOptions {
  /**
   * Shapes of inputs by name, where the file leaves sides open; a first side that is open is a
   * batch of 1.
   */
  readonly shapes?: Readonly<Record<string, readonly number[]>>
  /** Shapes that serve only where a side is open. */
  readonly hints?: Readonly<Record<string, readonly number[]>>
  /** Values of the graph to stop at, by name, instead of its outputs. */
  readonly outputs?: readonly string[]
  /**
   * How pictures become the first input, which is a map of three channels then. The file does not
   * say it.
   */
  readonly picture?: Preprocessing
  /**
   * What its outputs mean: those of a classifier, or of a detector, which `auto` finds where the
   * ends tell it. Default: they are tensors without a meaning.
   */
  readonly task?: FamilyName | 'classifier' | 'auto'
}

/** Bytes that values in another file may have in all. */
const externalBytes = 2 ** 31

/**
 * The float model of an ONNX file (opsets 7 to 21, one sample a run), with its inputs and outputs
 * under their own names and in their own shapes. Throws E_ONNX_FORMAT, E_ONNX_LIMIT,
 * E_ONNX_EXTERNAL, E_ONNX_SHAPE where an input's shape must be given, and E_ONNX_OPERATOR, which
 * tells everything that can't be converted at once.
 */
export function readOnnx(
  bytes: Uint8Array,
  file: string,
  options: OnnxOptions = {},
  report?: (line: string) => void,
): Model {
  const parsed = parseOnnx(bytes, file)
  const folded = foldGraph(parsed, { ...options, external: externalReader(file, externalBytes) })
  const lowered = lowerGraph(folded)
  const model = toModel(folded, lowered, parsed.producer, options.picture)
  const { task } = options
  if (task === undefined) return model
  const ends = endsOf(folded, model)
  const context = { file, metadata: parsed.metadata, report }
  if (task === 'classifier') return asClassifier(model, ends, context)
  const found = detectorOf(task, ends, file)
  return found === undefined ? model : asDetector(model, found, context)
}

/** The network from outside, as a detector's export is known by. */
function endsOf({ nodes }: FoldedGraph, { graph }: Model): Ends | undefined {
  const forms = formsOf(graph)
  const dims = (name: string) => forms.find((form) => form.name === name)?.shape ?? []
  const picture = dims(graph.inputs[0])
  if (graph.inputs.length !== 1 || picture.length !== 4 || picture[1] !== 3) return undefined
  return {
    height: picture[2],
    width: picture[3],
    outputs: graph.outputs.map((name) => ({ name, dims: dims(name) })),
    decodes: nodes.some(({ op }) => op === 'Exp'),
  }
}

function toModel(
  folded: FoldedGraph,
  lowered: LoweredGraph,
  producer: string,
  picture: Preprocessing | undefined,
): Model {
  const { nodes, tensors, ports, renamed } = nameOutputs(lowered)
  const used = new Set(nodes.flatMap(({ constants }) => Object.values(constants)))
  const graph: Graph = {
    name: baseName(folded.file),
    task: { kind: 'tensors', forms: [...lowered.inputs, ...ports].map(formOf) },
    ...(picture === undefined ? {} : { preprocessing: picture }),
    tensors,
    inputs: lowered.inputs.map(({ tensor }) => tensor),
    outputs: ports.map(({ tensor }) => tensor),
    nodes,
    provenance: {
      format: 'ONNX',
      weights: `${baseName(folded.file)}.onnx`,
      opset: folded.opset,
      ...(producer === '' ? {} : { producer: producer.slice(0, 100) }),
    },
  }
  const constants = new Map([...lowered.builder.constants].filter(([name]) => used.has(name)))
  const model: Model = { graph, constants }
  const { scales, weightScales } = lowered.builder
  if (scales.size === 0) return model
  const given = new Map([...scales].map(([name, scale]) => [renamed(name), scale]))
  return withGivenScales(model, { tensors: given, weights: weightScales })
}

const formOf = ({ tensor, dims, layout }: LoweredPort): TensorForm => ({
  name: tensor,
  shape: dims.length === 0 ? [1] : dims,
  layout,
})

/**
 * Tensors that are outputs take the names that the file gives those; one that is two of them is
 * copied.
 */
function nameOutputs({ nodes, tensors, inputs, outputs, builder }: LoweredGraph) {
  const names = new Map<string, string>()
  const fixed = new Set(inputs.map(({ tensor }) => tensor))
  const taken = new Set(tensors.map(({ name }) => name))
  const copies: Node[] = []
  const made: Tensor[] = []
  const ports = outputs.map((port): LoweredPort => {
    const { tensor, name } = port
    if (!fixed.has(tensor) && !names.has(tensor) && !fixed.has(name)) {
      // A step on the way to the output may have its name: that one gives way.
      if (name !== tensor && taken.has(name)) names.set(name, builder.unique(`${name}:inner`))
      names.set(tensor, name)
      taken.add(name)
      return { ...port, tensor: name }
    }
    const { shape, dtype } = builder.tensors.get(tensor)!
    const copy = builder.unique(taken.has(name) ? `${name}:output` : name)
    taken.add(copy)
    made.push({ name: copy, shape, dtype })
    copies.push({
      name: `${nodes.length + copies.length}_rearrange`,
      op: 'rearrange',
      inputs: [tensor],
      outputs: [copy],
      constants: {},
      attributes: {
        shape: [...shape],
        dims: [1, 1, 1, 1, 1, count(shape)],
        strides: [0, 0, 0, 0, 0, 1],
        offset: 0,
      },
    })
    return { ...port, tensor: copy }
  })
  const renamed = (name: string) => names.get(name) ?? name
  return {
    ports,
    renamed,
    tensors: [...tensors.map((tensor) => ({ ...tensor, name: renamed(tensor.name) })), ...made],
    nodes: [...nodes, ...copies].map((node) => ({
      ...node,
      inputs: node.inputs.map(renamed),
      outputs: node.outputs.map(renamed),
    })),
  }
}

const baseName = (path: string): string => {
  const name = path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1).replace(/\.onnx$/i, '')
  return name || 'network'
}
