import { OcellusError } from '../../../src/host/errors.js'
import type { DetectionTask, Model } from '../../../src/host/graph/types.js'
import { plainBytes } from '../../../src/host/source/bytes.js'
import { baseName } from './base-name.js'
import { buildNetwork } from './darknet/build.js'
import { parseCfg } from './darknet/cfg.js'
import { type Network, withoutDeadEnds } from './darknet/network.js'
import { checkLength, readConstants, readHeader, type WeightFile } from './darknet/weights.js'

export { buildNetwork } from './darknet/build.js'
export { parseCfg } from './darknet/cfg.js'
export type { Network } from './darknet/network.js'

export interface DarknetFiles {
  readonly cfg: { readonly text: string; readonly file: string }
  readonly weights: WeightFile
  /** One label for each class; `class 0`, `class 1` and so on where absent. */
  readonly names?: readonly string[]
  /** Of batch normalisation; darknet's is 1e-5, OpenCV takes 1e-6 for the same file. */
  readonly epsilon?: number
}

/** darknet's `-thresh` for suppression in its detector, which no cfg can set. */
const iou = 0.45
const defaultEpsilon = 1e-5

/**
 * Reads a darknet detector into the float model that the engine runs and the quantiser starts from.
 */
export function readDarknet({ cfg, weights, names, epsilon }: DarknetFiles): Model {
  return assemble(buildNetwork(parseCfg(cfg.text, cfg.file)), weights, names, epsilon)
}

/**
 * The second half of `readDarknet`, for callers that look at the network before they choose the
 * labels.
 */
export function assemble(
  network: Network,
  given: WeightFile,
  names?: readonly string[],
  epsilon = defaultEpsilon,
): Model {
  const weights: WeightFile = { ...given, bytes: plainBytes(given.bytes) }
  if (!(epsilon > 0 && epsilon < 1)) {
    throw new OcellusError('E_OPTION', `the batch-norm epsilon is ${epsilon}; it must lie between 0 and 1`)
  }
  const { cfg, input, convolutions } = network
  const task = detection(network, names)
  const header = readHeader(weights)
  checkLength(convolutions, header, weights, cfg.file)
  const all = readConstants(convolutions, header, weights, epsilon)
  const outputs = [...new Set(task.heads.map((head) => head.output))]
  const { nodes, tensors } = withoutDeadEnds(network.nodes, network.tensors, outputs)
  const used = new Set(nodes.flatMap((node) => Object.values(node.constants)))
  return {
    graph: {
      name: baseName(weights.file).replace(/\.weights$/, ''),
      task,
      preprocessing: {
        mode: network.letterbox ? 'letterbox' : 'stretch',
        pad: 128,
        channels: 'rgb',
        mean: [0, 0, 0],
        std: [1, 1, 1],
      },
      tensors,
      inputs: [input.name],
      outputs,
      nodes,
      provenance: {
        format: 'darknet',
        cfg: baseName(cfg.file),
        weights: baseName(weights.file),
        darknetVersion: header.version,
        imagesSeen: header.seen,
        batchNormEpsilon: epsilon,
      },
    },
    constants: new Map([...all].filter(([name]) => used.has(name))),
  }
}

function detection({ heads }: Network, names: readonly string[] | undefined): DetectionTask {
  const last = heads[heads.length - 1]
  const { classes } = last
  const labels = names ?? Array.from({ length: classes }, (_, i) => `class ${i}`)
  if (labels.length !== classes) {
    throw last.options.error(
      'E_CFG_VALUE',
      `classes=${classes}, but there are ${labels.length} names: give the names file of this network`,
      'classes',
    )
  }
  return {
    kind: 'detection',
    labels: [...labels],
    heads: heads.map(({ output, anchors, scaleXY, newCoords }) => ({ output, anchors, scaleXY, newCoords })),
    // darknet takes the settings of its last layer.
    nms: { kind: last.nms.kind, iou, beta: last.nms.beta },
  }
}
