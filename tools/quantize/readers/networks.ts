import { OcellusError } from '../../../src/host/errors.js'
import type { Model } from '../../../src/host/graph/types.js'
import { bytesSource } from './byte-source.js'
import { type Checkpoint, openCheckpoint, readCheckpoint } from './checkpoint.js'
import { courseDiscriminator, courseGenerator } from './gan/course.js'
import { examplesDiscriminator, examplesGenerator } from './gan/examples.js'
import { pytorchGanDiscriminator, pytorchGanGenerator } from './gan/pytorch-gan.js'
import { isMae, type ReadMaeOptions, readMae } from './mae.js'

/** What the checkpoints of the networks that are known may need to be told. */
export interface NetworkOptions extends Omit<ReadMaeOptions, 'epsilon'> {
  /** Of normalisation layers: one for all, or one for each in their order. */
  readonly epsilon?: readonly number[]
}

/** Makes the float model of a checkpoint; undefined where its names are those of another network. */
export type Recogniser = (checkpoint: Checkpoint, options: NetworkOptions) => Promise<Model | undefined>

const autoencoder: Recogniser = async (checkpoint, options) =>
  isMae(checkpoint.names) ? readMae(checkpoint, { ...options, epsilon: options.epsilon?.[0] }) : undefined

const recognisers: readonly Recogniser[] = [
  autoencoder,
  examplesGenerator,
  examplesDiscriminator,
  pytorchGanGenerator,
  pytorchGanDiscriminator,
  courseGenerator,
  courseDiscriminator,
]

const known =
  'masked autoencoders with the names of facebookresearch/mae; DCGAN generators and discriminators of the PyTorch examples (main.0.weight), of PyTorch-GAN (l1.0.weight, adv_layer.0.weight) and of the DeepLearning.AI course (gen.0.0.weight, disc.0.0.weight)'

/**
 * The network of a PyTorch or safetensors checkpoint, recognised by the names and shapes of its tensors.
 * The checkpoint is a file, or bytes with a name. Throws E_CHECKPOINT_NETWORK for a network that is
 * not known, and what the readers throw.
 */
export async function loadNetwork(
  source: string | { readonly file: string; readonly bytes?: Uint8Array },
  options: NetworkOptions = {},
): Promise<Model> {
  const { file, bytes } = typeof source === 'string' ? { file: source } : source
  const checkpoint = bytes ? await readCheckpoint(bytesSource(bytes, file)) : await openCheckpoint(file)
  try {
    for (const recognise of recognisers) {
      const model = await recognise(checkpoint, options)
      if (model !== undefined) return model
    }
    const [first = 'none'] = checkpoint.names
    throw new OcellusError(
      'E_CHECKPOINT_NETWORK',
      `${file}: its tensors (${first.slice(0, 80).replace(/[^\x20-\x7e]/g, '?')}, ... ${checkpoint.names.length} in all) belong to no network that is known: ${known} are`,
    )
  } finally {
    await checkpoint.close()
  }
}
