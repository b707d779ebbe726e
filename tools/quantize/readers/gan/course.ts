import type { Model } from '../../../../src/host/graph/types.js'
import type { Checkpoint } from '../checkpoint.js'
import type { NetworkOptions, NetworkReader } from '../network-reader.js'
import { convolutions, discrimination, epsilons, generation, greyAsColour, noise, strange } from './common.js'
import { ChainBuilder } from './layers.js'

/**
 * The generator of the DeepLearning.AI course on GANs: blocks `gen.N` of a transposed convolution,
 * batch normalisation and ReLU, without padding. Kernels of 3 have stride 2, those of 4 stride 1,
 * but for the last one's 2.
 */
export const courseGenerator: NetworkReader = {
  title: 'DCGAN generator of the DeepLearning.AI course',
  task: 'generation',
  mark: 'gen.0.0.weight',
  mayStay: () => [noise],
  fits: (checkpoint) => isChain(checkpoint, 'gen'),
  read: readGenerator,
}

async function readGenerator(checkpoint: Checkpoint, options: NetworkOptions): Promise<Model> {
  const found = convolutions(checkpoint, 'gen', '.0')
  const last = found.length - 1
  const epsilon = epsilons(options, last, 1e-5)
  const [latent] = checkpoint.shape('gen.0.0.weight')
  const chain = new ChainBuilder(checkpoint, 'latent', [1, 1, 1, latent])
  for (const i of found) {
    const [, , kernel] = checkpoint.shape(`gen.${i}.0.weight`)
    if (kernel !== 3 && kernel !== 4)
      throw strange(checkpoint, `gen.${i}.0 has a kernel of ${kernel}, not 3 or 4`)
    await chain.layer({
      name: `gen.${i}.0`,
      op: 'convTranspose',
      stride: kernel === 3 || i === last ? 2 : 1,
      pad: 0,
      activation: i === last ? 'linear' : 'relu',
      ...(i === last ? {} : { norm: { name: `gen.${i}.1`, epsilon: epsilon[i] } }),
    })
  }
  return generation(chain, courseGenerator.title, epsilon)
}

/**
 * The discriminator of the same course: blocks `disc.N` of a 4x4 convolution of stride 2 without
 * padding, batch normalisation and leaky ReLU, the last of the convolution alone. Three make one
 * number of 28x28; no other picture is judged so, as sides of 22 to 29 all fit the weights.
 */
export const courseDiscriminator: NetworkReader = {
  title: 'DCGAN discriminator of the DeepLearning.AI course',
  task: 'discrimination',
  mark: 'disc.0.0.weight',
  mayStay: () => [noise],
  fits: (checkpoint) => isChain(checkpoint, 'disc'),
  read: readDiscriminator,
}

async function readDiscriminator(checkpoint: Checkpoint, options: NetworkOptions): Promise<Model> {
  const found = convolutions(checkpoint, 'disc', '.0')
  const last = found.length - 1
  if (found.length !== 3)
    throw strange(checkpoint, `${found.length} blocks disc.N; three judge digits of 28x28`)
  for (const i of found) {
    const [outputs, , ...kernel] = checkpoint.shape(`disc.${i}.0.weight`)
    if (kernel.some((side) => side !== 4))
      throw strange(checkpoint, `disc.${i}.0 has a kernel of ${kernel.join('x')}, not 4x4`)
    if (i === last && outputs !== 1)
      throw strange(checkpoint, `disc.${i}.0 gives ${outputs} numbers, not one`)
  }
  const epsilon = epsilons(options, last, 1e-5)
  const chain = new ChainBuilder(greyAsColour(checkpoint, 'disc.0.0.weight'), 'picture', [1, 28, 28, 3])
  for (const i of found) {
    await chain.layer({
      name: `disc.${i}.0`,
      op: 'conv',
      stride: 2,
      pad: 0,
      activation: i === last ? 'linear' : 'leaky',
      ...(i === last ? {} : { norm: { name: `disc.${i}.1`, epsilon: epsilon[i] } }),
    })
  }
  return discrimination(chain, courseDiscriminator.title, epsilon)
}

/**
 * Whether blocks `prefix.N` follow each other without a gap, the first of them with batch
 * normalisation.
 */
function isChain(checkpoint: Checkpoint, prefix: string): boolean {
  const found = convolutions(checkpoint, prefix, '.0')
  return found.length >= 2 && found.every((n, i) => n === i) && checkpoint.has(`${prefix}.0.1.running_mean`)
}
