import { OcellusError } from '../../../../src/host/errors.js'
import type {
  AttributeValue,
  Constant,
  Graph,
  Model,
  Node,
  Tensor,
} from '../../../../src/host/graph/types.js'
import type { Checkpoint } from '../checkpoint.js'

/**
 * A layer of convolution as PyTorch names it, with the batch normalisation that follows it, if one
 * does.
 */
export interface Layer {
  /** Name of the module, as in `main.3`. */
  readonly name: string
  readonly op: 'conv' | 'convTranspose'
  readonly stride: number
  readonly pad: number
  readonly norm?: Norm
  readonly activation: 'linear' | 'relu' | 'leaky'
}

export interface Norm {
  readonly name: string
  readonly epsilon: number
}

/** Of leaky ReLU, in every published DCGAN. */
export const slope = 0.2

/** y = x * scale + shift for each channel: a batch normalisation at rest. */
interface Affine {
  readonly scale: Float64Array
  readonly shift: Float64Array
}

/** Builds the float graph of a chain of layers from a checkpoint. */
export class ChainBuilder {
  readonly nodes: Node[] = []
  readonly tensors: Tensor[] = []
  readonly constants = new Map<string, Constant>()

  constructor(
    readonly checkpoint: Checkpoint,
    input: string,
    shape: readonly number[],
  ) {
    this.tensors.push({ name: input, shape, dtype: 'float32' })
  }

  get last(): Tensor {
    return this.tensors[this.tensors.length - 1]
  }

  /** A convolution, transposed or not, with its batch normalisation folded into it. */
  async layer({ name, op, stride, pad, norm, activation }: Layer): Promise<void> {
    const { weight, shape } = await this.#weight(name, op)
    const [outputs, kh, kw] = shape
    const bias = await this.#bias(name, outputs)
    if (norm !== undefined) fold(weight, bias, await this.affine(norm, outputs))
    const [, height, width] = this.last.shape
    const side = (size: number, kernel: number): number =>
      op === 'conv'
        ? Math.floor((size + 2 * pad - kernel) / stride) + 1
        : (size - 1) * stride + kernel - 2 * pad
    const attributes: Record<string, AttributeValue> = {
      kernel: [kh, kw],
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
      ...(op === 'conv' ? { groups: 1 } : {}),
      activation,
      ...(activation === 'leaky' ? { slope } : {}),
    }
    const constants = {
      weight: this.constant(name, 'weight', shape, weight),
      bias: this.constant(name, 'bias', [outputs], bias),
    }
    this.node(name, op, [1, side(height, kh), side(width, kw), outputs], attributes, constants)
  }

  node(
    name: string,
    op: string,
    shape: readonly number[],
    attributes: Readonly<Record<string, AttributeValue>>,
    constants: Readonly<Record<string, string>> = {},
  ): void {
    const inputs = [this.last.name]
    this.tensors.push({ name: `${name}.out`, shape, dtype: 'float32' })
    this.nodes.push({ name, op, inputs, outputs: [this.last.name], constants, attributes })
  }

  /** Adds values as a constant; returns its name. Throws E_WEIGHTS_NOT_FINITE. */
  constant(
    layer: string,
    role: string,
    shape: readonly number[],
    values: Float64Array | Float32Array,
  ): string {
    const data = values instanceof Float32Array ? values : Float32Array.from(values)
    const at = data.findIndex((value) => !Number.isFinite(value))
    if (at >= 0) {
      throw new OcellusError(
        'E_WEIGHTS_NOT_FINITE',
        `${this.checkpoint.file}: ${layer}: value ${at} of its ${role} is ${data[at]}`,
      )
    }
    const name = `${layer}.${role}`
    this.constants.set(name, { name, shape, dtype: 'float32', data })
    return name
  }

  /** A batch normalisation at rest. */
  async affine({ name, epsilon }: Norm, channels: number): Promise<Affine> {
    const [weight, bias, mean, variance] = await Promise.all(
      ['weight', 'bias', 'running_mean', 'running_var'].map((role) =>
        readShaped(this.checkpoint, `${name}.${role}`, [channels]),
      ),
    )
    const scale = Float64Array.from(weight, (w, c) => w / Math.sqrt(variance[c] + epsilon))
    return { scale, shift: Float64Array.from(bias, (b, c) => b - mean[c] * scale[c]) }
  }

  model(graph: Pick<Graph, 'name' | 'task' | 'preprocessing' | 'provenance'>): Model {
    const { tensors, nodes, constants } = this
    return {
      graph: { ...graph, tensors, inputs: [tensors[0].name], outputs: [this.last.name], nodes },
      constants,
    }
  }

  /** Weights in float64 and OHWI: PyTorch's are OIHW, a transposed convolution's IOHW. */
  async #weight(name: string, op: Layer['op']): Promise<{ weight: Float64Array; shape: number[] }> {
    const key = `${name}.weight`
    const inputs = this.last.shape[3]
    const found = this.checkpoint.shape(key)
    const [first, second, kh, kw] = found
    const [own, outputs] = op === 'conv' ? [second, first] : [first, second]
    if (found.length !== 4 || own !== inputs) {
      throw new OcellusError(
        'E_CHECKPOINT_NETWORK',
        `${this.checkpoint.file}: ${key} is [${found}], but the layer before it has ${inputs} channels`,
      )
    }
    const values = await this.checkpoint.read(key)
    const weight = new Float64Array(values.length)
    const taps = kh * kw
    for (let o = 0, to = 0; o < outputs; o++) {
      for (let tap = 0; tap < taps; tap++) {
        for (let i = 0; i < inputs; i++, to++) {
          weight[to] = values[(op === 'conv' ? o * inputs + i : i * outputs + o) * taps + tap]
        }
      }
    }
    return { weight, shape: [outputs, kh, kw, inputs] }
  }

  async #bias(name: string, outputs: number): Promise<Float64Array> {
    const key = `${name}.bias`
    return this.checkpoint.has(key)
      ? Float64Array.from(await readShaped(this.checkpoint, key, [outputs]))
      : new Float64Array(outputs)
  }
}

/** Scales each filter and moves its bias as a batch normalisation behind it does. */
function fold(weight: Float64Array, bias: Float64Array, { scale, shift }: Affine): void {
  const depth = weight.length / bias.length
  for (let k = 0; k < weight.length; k++) weight[k] *= scale[Math.floor(k / depth)]
  for (let o = 0; o < bias.length; o++) bias[o] = bias[o] * scale[o] + shift[o]
}

export async function readShaped(
  checkpoint: Checkpoint,
  name: string,
  shape: readonly number[],
): Promise<Float32Array> {
  if (!checkpoint.has(name))
    throw new OcellusError(
      'E_CHECKPOINT_NETWORK',
      `${checkpoint.file} has no ${name}, which its other layers need`,
    )
  const found = checkpoint.shape(name)
  if (found.length !== shape.length || found.some((n, i) => n !== shape[i]))
    throw new OcellusError(
      'E_CHECKPOINT_NETWORK',
      `${checkpoint.file}: ${name} is [${found}], expected [${shape}]`,
    )
  return checkpoint.read(name)
}
