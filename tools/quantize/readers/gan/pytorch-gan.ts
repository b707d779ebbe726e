import { OcellusError } from '../../../../src/host/errors.js'
import type { Model } from '../../../../src/host/graph/types.js'
import type { Checkpoint } from '../checkpoint.js'
import type { NetworkOptions, NetworkReader } from '../network-reader.js'
import { discrimination, epsilons, generation, greyAsColour, noise, strange } from './common.js'
import { ChainBuilder, readShaped } from './layers.js'

/**
 * Its code passes 0.8 as epsilon, by a slip that its users' weights have learned with; nobody can
 * tell from weights.
 */
function ownEpsilons(checkpoint: Checkpoint, options: NetworkOptions, usual: readonly number[]): number[] {
  if (options.epsilon !== undefined) return epsilons(options, usual.length, 0)
  throw new OcellusError(
    'E_OPTION',
    `${checkpoint.file} is a PyTorch-GAN network, whose batch-norm epsilon no checkpoint tells: give --epsilon ${usual.join(',')} for that repository's code`,
  )
}

/**
 * The generator of PyTorch-GAN's DCGAN: a linear layer `l1.0` to [128, side, side], batch
 * normalisation, then twice nearest-neighbour doubling, a 3x3 convolution, batch normalisation and
 * leaky ReLU, and a last convolution.
 */
export const pytorchGanGenerator: NetworkReader = {
  title: 'DCGAN generator of PyTorch-GAN',
  task: 'generation',
  mark: 'l1.0.weight',
  mayStay: () => [noise],
  fits: (checkpoint) =>
    [
      'conv_blocks.0.running_mean',
      'conv_blocks.2.weight',
      'conv_blocks.6.weight',
      'conv_blocks.9.weight',
    ].every((name) => checkpoint.has(name)),
  read: readGenerator,
}

async function readGenerator(checkpoint: Checkpoint, options: NetworkOptions): Promise<Model> {
  const epsilon = ownEpsilons(checkpoint, options, [1e-5, 0.8, 0.8])
  const [rows, latent] = checkpoint.shape('l1.0.weight')
  const [, channels] = checkpoint.shape('conv_blocks.2.weight')
  const side = Math.sqrt(rows / channels)
  if (!Number.isInteger(side))
    throw strange(checkpoint, `l1.0 gives ${rows} values, no square of ${channels} channels`)
  const chain = new ChainBuilder(checkpoint, 'latent', [1, 1, 1, latent])
  await linearToMap(chain, side, channels, epsilon[0])
  for (const [i, index] of [2, 6, 9].entries()) {
    const [, height, width, depth] = chain.last.shape
    if (i < 2)
      chain.node(`conv_blocks.${index - 1}`, 'upsample', [1, height * 2, width * 2, depth], { scale: 2 })
    await chain.layer({
      name: `conv_blocks.${index}`,
      op: 'conv',
      stride: 1,
      pad: 1,
      activation: i < 2 ? 'leaky' : 'linear',
      ...(i < 2 ? { norm: { name: `conv_blocks.${index + 1}`, epsilon: epsilon[i + 1] } } : {}),
    })
  }
  return generation(chain, pytorchGanGenerator.title, epsilon)
}

/**
 * A linear layer whose result is seen as a map, and the batch normalisation of that map: a
 * transposed convolution of the latent, with a bias for each position.
 */
async function linearToMap(
  chain: ChainBuilder,
  side: number,
  channels: number,
  epsilon: number,
): Promise<void> {
  const { checkpoint } = chain
  const area = side * side
  const latent = chain.last.shape[3]
  const weights = await readShaped(checkpoint, 'l1.0.weight', [channels * area, latent])
  const biases = await readShaped(checkpoint, 'l1.0.bias', [channels * area])
  const { scale, shift } = await chain.affine({ name: 'conv_blocks.0', epsilon }, channels)
  // Rows are [channel][position], as OHWI wants them; biases are wanted as [position][channel].
  const weight = Float64Array.from(weights, (w, k) => w * scale[Math.floor(k / (area * latent))])
  const bias = Float64Array.from(biases, (_, k) => {
    const [position, c] = [Math.floor(k / channels), k % channels]
    return biases[c * area + position] * scale[c] + shift[c]
  })
  const constants = {
    weight: chain.constant('l1.0', 'weight', [channels, side, side, latent], weight),
    bias: chain.constant('l1.0', 'bias', [side, side, channels], bias),
  }
  const attributes = { kernel: [side, side], strides: [1, 1], pads: [0, 0, 0, 0], activation: 'linear' }
  chain.node('l1.0', 'convTranspose', [1, side, side, channels], attributes, constants)
}

/**
 * The discriminator of PyTorch-GAN's DCGAN: four 3x3 convolutions of stride 2, each with leaky ReLU
 * and then, but for the first, batch normalisation; a linear layer makes one number. A batch
 * normalisation before a padded convolution folds into neither side (the padding is not
 * normalised): it stays, as a depthwise 1x1 convolution.
 */
export const pytorchGanDiscriminator: NetworkReader = {
  title: 'DCGAN discriminator of PyTorch-GAN',
  task: 'discrimination',
  mark: 'adv_layer.0.weight',
  mayStay: () => [noise],
  fits: (checkpoint) =>
    [...convolutions.map((n) => `model.${n}.weight`), 'model.6.running_mean'].every((name) =>
      checkpoint.has(name),
    ),
  read: readDiscriminator,
}

/** Places of the discriminator's convolutions in its `model`. */
const convolutions = [0, 3, 7, 11]

async function readDiscriminator(checkpoint: Checkpoint, options: NetworkOptions): Promise<Model> {
  const epsilon = ownEpsilons(checkpoint, options, [0.8, 0.8, 0.8])
  const [, features] = checkpoint.shape('adv_layer.0.weight')
  const [channels] = checkpoint.shape('model.11.weight')
  const side = Math.sqrt(features / channels)
  if (!Number.isInteger(side))
    throw strange(checkpoint, `adv_layer.0 takes ${features} values, no square of ${channels} channels`)
  const coloured = greyAsColour(checkpoint, 'model.0.weight')
  const chain = new ChainBuilder(coloured, 'picture', [1, side * 16, side * 16, 3])
  for (const [i, index] of convolutions.entries()) {
    await chain.layer({ name: `model.${index}`, op: 'conv', stride: 2, pad: 1, activation: 'leaky' })
    if (i > 0) await normalise(chain, `model.${index + 3}`, epsilon[i - 1])
  }
  const weights = await readShaped(checkpoint, 'adv_layer.0.weight', [1, channels * side * side])
  const weight = Float32Array.from(
    weights,
    (_, k) => weights[(k % channels) * side * side + Math.floor(k / channels)],
  )
  const constants = {
    weight: chain.constant('adv_layer.0', 'weight', [1, side, side, channels], weight),
    bias: chain.constant('adv_layer.0', 'bias', [1], await readShaped(checkpoint, 'adv_layer.0.bias', [1])),
  }
  const attributes = {
    kernel: [side, side],
    strides: [1, 1],
    pads: [0, 0, 0, 0],
    groups: 1,
    activation: 'linear',
  }
  chain.node('adv_layer.0', 'conv', [1, 1, 1, 1], attributes, constants)
  return discrimination(chain, pytorchGanDiscriminator.title, epsilon)
}

async function normalise(chain: ChainBuilder, name: string, epsilon: number): Promise<void> {
  const { shape } = chain.last
  const channels = shape[3]
  const { scale, shift } = await chain.affine({ name, epsilon }, channels)
  const constants = {
    weight: chain.constant(name, 'weight', [channels, 1, 1, 1], scale),
    bias: chain.constant(name, 'bias', [channels], shift),
  }
  const attributes = {
    kernel: [1, 1],
    strides: [1, 1],
    pads: [0, 0, 0, 0],
    groups: channels,
    activation: 'linear',
  }
  chain.node(name, 'conv', shape, attributes, constants)
}
