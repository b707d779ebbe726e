import { OcellusError } from '../../../src/host/errors.js'
import type { Model } from '../../../src/host/graph/types.js'
import { openCheckpoint } from './checkpoint.js'
import { isMae, type ReadMaeOptions, readMae } from './mae.js'

/** What the checkpoints of the networks that are known may need to be told. */
export type NetworkOptions = ReadMaeOptions

/**
 * The network of a PyTorch or safetensors checkpoint, recognised by the names and shapes of its tensors. Throws
 * E_CHECKPOINT_NETWORK where none is known by them, and what the readers throw.
 */
export async function loadNetwork(path: string, options: NetworkOptions = {}): Promise<Model> {
  const checkpoint = await openCheckpoint(path)
  try {
    if (isMae(checkpoint.names)) return await readMae(checkpoint, options)
    const [first = 'none'] = checkpoint.names
    throw new OcellusError(
      'E_CHECKPOINT_NETWORK',
      `${path}: its tensors (${first}, ... ${checkpoint.names.length} in all) belong to no network that is known: masked autoencoders with the names of facebookresearch/mae are`,
    )
  } finally {
    await checkpoint.close()
  }
}
