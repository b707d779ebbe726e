import type { AttributeValue, Constant, Model, Node, Tensor } from '../../src/host/graph/types.js'
import { activationKinds } from '../../src/host/program/kinds.js'
import { Random } from './kernel.js'

type Attributes = Readonly<Record<string, AttributeValue>>

/**
 * A float network under construction: each method adds a node and returns the tensor that it makes.
 */
export class Builder {
  readonly tensors: Tensor[] = []
  readonly nodes: Node[] = []
  readonly constants = new Map<string, Constant>()

  constructor(
    readonly random: Random,
    height: number,
    width: number,
  ) {
    this.tensors.push({ name: 'input', shape: [1, height, width, 3], dtype: 'float32' })
  }

  node(
    op: string,
    inputs: readonly Tensor[],
    shape: readonly number[],
    attributes: Attributes = {},
    constants: Readonly<Record<string, string>> = {},
  ): Tensor {
    const name = `${this.nodes.length}_${op}`
    const tensor: Tensor = { name: `${name}.out`, shape, dtype: 'float32' }
    this.nodes.push({
      name,
      op,
      inputs: inputs.map((t) => t.name),
      outputs: [tensor.name],
      constants,
      attributes,
    })
    this.tensors.push(tensor)
    return tensor
  }

  constant(role: string, shape: readonly number[], spread: number): string {
    const name = `${this.nodes.length}.${role}`
    const length = shape.reduce((a, b) => a * b, 1)
    const data = Float32Array.from({ length }, () => (this.random.bits() / 2 ** 31 - 1) * spread)
    this.constants.set(name, { name, shape, dtype: 'float32', data })
    return name
  }

  conv(
    input: Tensor,
    outputs: number,
    groups: number,
    kernel: number,
    stride: number,
    activation = 'linear',
  ) {
    const depth = input.shape[3] / groups
    const pad = Math.floor(kernel / 2)
    const constants = {
      weight: this.constant(
        'weight',
        [outputs, kernel, kernel, depth],
        Math.sqrt(3 / (kernel * kernel * depth)),
      ),
      bias: this.constant('bias', [outputs], 0.5),
    }
    const [height, width] = windows(input, kernel, stride, pad)
    const attributes = {
      kernel: [kernel, kernel],
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
      groups,
      activation,
      ...(activation === 'leaky' ? { slope: 0.1 } : {}),
    }
    return this.node('conv', [input], [1, height, width, outputs], attributes, constants)
  }

  convTranspose(input: Tensor, outputs: number, kernel: number, stride: number, activation = 'linear') {
    const [, height, width, inputs] = input.shape
    const pad = Math.floor((kernel - stride) / 2)
    const side = (size: number): number => (size - 1) * stride + kernel - 2 * pad
    const constants = {
      weight: this.constant('weight', [outputs, kernel, kernel, inputs], Math.sqrt(1 / inputs)),
      bias: this.constant('bias', [outputs], 0.5),
    }
    const attributes = {
      kernel: [kernel, kernel],
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
      activation,
      ...(activation === 'leaky' ? { slope: 0.1 } : {}),
    }
    const shape = [1, side(height), side(width), outputs]
    return this.node('convTranspose', [input], shape, attributes, constants)
  }

  pool(op: 'maxPool' | 'averagePool', input: Tensor, kernel: number, stride: number): Tensor {
    const pad = Math.floor(kernel / 2)
    const [height, width] = windows(input, kernel, stride, pad)
    const attributes = { kernel: [kernel, kernel], strides: [stride, stride], pads: [pad, pad, pad, pad] }
    return this.node(op, [input], [1, height, width, input.shape[3]], attributes)
  }

  upsample(input: Tensor, scale: number): Tensor {
    const [, height, width, channels] = input.shape
    return this.node('upsample', [input], [1, height * scale, width * scale, channels], { scale })
  }

  /** `pads`: top, left, bottom, right. */
  pad(input: Tensor, mode: string, pads: readonly [number, number, number, number]): Tensor {
    const [, height, width, channels] = input.shape
    const [top, left, bottom, right] = pads
    return this.node('pad', [input], [1, height + top + bottom, width + left + right, channels], {
      mode,
      pads,
    })
  }

  /** Rows become columns. */
  turn(input: Tensor): Tensor {
    const [, height, width, channels] = input.shape
    const shape = [1, width, height, channels]
    const dims = [1, 1, 1, width, height, channels]
    const strides = [0, 0, 0, channels, width * channels, 1]
    return this.node('rearrange', [input], shape, { shape, dims, strides, offset: 0 })
  }

  slice(input: Tensor, start: number, count: number): Tensor {
    return this.node('slice', [input], [...input.shape.slice(0, 3), count], { start, count })
  }

  concat(...inputs: Tensor[]): Tensor {
    const channels = inputs.reduce((sum, { shape }) => sum + shape[3], 0)
    return this.node('concat', inputs, [...inputs[0].shape.slice(0, 3), channels])
  }

  add(a: Tensor, b: Tensor, activation = 'linear'): Tensor {
    return this.node('add', [a, b], a.shape, {
      activation,
      ...(activation === 'leaky' ? { slope: 0.1 } : {}),
    })
  }

  activation(input: Tensor, kind: string): Tensor {
    return this.node('activation', [input], input.shape, { kind })
  }

  model(outputs: readonly string[]): Model {
    return {
      graph: {
        name: 'built',
        task: {
          kind: 'detection',
          labels: ['thing'],
          heads: [],
          nms: { kind: 'greedy', iou: 0.45, beta: 0.6 },
        },
        preprocessing: { mode: 'stretch', pad: 128, channels: 'rgb', mean: [0, 0, 0], std: [1, 1, 1] },
        tensors: this.tensors,
        inputs: ['input'],
        outputs,
        nodes: this.nodes,
        provenance: {},
      },
      constants: this.constants,
    }
  }
}

function windows({ shape }: Tensor, kernel: number, stride: number, pad: number): [number, number] {
  const side = (size: number): number => Math.floor((size + 2 * pad - kernel) / stride) + 1
  return [side(shape[1]), side(shape[2])]
}

/**
 * A network that no one would train: any operator on any tensor, so that slices, concatenations and
 * writing in place meet in every order; `transposed` asks for transposed convolutions, borders and
 * turned maps too. A tensor that nothing reads is an output, and now and then one that something
 * reads.
 */
export function randomModel(seed: number, size = 14, transposed = false): Model {
  const random = new Random(seed)
  const builder = new Builder(random, random.integer(3, 8), random.integer(3, 8))
  builder.conv(builder.tensors[0], random.integer(3, 9), 1, random.pick([1, 3]), 1, 'leaky')
  while (builder.nodes.length < size) grow(builder, random, transposed)
  const read = new Set(builder.nodes.flatMap(({ inputs }) => inputs))
  const outputs = builder.tensors.slice(1).filter(({ name }) => !read.has(name) || random.integer(0, 9) === 0)
  return builder.model(outputs.map(({ name }) => name))
}

function grow(builder: Builder, random: Random, transposed: boolean): void {
  const { tensors } = builder
  const from = random.pick(random.integer(0, 2) === 0 ? tensors : tensors.slice(-3))
  const [, height, width, channels] = from.shape
  const fused = random.pick(['linear', 'relu', 'relu6', 'leaky'])
  const partners = tensors.filter(({ shape }) => shape[1] === height && shape[2] === width)
  const twins = partners.filter(({ shape }) => shape[3] === channels)
  const kind = random.integer(0, 11)
  if (kind < 2)
    builder.conv(from, random.integer(1, 12), 1, random.pick([1, 3]), random.pick([1, 1, 2]), fused)
  else if (kind < 3) builder.conv(from, channels, channels, random.pick([3, 5]), random.pick([1, 2]), fused)
  else if (kind < 4 && channels % 2 === 0) builder.conv(from, random.integer(1, 4) * 2, 2, 3, 1, fused)
  else if (kind < 5)
    builder.pool(random.pick(['maxPool', 'averagePool'] as const), from, 3, random.pick([1, 2]))
  else if (kind < 6 && height * width <= 100) {
    const grown = transposed ? random.integer(0, 3) : 0
    if (grown === 0) builder.upsample(from, 2)
    else if (grown === 1) builder.convTranspose(from, random.integer(1, 12), random.integer(2, 4), 2, fused)
    else if (grown === 2) {
      const mirrors = Math.min(height, width) > 1 ? ['reflect'] : []
      builder.pad(from, random.pick(['constant', 'edge', ...mirrors]), [1, 0, 1, 1])
    } else builder.turn(from)
  } else if (kind < 8) {
    const start = random.integer(0, channels - 1)
    builder.slice(from, start, random.integer(1, channels - start))
  } else if (kind < 10 && channels <= 64) {
    builder.concat(...Array.from({ length: random.integer(1, 3) }, () => random.pick(partners)), from)
  } else if (kind < 11)
    builder.add(
      ...random.pick([
        [from, random.pick(twins)],
        [random.pick(twins), from],
      ] as const),
      fused,
    )
  else builder.activation(from, random.pick(Object.keys(activationKinds)))
}
