import type { Model } from '../../../../src/host/graph/types.js'
import type { Checkpoint } from '../checkpoint.js'
import type { NetworkOptions, NetworkReader } from '../network-reader.js'
import { convolutions, discrimination, epsilons, generation, greyAsColour, noise, strange } from './common.js'
import { ChainBuilder } from './layers.js'

/**
 * The generator of the PyTorch examples' DCGAN: transposed convolutions `main.0`, `main.3`, ... of
 * 4x4, all but the last with batch normalisation and ReLU; the first makes 4x4 of the latent, each
 * of the others doubles the side.
 */
export const examplesGenerator: NetworkReader = {
  title: 'DCGAN generator of the PyTorch examples',
  task: 'generation',
  mark: 'main.0.weight',
  mayStay: () => [noise],
  fits(checkpoint) {
    const found = convolutions(checkpoint, 'main')
    if (found.length < 3 || !found.every((n, i) => n === 3 * i)) return false
    return checkpoint.has('main.1.running_mean') && isSquare(checkpoint, found, 4)
  },
  read: readGenerator,
}

async function readGenerator(checkpoint: Checkpoint, options: NetworkOptions): Promise<Model> {
  const found = convolutions(checkpoint, 'main')
  const last = found.length - 1
  if (found.length > 7)
    throw strange(checkpoint, `${found.length} layers: pictures above 256x256 are not supported`)
  const epsilon = epsilons(options, last, 1e-5)
  const [latent] = checkpoint.shape('main.0.weight')
  const chain = new ChainBuilder(checkpoint, 'latent', [1, 1, 1, latent])
  for (const [i, index] of found.entries()) {
    await chain.layer({
      name: `main.${index}`,
      op: 'convTranspose',
      stride: i === 0 ? 1 : 2,
      pad: i === 0 ? 0 : 1,
      activation: i === last ? 'linear' : 'relu',
      ...(i === last ? {} : { norm: { name: `main.${index + 1}`, epsilon: epsilon[i] } }),
    })
  }
  return generation(chain, examplesGenerator.title, epsilon)
}

/**
 * The discriminator of the PyTorch examples' DCGAN: convolutions `main.0`, `main.2`, `main.5`, ...
 * of 4x4, leaky ReLU, all but the first and last with batch normalisation; the last makes one
 * number of 4x4. Its sigmoid is left out.
 */
export const examplesDiscriminator: NetworkReader = {
  title: 'DCGAN discriminator of the PyTorch examples',
  task: 'discrimination',
  mark: 'main.0.weight',
  mayStay: () => [noise],
  fits(checkpoint) {
    const found = convolutions(checkpoint, 'main')
    if (found.length < 3 || !found.every((n, i) => n === (i === 0 ? 0 : 3 * i - 1))) return false
    if (!checkpoint.has('main.3.running_mean') || !isSquare(checkpoint, found, 4)) return false
    return checkpoint.shape(`main.${found[found.length - 1]}.weight`)[0] === 1
  },
  read: readDiscriminator,
}

async function readDiscriminator(checkpoint: Checkpoint, options: NetworkOptions): Promise<Model> {
  const found = convolutions(checkpoint, 'main')
  const last = found.length - 1
  if (found.length > 7)
    throw strange(checkpoint, `${found.length} layers: pictures above 256x256 are not supported`)
  const side = 4 * 2 ** last
  const epsilon = epsilons(options, last - 1, 1e-5)
  const coloured = greyAsColour(checkpoint, 'main.0.weight')
  const chain = new ChainBuilder(coloured, 'picture', [1, side, side, 3])
  for (const [i, index] of found.entries()) {
    await chain.layer({
      name: `main.${index}`,
      op: 'conv',
      stride: i === last ? 1 : 2,
      pad: i === last ? 0 : 1,
      activation: i === last ? 'linear' : 'leaky',
      ...(i === 0 || i === last ? {} : { norm: { name: `main.${index + 1}`, epsilon: epsilon[i - 1] } }),
    })
  }
  return discrimination(chain, examplesDiscriminator.title, epsilon)
}

const isSquare = (checkpoint: Checkpoint, indices: readonly number[], side: number): boolean =>
  indices.every((n) =>
    checkpoint
      .shape(`main.${n}.weight`)
      .slice(2)
      .every((k) => k === side),
  )
