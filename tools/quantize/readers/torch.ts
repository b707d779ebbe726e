import { OcellusError } from '../../../src/host/errors.js'
import type { ByteSource } from './byte-source.js'
import type { StoredView } from './checkpoint.js'
import { elementSizes } from './elements.js'
import { readArchive } from './torch/archive.js'
import { readLegacy } from './torch/legacy.js'
import { findStateDict } from './torch/state-dict.js'
import type { Storage } from './torch/values.js'
import { viewOf } from './torch/view.js'

/**
 * The tensors of a PyTorch checkpoint: of its state dict, wherever in the file's object that stands. The pickle is
 * read as data by a small list of opcodes and names (`torch/pickle.ts`); nothing in it is ever run. Throws E_TORCH_*.
 */
export async function openTorch(
  source: ByteSource,
  form: 'zip' | 'legacy',
): Promise<ReadonlyMap<string, StoredView>> {
  const { file } = source
  const { root, storages } = form === 'zip' ? await readArchive(source) : await readLegacy(source)
  const views = new Map<string, StoredView>()
  for (const [name, tensor] of findStateDict(root, file)) {
    const view = viewOf(tensor, `${file}: ${name}`)
    const { at, verify } = locate(tensor.storage, storages, name, file)
    views.set(name, { ...view, at: at + tensor.offset * elementSizes[view.dtype], verify })
  }
  return views
}

/** Where a storage's bytes lie in the file. */
export interface StorageBytes {
  readonly at: number
  readonly bytes: number
  /** Holds all of them to their checksum, where the file has one: E_TORCH_CHECKSUM. */
  readonly verify?: () => Promise<void>
}

function locate(
  { key, dtype, elements, first }: Storage,
  storages: ReadonlyMap<string, StorageBytes>,
  name: string,
  file: string,
): StorageBytes {
  const found = storages.get(key)
  if (found === undefined) {
    throw new OcellusError(
      'E_TORCH_STORAGE',
      `${file}: ${name} lies in the storage ${key}, which is not there`,
    )
  }
  const size = elementSizes[dtype]
  if ((first + elements) * size > found.bytes) {
    throw new OcellusError(
      'E_TORCH_TRUNCATED',
      `${file}: the storage of ${name} has ${found.bytes} bytes instead of ${(first + elements) * size}: copy the file again`,
    )
  }
  return { ...found, at: found.at + first * size }
}
