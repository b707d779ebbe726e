import { OcellusError } from '../../src/host/errors.js'
import { integer, integers, type NodeView } from '../../src/host/graph/descriptor.js'
import { curveOf } from '../../src/host/graph/ops/activation.js'
import { activationSlope, type FusedActivation, fusedActivation } from '../../src/host/graph/ops/shared.js'

/** What we use of tfjs-core, which is found at run time and so has no types here. */
export interface TensorFlow {
  setBackend(name: string): Promise<boolean>
  ready(): Promise<void>
  tensor(data: Float32Array, shape: readonly number[]): TfTensor
  tidy(work: () => void): void
  disposeVariables(): void
  add(a: TfTensor, b: TfTensor): TfTensor
  mul(a: TfTensor, b: TfTensor): TfTensor
  sigmoid(x: TfTensor): TfTensor
  softplus(x: TfTensor): TfTensor
  tanh(x: TfTensor): TfTensor
  relu(x: TfTensor): TfTensor
  relu6(x: TfTensor): TfTensor
  leakyRelu(x: TfTensor, alpha: number): TfTensor
  concat(tensors: readonly TfTensor[], axis: number): TfTensor
  split(x: TfTensor, parts: number, axis: number): TfTensor[]
  slice(x: TfTensor, begin: readonly number[], size: readonly number[]): TfTensor
  pad(x: TfTensor, pads: readonly (readonly [number, number])[], value: number): TfTensor
  maxPool(x: TfTensor, kernel: readonly number[], strides: readonly number[], pad: 'valid'): TfTensor
  avgPool(x: TfTensor, kernel: readonly number[], strides: readonly number[], pad: 'valid'): TfTensor
  readonly image: { resizeNearestNeighbor(x: TfTensor, size: readonly number[]): TfTensor }
  readonly fused: {
    conv2d(options: Convolution): TfTensor
    depthwiseConv2d(options: Convolution): TfTensor
  }
}

export interface TfTensor {
  dataSync(): Float32Array
}

interface Convolution {
  readonly x: TfTensor
  readonly filter: TfTensor
  readonly bias?: TfTensor
  readonly strides: readonly number[]
  readonly pad: readonly (readonly number[])[]
  readonly activation?: string
  readonly leakyreluAlpha?: number
}

/** A convolution's filters, one tensor for each group, and its bias. */
export interface Weights {
  readonly filters: readonly TfTensor[]
  readonly bias?: TfTensor
}

const isDepthwise = (view: NodeView): boolean => {
  const groups = integer(view, 'groups', 1)
  return groups > 1 && groups === view.inputs[0].shape[3] && groups === view.output.shape[3]
}

/** Our OHWI weights in TensorFlow's order: HWIO, or HWC1 of a depthwise convolution. */
export function loadWeights(tf: TensorFlow, view: NodeView): Weights {
  if (view.node.op !== 'conv') return { filters: [] }
  const { weight, bias } = view.constants
  const [outputs, height, width, inputs] = weight.shape
  const groups = isDepthwise(view) ? 1 : integer(view, 'groups', 1)
  const each = outputs / groups
  const source = weight.data as Float32Array
  const filters = Array.from({ length: groups }, (_, g) => {
    const data = new Float32Array(source.length / groups)
    for (let o = 0; o < each; o++) {
      for (let k = 0; k < height * width * inputs; k++) {
        data[k * each + o] = source[(g * each + o) * height * width * inputs + k]
      }
    }
    return tf.tensor(data, isDepthwise(view) ? [height, width, outputs, 1] : [height, width, inputs, each])
  })
  return { filters, bias: tf.tensor(bias.data as Float32Array, [outputs]) }
}

/**
 * One of our nodes by TensorFlow's operators. Throws E_MODEL_OPERATOR for what has no counterpart
 * there.
 */
export function runNode(
  tf: TensorFlow,
  view: NodeView,
  inputs: readonly TfTensor[],
  weights: Weights,
): TfTensor {
  const [x] = inputs
  switch (view.node.op) {
    case 'conv':
      return convolution(tf, view, x, weights)
    case 'add':
      return activated(tf, view, tf.add(x, inputs[1]))
    case 'activation':
      return activation(tf, view, x)
    case 'maxPool':
    case 'averagePool':
      return pool(tf, view, x)
    case 'concat':
      return tf.concat(inputs, 3)
    case 'slice':
      return tf.slice(x, [0, 0, 0, integer(view, 'start')], [-1, -1, -1, integer(view, 'count')])
    case 'upsample':
      return tf.image.resizeNearestNeighbor(x, view.output.shape.slice(1, 3))
    default:
      throw misfit(view, 'has no counterpart in tfjs')
  }
}

function convolution(tf: TensorFlow, view: NodeView, x: TfTensor, { filters, bias }: Weights): TfTensor {
  const [top, left, bottom, right] = integers(view, 'pads')
  const options = {
    strides: integers(view, 'strides'),
    pad: [
      [0, 0],
      [top, bottom],
      [left, right],
      [0, 0],
    ],
  }
  const fused = {
    bias,
    activation: fusedNames[fusedActivation(view)],
    leakyreluAlpha: activationSlope(view),
  }
  if (isDepthwise(view)) return tf.fused.depthwiseConv2d({ x, filter: filters[0], ...options, ...fused })
  if (filters.length === 1) return tf.fused.conv2d({ x, filter: filters[0], ...options, ...fused })
  const parts = tf.split(x, filters.length, 3)
  const sums = parts.map((part, g) => tf.fused.conv2d({ x: part, filter: filters[g], ...options }))
  return activated(tf, view, tf.add(tf.concat(sums, 3), bias!))
}

/** What tfjs calls an activation that a convolution applies by itself. */
const fusedNames: Readonly<Record<FusedActivation, string>> = {
  linear: 'linear',
  relu: 'relu',
  relu6: 'relu6',
  leaky: 'leakyrelu',
}

function activated(tf: TensorFlow, view: NodeView, x: TfTensor): TfTensor {
  switch (fusedActivation(view)) {
    case 'relu':
      return tf.relu(x)
    case 'relu6':
      return tf.relu6(x)
    case 'leaky':
      return tf.leakyRelu(x, activationSlope(view))
    case 'linear':
      return x
  }
}

function activation(tf: TensorFlow, view: NodeView, x: TfTensor): TfTensor {
  const kind = curveOf(view.node)
  switch (kind) {
    case 'logistic':
      return tf.sigmoid(x)
    case 'swish':
      return tf.mul(x, tf.sigmoid(x))
    case 'mish':
      return tf.mul(x, tf.tanh(tf.softplus(x)))
    case 'tanh':
      return tf.tanh(x)
    default:
      throw misfit(view, `of the kind ${kind} has no counterpart in tfjs`)
  }
}

function pool(tf: TensorFlow, view: NodeView, x: TfTensor): TfTensor {
  const [top, left, bottom, right] = integers(view, 'pads')
  const padded = top + left + bottom + right > 0
  const window = [integers(view, 'kernel'), integers(view, 'strides')] as const
  if (view.node.op === 'averagePool') {
    if (padded) throw misfit(view, 'averages over padding in tfjs')
    return tf.avgPool(x, ...window, 'valid')
  }
  const pads = [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ] as const
  return tf.maxPool(padded ? tf.pad(x, pads, -3e38) : x, ...window, 'valid')
}

const misfit = (view: NodeView, what: string): OcellusError =>
  new OcellusError('E_MODEL_OPERATOR', `${view.node.name}: ${view.node.op} ${what}`)
