import { OcellusError } from '../../../../src/host/errors.js'
import { limits } from '../../../../src/host/limits.js'
import type { ByteSource } from '../byte-source.js'
import { readVerified, verifyEntry } from './checksum.js'
import { PickleEnd, PickleReader } from './pickle.js'
import type { StorageBytes, Value } from './values.js'
import { readZip, type ZipEntry } from './zip.js'

export interface TorchFile {
  readonly root: Value
  /** A name in the pickle that belongs to no state dict, if there is one. */
  readonly foreign?: string
  /** By the keys that the pickle uses. */
  readonly storages: ReadonlyMap<string, StorageBytes>
}

/**
 * The zip form, of torch 1.6 and later: NAME/data.pkl and one file a storage, NAME/data/KEY. Throws
 * E_TORCH_*.
 */
export async function readArchive(source: ByteSource): Promise<TorchFile> {
  const { file } = source
  const entries = await readZip(source)
  const pickles = [...entries.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name))
  if (pickles.length !== 1) {
    throw new OcellusError(
      'E_TORCH_ZIP',
      `${file} is a zip archive, but no PyTorch checkpoint: it has no data.pkl`,
    )
  }
  const folder = pickles[0].slice(0, -'data.pkl'.length)
  if (entries.has(`${folder}constants.pkl`)) {
    throw new OcellusError(
      'E_TORCH_ZIP',
      `${file} is a TorchScript program, not a state dict: save with torch.save(model.state_dict(), file)`,
    )
  }
  const packed = [...entries.values()].find(({ stored }) => !stored)
  if (packed !== undefined) {
    throw new OcellusError(
      'E_TORCH_ZIP',
      `${file} holds compressed files, which torch.save never writes: save it again`,
    )
  }
  await checkByteOrder(source, entries.get(`${folder}byteorder`))
  const pickle = entries.get(pickles[0])!
  if (pickle.bytes > limits.pickleBytes) {
    throw new OcellusError(
      'E_TORCH_PICKLE',
      `${file}: the pickle has ${pickle.bytes} bytes, more than ${limits.pickleBytes}`,
    )
  }
  const reader = new PickleReader(await readVerified(source, pickle), file)
  let root: Value
  try {
    root = reader.read()
  } catch (error) {
    if (!(error instanceof PickleEnd)) throw error
    throw new OcellusError('E_TORCH_PICKLE', `${file}: the pickle ends early, at byte ${pickle.bytes}`)
  }
  const storages = new Map<string, StorageBytes>()
  for (const [name, entry] of entries) {
    if (!name.startsWith(`${folder}data/`)) continue
    // Many tensors may lie in one storage: it is verified when the first of them is read.
    let verified: Promise<void> | undefined
    const verify = (): Promise<void> => {
      verified ??= verifyEntry(source, entry)
      return verified
    }
    storages.set(name.slice(folder.length + 5), { at: entry.at, bytes: entry.bytes, verify })
  }
  return { root, foreign: reader.foreign, storages }
}

async function checkByteOrder(source: ByteSource, entry: ZipEntry | undefined): Promise<void> {
  if (entry === undefined) return
  const text = entry.bytes > 16 ? '' : new TextDecoder().decode(await readVerified(source, entry))
  if (text !== 'little')
    throw new OcellusError(
      'E_TORCH_ZIP',
      `${source.file} was written on a big-endian machine: save it again on another`,
    )
}
