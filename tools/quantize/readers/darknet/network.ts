import { OcellusError } from '../../../../src/host/errors.js'
import type { AttributeValue, Node, Tensor, YoloHead } from '../../../../src/host/graph/types.js'
import { limits } from '../../../../src/host/limits.js'
import type { Cfg } from './cfg.js'
import type { Options } from './options.js'

/** A tensor and its shape: what a layer leaves for those after it. */
export interface Feature {
  readonly name: string
  readonly height: number
  readonly width: number
  readonly channels: number
}

/** What the weight file holds for a convolution, in the order of the layers. */
export interface Convolution {
  readonly node: string
  readonly filters: number
  readonly size: number
  /** Input channels that one filter sees: channels / groups. */
  readonly depth: number
  readonly batchNormalize: boolean
}

export interface Head extends YoloHead {
  readonly classes: number
  readonly nms: { readonly kind: 'greedy' | 'diou'; readonly beta: number }
  /** For errors about the labels. */
  readonly options: Options
}

/** A network as the configuration tells it, before its weights are read. */
export interface Network {
  readonly cfg: Cfg
  readonly input: Feature
  readonly letterbox: boolean
  readonly nodes: readonly Node[]
  readonly tensors: readonly Tensor[]
  readonly convolutions: readonly Convolution[]
  readonly heads: readonly Head[]
}

/** Collects nodes while the layers are read, and refuses what no machine could hold. */
export class NetworkBuilder {
  readonly nodes: Node[] = []
  readonly tensors: Tensor[] = []
  readonly convolutions: Convolution[] = []
  readonly heads: Head[] = []
  /**
   * The result of each layer so far; undefined for [yolo], whose decoded output no layer may use.
   */
  readonly layers: (Feature | undefined)[] = []
  #parameters = 0

  constructor(readonly input: Feature) {
    this.tensors.push(toTensor(input))
  }

  /** The layer that a section continues from. */
  previous(options: Options): Feature {
    return this.layers.length === 0 ? this.input : this.at(this.layers.length - 1, options)
  }

  /** The result of layer `index`, counted from 0 or, if negative, back from the present one. */
  layer(index: number, key: string, options: Options): Feature {
    const present = this.layers.length
    const absolute = index < 0 ? present + index : index
    if (absolute < 0 || absolute >= present) {
      const which = absolute === present ? 'this layer itself' : `layer ${absolute}`
      throw options.error(
        'E_CFG_ROUTE',
        `${key}=${index} means ${which}; only the layers before this one (${present}) can be used`,
        key,
      )
    }
    return this.at(absolute, options)
  }

  emit(
    name: string,
    op: string,
    inputs: readonly Feature[],
    shape: { readonly height: number; readonly width: number; readonly channels: number },
    attributes: Readonly<Record<string, AttributeValue>>,
    options: Options,
    constants: Readonly<Record<string, string>> = {},
  ): Feature {
    const feature = { name, height: shape.height, width: shape.width, channels: shape.channels }
    checkFeature(feature, options)
    if (this.nodes.length >= limits.nodes) {
      throw options.error('E_MODEL_LIMIT', `is one node too many: a graph may have ${limits.nodes}`)
    }
    this.tensors.push(toTensor(feature))
    this.nodes.push({
      name,
      op,
      inputs: inputs.map((input) => input.name),
      outputs: [name],
      constants,
      attributes,
    })
    return feature
  }

  addConvolution(convolution: Convolution, options: Options): void {
    const { filters, size, depth, batchNormalize } = convolution
    const weights = filters * size * size * depth
    this.#parameters += weights + filters * (batchNormalize ? 4 : 1)
    if (weights > limits.elements || this.#parameters * 4 > limits.modelBytes) {
      throw options.error(
        'E_MODEL_LIMIT',
        `brings the weights to ${this.#parameters * 4} bytes; at most ${limits.modelBytes} are accepted`,
      )
    }
    this.convolutions.push(convolution)
  }

  private at(index: number, options: Options): Feature {
    const feature = this.layers[index]
    if (feature === undefined) {
      throw options.error(
        'E_CFG_ROUTE',
        `takes the decoded output of layer ${index}, a [yolo]; put a [route] to an earlier layer before it`,
      )
    }
    return feature
  }
}

export function checkFeature({ height, width, channels }: Feature, options: Options): void {
  const sides = [height, width, channels]
  if (sides.some((side) => side > limits.dimension) || height * width * channels > limits.elements) {
    throw options.error(
      'E_MODEL_LIMIT',
      `makes ${width}x${height}x${channels} values; at most ${limits.dimension} a side and ${limits.elements} in all are accepted`,
    )
  }
}

const toTensor = ({ name, height, width, channels }: Feature): Tensor => ({
  name,
  shape: [1, height, width, channels],
  dtype: 'float32',
})

/** The nodes and tensors that the heads need. darknet computes the others too, for nothing. */
export function withoutDeadEnds(
  nodes: readonly Node[],
  tensors: readonly Tensor[],
  outputs: Iterable<string>,
) {
  const needed = new Set(outputs)
  const live = [...nodes].reverse().filter((node) => {
    const used = node.outputs.some((name) => needed.has(name))
    if (used) for (const name of node.inputs) needed.add(name)
    return used
  })
  return {
    nodes: live.reverse(),
    tensors: tensors.filter(({ name }, index) => index === 0 || needed.has(name)),
  }
}

/** All heads must tell the same classes apart: their boxes end in one list. */
export function checkHeads(heads: readonly Head[], cfg: Cfg): void {
  const [first, ...rest] = heads
  if (first === undefined) {
    throw new OcellusError(
      'E_CFG_SECTION',
      `${cfg.file} has no [yolo] layer; Ocellus reads YOLO detectors only`,
    )
  }
  for (const head of rest) {
    if (head.classes !== first.classes) {
      throw head.options.error(
        'E_CFG_VALUE',
        `classes=${head.classes}, but line ${first.options.section.line} has ${first.classes}`,
        'classes',
      )
    }
  }
}
