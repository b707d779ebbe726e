import { OcellusError } from '../../../../src/host/errors.js'
import { limits } from '../../../../src/host/limits.js'
import { shown } from '../../../../src/host/shown.js'
import type { ByteSource } from '../byte-source.js'
import { elementSizes } from '../elements.js'
import type { TorchFile } from './archive.js'
import { PickleEnd, PickleReader } from './pickle.js'
import { Dict, Opaque, type StorageBytes, type Value } from './values.js'

/** `torch.serialization.MAGIC_NUMBER` and PROTOCOL_VERSION. */
const magic = 0x1950a86a20f9469cfc6cn
const protocol = 1001

const firstPiece = 1 << 20

/**
 * The form before torch 1.6: five pickles (magic, protocol, system, the object, the keys of its
 * storages), then for each key the number of elements as int64 and the elements. Throws E_TORCH_*.
 */
export async function readLegacy(source: ByteSource): Promise<TorchFile> {
  const { file, size } = source
  for (let piece = firstPiece; ; piece *= 8) {
    const length = Math.min(size, piece, limits.pickleBytes)
    const bytes = await source.read(0, length)
    try {
      const { root, keys, reader } = readPickles(bytes, file)
      return { root, foreign: reader.foreign, storages: await locateStorages(source, reader, keys) }
    } catch (error) {
      if (!(error instanceof PickleEnd)) throw error
      if (length === size) throw truncated(file, 'its pickles end early')
      if (length === limits.pickleBytes)
        throw new OcellusError('E_TORCH_PICKLE', `${file}: its pickles have more than ${length} bytes`)
    }
  }
}

function readPickles(bytes: Uint8Array, file: string) {
  const reader = new PickleReader(bytes, file)
  if (reader.read() !== magic)
    throw new OcellusError(
      'E_CHECKPOINT_FORMAT',
      `${file} is a pickle, but no PyTorch checkpoint: its magic number is wrong`,
    )
  const version = reader.read()
  if (version !== protocol)
    throw new OcellusError(
      'E_TORCH_PICKLE',
      `${file} has the protocol ${typeof version === 'number' ? version : 'of no number'}, expected ${protocol}`,
    )
  const system = reader.read()
  if (system instanceof Dict && system.map().get('little_endian') === false)
    throw new OcellusError(
      'E_TORCH_PICKLE',
      `${file} was written on a big-endian machine: save it again on another`,
    )
  const root = reader.read()
  const keys = reader.read()
  if (!Array.isArray(keys)) throw new OcellusError('E_TORCH_PICKLE', `${file}: the list of storages is none`)
  return { root, keys, reader }
}

async function locateStorages(
  source: ByteSource,
  { storages, at: start }: PickleReader,
  keys: readonly Value[],
): Promise<Map<string, StorageBytes>> {
  const { file, size } = source
  const found = new Map<string, StorageBytes>()
  let at = start
  for (const key of keys) {
    const storage = typeof key === 'string' ? storages.get(key) : undefined
    if (storage instanceof Opaque)
      throw new OcellusError(
        'E_TORCH_STORAGE',
        `${file} holds a ${shown(storage.of)}, whose size is not known: save it again with torch 1.6 or later`,
      )
    if (storage === undefined || found.has(storage.key))
      throw new OcellusError('E_TORCH_STORAGE', `${file}: a storage stands twice, or no tensor lies in it`)
    if (at + 8 > size) throw truncated(file, `the storage ${storage.key} is not there`)
    const header = await source.read(at, 8)
    const elements = new DataView(header.buffer, header.byteOffset).getBigInt64(0, true)
    const bytes = Number(elements) * elementSizes[storage.dtype]
    if (elements < 0n || at + 8 + bytes > size)
      throw truncated(file, `the storage ${storage.key} of ${elements} elements ends beyond the file`)
    found.set(storage.key, { at: at + 8, bytes })
    at += 8 + bytes
  }
  if (at !== size)
    throw new OcellusError('E_TORCH_STORAGE', `${file}: ${size - at} bytes follow the last storage`)
  return found
}

const truncated = (file: string, what: string): OcellusError =>
  new OcellusError('E_TORCH_TRUNCATED', `${file}: ${what}: copy the file again`)
