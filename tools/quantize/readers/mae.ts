import { OcellusError } from '../../../src/host/errors.js'
import type { AutoencoderTask, Constant, Model, Node, Tensor } from '../../../src/host/graph/types.js'
import { dynamicAttributes, quantizeRows } from '../passes/linear.js'
import { baseName } from './base-name.js'
import type { Checkpoint } from './checkpoint.js'
import {
  type Architecture,
  architectureOf,
  isMae,
  type ReadMaeOptions,
  type Stack,
  shapeOf,
} from './mae/architecture.js'
import { sineCosinePositions } from './mae/positions.js'
import type { NetworkReader } from './network-reader.js'

export type { MaeOptions, ReadMaeOptions } from './mae/architecture.js'
export { isMae } from './mae/architecture.js'

/**
 * Patches that the encoder sees until a session asks for another number: 25 %, as MAE is trained.
 */
const visibleShare = 0.25

/**
 * The masked autoencoders of facebookresearch/mae, encoders alone and those finetuned with global
 * pooling included.
 */
export const maskedAutoencoder: NetworkReader = {
  title: 'masked autoencoder as facebookresearch/mae has it',
  task: 'autoencoder',
  mark: 'patch_embed.proj.weight',
  fits: (checkpoint) => isMae(checkpoint.names),
  read: (checkpoint, options) => readMae(checkpoint, { ...options, epsilon: options.epsilon?.[0] }),
  mayStay(checkpoint, { encoderOnly }) {
    // A classifier's head, and what only a decoder would use.
    const head = /^head\./
    if (encoderOnly) return [head, /^(decoder_|mask_token$)/]
    return checkpoint.has('decoder_embed.weight') ? [head] : [head, /^mask_token$/]
  },
}

/**
 * A masked autoencoder, or its encoder alone, from a checkpoint with the names of
 * facebookresearch/mae. Throws E_CHECKPOINT_*, E_WEIGHTS_NOT_FINITE, E_OPTION.
 */
export async function readMae(checkpoint: Checkpoint, options: ReadMaeOptions = {}): Promise<Model> {
  const architecture = architectureOf(checkpoint, options)
  const network = new Network(checkpoint, architecture, options)
  const { latent, features } = await network.encoder()
  const prediction = architecture.decoder && (await network.decoder(latent, architecture.decoder))
  const { patch, side, encoder, decoder } = architecture
  const task: AutoencoderTask = {
    kind: 'autoencoder',
    patch,
    latent,
    ...(prediction === undefined ? {} : { prediction }),
    ...(features === undefined ? {} : { features }),
    normalizedPatches: architecture.normalizedPatches ?? options.normalizedPatches ?? false,
  }
  return {
    graph: {
      name: baseName(checkpoint.file).replace(/\.(pth|pt|safetensors)$/, ''),
      task,
      preprocessing: {
        mode: 'stretch',
        pad: 128,
        channels: 'rgb',
        mean: [0.485, 0.456, 0.406],
        std: [0.229, 0.224, 0.225],
      },
      tensors: network.tensors,
      inputs: ['image'],
      outputs: [latent, prediction, features].filter((name) => name !== undefined),
      nodes: network.nodes,
      provenance: {
        format: checkpoint.format,
        weights: baseName(checkpoint.file),
        imageSize: side * patch,
        patch,
        encoder: [encoder.width, encoder.depth, encoder.heads],
        ...(decoder === undefined ? {} : { decoder: [decoder.width, decoder.depth, decoder.heads] }),
        layerNormEpsilon: options.epsilon ?? 1e-6,
        ...(options.precision === 'int8'
          ? { quantization: 'int8 weights, tokens int8 by their own range' }
          : {}),
      },
    },
    constants: network.constants,
  }
}

/**
 * The graph while it is built: each method adds nodes and returns the tensor that the last one
 * makes.
 */
class Network {
  readonly tensors: Tensor[]
  readonly nodes: Node[] = []
  readonly constants = new Map<string, Constant>()
  readonly #places: number

  constructor(
    readonly checkpoint: Checkpoint,
    readonly architecture: Architecture,
    readonly options: ReadMaeOptions,
  ) {
    const { side, patch } = architecture
    this.#places = side * side
    this.tensors = [{ name: 'image', shape: [1, side * patch, side * patch, 3], dtype: 'float32' }]
  }

  async encoder(): Promise<{ latent: string; features?: string }> {
    const { patch, encoder } = this.architecture
    const count = Math.max(1, Math.floor(this.#places * visibleShare))
    const values = patch * patch * 3
    const chosen = this.#node('patches', 'patches', 'image', count, values, { patch, count })
    const embedded = await this.#linear('patch_embed.proj', chosen, count, encoder.width, values, patchesLast)
    const [positions, own] = await this.#positions('pos_embed', encoder.width)
    const token = await this.#read('cls_token', [1, 1, encoder.width])
    const constants = {
      first: this.#constant(
        'cls_token',
        [encoder.width],
        token.map((v, c) => v + own[c]),
      ),
      positions: this.#constant('pos_embed', [this.#places, encoder.width], positions),
    }
    const x = this.#node('embed', 'embedTokens', embedded, count + 1, encoder.width, {}, constants)
    const tokens = await this.#blocks('blocks', x, count + 1, encoder)
    if (!this.#isPooled) return { latent: await this.#norm('norm', tokens, count + 1, encoder.width) }
    // Finetuned with global pooling: no norm of the tokens, but one of the mean of the patches'
    // tokens. Of the two means that a window of all tokens but one takes, the second leaves the
    // class token out.
    const window = { kernel: [1, count], strides: [1, 1], pads: [0, 0, 0, 0] }
    const means = this.#node('pool', 'averagePool', tokens, 2, encoder.width, window)
    return { latent: tokens, features: await this.#norm('fc_norm', means, 2, encoder.width) }
  }

  get #isPooled(): boolean {
    const { checkpoint, architecture } = this
    return (
      architecture.decoder === undefined && !checkpoint.has('norm.weight') && checkpoint.has('fc_norm.weight')
    )
  }

  async decoder(latent: string, stack: Stack): Promise<string> {
    const { patch, encoder } = this.architecture
    const visible = this.tensors.find(({ name }) => name === latent)!.shape[2]
    const x = await this.#linear('decoder_embed', latent, visible, stack.width, encoder.width)
    const [positions, own] = await this.#positions('decoder_pos_embed', stack.width)
    const all = new Float32Array(own.length + positions.length)
    all.set(own)
    all.set(positions, own.length)
    const constants = {
      mask: this.#constant('mask_token', [stack.width], await this.#read('mask_token', [1, 1, stack.width])),
      positions: this.#constant('decoder_pos_embed', [this.#places + 1, stack.width], all),
    }
    const tokens = this.#places + 1
    const spread = this.#node('scatter', 'scatterTokens', x, tokens, stack.width, {}, constants)
    const blocks = await this.#blocks('decoder_blocks', spread, tokens, stack)
    const normed = await this.#norm('decoder_norm', blocks, tokens, stack.width)
    return this.#linear('decoder_pred', normed, tokens, patch * patch * 3, stack.width)
  }

  async #blocks(
    prefix: string,
    input: string,
    tokens: number,
    { width, depth, heads }: Stack,
  ): Promise<string> {
    let x = input
    for (let n = 0; n < depth; n++) {
      const name = `${prefix}.${n}`
      const [hidden] = shapeOf(this.checkpoint, `${name}.mlp.fc1.weight`, 2)
      const normed = await this.#norm(`${name}.norm1`, x, tokens, width)
      const qkv = await this.#linear(`${name}.attn.qkv`, normed, tokens, 3 * width, width)
      const bits = this.options.precision === 'int8' ? dynamicAttributes('attention', 8) : {}
      const attended = this.#node(`${name}.attn`, 'attention', qkv, tokens, width, { heads, ...bits })
      const projected = await this.#linear(`${name}.attn.proj`, attended, tokens, width, width)
      const y = this.#add(`${name}.add1`, x, projected, tokens, width)
      const again = await this.#norm(`${name}.norm2`, y, tokens, width)
      const wide = await this.#linear(`${name}.mlp.fc1`, again, tokens, hidden, width)
      const curved = this.#node(`${name}.mlp.act`, 'activation', wide, tokens, hidden, { kind: 'gelu' })
      const narrow = await this.#linear(`${name}.mlp.fc2`, curved, tokens, width, hidden)
      x = this.#add(`${name}.add2`, y, narrow, tokens, width)
    }
    return x
  }

  #node(
    name: string,
    op: string,
    input: string | readonly string[],
    tokens: number,
    channels: number,
    attributes: Node['attributes'] = {},
    constants: Node['constants'] = {},
  ): string {
    const output = `${name}.out`
    const inputs = typeof input === 'string' ? [input] : input
    this.nodes.push({ name, op, inputs, outputs: [output], constants, attributes })
    this.tensors.push({ name: output, shape: [1, 1, tokens, channels], dtype: 'float32' })
    return output
  }

  #add(name: string, a: string, b: string, tokens: number, channels: number): string {
    return this.#node(name, 'add', [a, b], tokens, channels, { activation: 'linear' })
  }

  async #linear(
    name: string,
    input: string,
    tokens: number,
    outputs: number,
    depth: number,
    arrange?: (weight: Float32Array, outputs: number, patch: number) => Float32Array,
  ): Promise<string> {
    const { patch } = this.architecture
    const stored = arrange === undefined ? [outputs, depth] : [outputs, 3, patch, patch]
    const read = await this.#read(`${name}.weight`, stored)
    const data = arrange === undefined ? read : arrange(read, outputs, patch)
    const weight: Constant = { name: `${name}.weight`, shape: [outputs, depth], dtype: 'float32', data }
    // Query, key and value may be trained without biases.
    const bias = this.checkpoint.has(`${name}.bias`)
      ? await this.#read(`${name}.bias`, [outputs])
      : new Float32Array(outputs)
    const constants = { weight: weight.name, bias: this.#constant(`${name}.bias`, [outputs], bias) }
    if (this.options.precision !== 'int8') {
      this.constants.set(weight.name, weight)
      return this.#node(name, 'linear', input, tokens, outputs, {}, constants)
    }
    const { quantized, scale } = quantizeRows(name, weight, this.options.bits ?? 8)
    this.constants.set(weight.name, quantized)
    this.constants.set(scale.name, scale)
    const all = { ...constants, weightScale: scale.name }
    return this.#node(
      name,
      'linear',
      input,
      tokens,
      outputs,
      dynamicAttributes('linear', this.options.bits ?? 8),
      all,
    )
  }

  async #norm(name: string, input: string, tokens: number, channels: number): Promise<string> {
    const epsilon = this.options.epsilon ?? 1e-6
    const constants = {
      gamma: this.#constant(`${name}.weight`, [channels], await this.#read(`${name}.weight`, [channels])),
      beta: this.#constant(`${name}.bias`, [channels], await this.#read(`${name}.bias`, [channels])),
    }
    return this.#node(name, 'layerNorm', input, tokens, channels, { epsilon }, constants)
  }

  /** Positions of the patches, and of the class token. */
  async #positions(name: string, channels: number): Promise<[Float32Array, Float32Array]> {
    if (!this.checkpoint.has(name)) {
      if (channels % 4 !== 0) {
        throw new OcellusError(
          'E_CHECKPOINT_NETWORK',
          `${this.checkpoint.file}: ${name} is missing, and ${channels} channels are no multiple of 4 to compute it`,
        )
      }
      return [sineCosinePositions(this.architecture.side, channels), new Float32Array(channels)]
    }
    const all = await this.#read(name, [1, this.#places + 1, channels])
    return [all.subarray(channels), all.subarray(0, channels)]
  }

  #constant(name: string, shape: readonly number[], data: Float32Array): string {
    this.constants.set(name, { name, shape, dtype: 'float32', data })
    return name
  }

  async #read(name: string, expected: readonly number[]): Promise<Float32Array> {
    const shape = shapeOf(this.checkpoint, name, expected.length)
    if (shape.some((n, i) => n !== expected[i])) {
      throw new OcellusError(
        'E_CHECKPOINT_NETWORK',
        `${this.checkpoint.file}: ${name} is [${shape}], expected [${expected}]`,
      )
    }
    const values = await this.checkpoint.read(name)
    const at = values.findIndex((value) => !Number.isFinite(value))
    if (at >= 0) {
      throw new OcellusError(
        'E_WEIGHTS_NOT_FINITE',
        `${this.checkpoint.file}: ${name} holds ${values[at]} at ${at}; every weight must be finite`,
      )
    }
    return values
  }
}

/**
 * A convolution's [out, colour, row, column] in the order of a patch's pixels: row, column, colour.
 */
function patchesLast(weight: Float32Array, outputs: number, patch: number): Float32Array {
  const area = patch * patch
  const arranged = new Float32Array(weight.length)
  for (let o = 0; o < outputs; o++) {
    for (let c = 0; c < 3; c++) {
      for (let n = 0; n < area; n++) arranged[(o * area + n) * 3 + c] = weight[(o * 3 + c) * area + n]
    }
  }
  return arranged
}
