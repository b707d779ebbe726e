import { OcellusError } from '../../../src/host/errors.js'
import { limits } from '../../../src/host/limits.js'
import { shown } from '../../../src/host/shown.js'
import type { ByteSource } from './byte-source.js'
import type { Dictionary, StoredView } from './dictionary.js'
import { elementSizes } from './elements.js'
import { readArchive, type TorchFile } from './torch/archive.js'
import { readLegacy } from './torch/legacy.js'
import { refusedName } from './torch/pickle.js'
import { type StateDict, settingsIn, stateDicts } from './torch/state-dict.js'
import { Opaque, type Storage, type StorageBytes, type Tensor } from './torch/values.js'
import { viewOf } from './torch/view.js'

/**
 * The state dicts of a PyTorch checkpoint, wherever in the file's object they stand, and the
 * settings beside them. The pickle is read as data by a small list of opcodes and names
 * (`torch/pickle.ts`); nothing in it is ever run. Throws E_TORCH_*.
 */
export async function openTorch(
  source: ByteSource,
  form: 'zip' | 'legacy',
): Promise<{ dictionaries: Dictionary[]; settings: ReadonlyMap<string, number | boolean | string> }> {
  const { file } = source
  const found = form === 'zip' ? await readArchive(source) : await readLegacy(source)
  const { root, foreign } = found
  const dictionaries = stateDicts(root).map((dict) => dictionaryOf(dict, found, source))
  if (dictionaries.length === 0) {
    // A whole network that was saved, or an object of somebody's code: its name tells more than
    // what is missing.
    const name = root instanceof Opaque ? root.of : foreign
    if (name !== undefined) throw refusedName(name, file)
    throw new OcellusError(
      'E_TORCH_STATE',
      `${file} holds no state dict: save with torch.save(model.state_dict(), file)`,
    )
  }
  return { dictionaries, settings: settingsIn(root) }
}

function dictionaryOf({ path, tensors }: StateDict, { storages }: TorchFile, source: ByteSource): Dictionary {
  const { file, size } = source
  if (tensors.size > limits.tensors) {
    throw new OcellusError(
      'E_TORCH_STATE',
      `${file} has ${tensors.size} tensors, more than ${limits.tensors}`,
    )
  }
  return {
    path,
    names: [...tensors.keys()],
    views(): ReadonlyMap<string, StoredView> {
      const views = new Map<string, StoredView>()
      for (const [name, tensor] of tensors) {
        if (tensor instanceof Opaque) views.set(name, unread(tensor))
        else views.set(name, storedView(tensor, storages, name, file))
      }
      checkExpansion(views, size, file)
      return views
    },
  }
}

/**
 * A tensor whose numbers nobody reads here: it is there, and only asking for its values is a fault.
 */
const unread = ({ of }: Opaque): StoredView => ({ dtype: 'BOOL', shape: [], at: 0, unread: of })

function storedView(tensor: Tensor, storages: TorchFile['storages'], name: string, file: string): StoredView {
  const view = viewOf(tensor, `${file}: ${shown(name)}`)
  // An empty buffer holds nothing that could be missing.
  if (view.shape.includes(0)) return { ...view, at: 0 }
  const { at, verify } = locate(tensor.storage, storages, name, file)
  return { ...view, at: at + tensor.offset * elementSizes[view.dtype], verify }
}

/**
 * Bytes that all tensors of a dict may have beyond four times the file's: views can repeat what is
 * stored.
 */
const freelyExpanded = 64 << 20

function checkExpansion(views: ReadonlyMap<string, StoredView>, size: number, file: string): void {
  let bytes = 0
  for (const { shape, dtype } of views.values())
    bytes += shape.reduce((a, b) => a * b, 1) * elementSizes[dtype]
  if (bytes <= 4 * size + freelyExpanded) return
  throw new OcellusError(
    'E_TORCH_TENSOR',
    `${file}: its tensors repeat what is stored to ${bytes} bytes, though the file has ${size}`,
  )
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
      `${file}: ${shown(name)} lies in the storage ${shown(key)}, which is not there`,
    )
  }
  const size = elementSizes[dtype]
  if ((first + elements) * size > found.bytes) {
    throw new OcellusError(
      'E_TORCH_TRUNCATED',
      `${file}: the storage of ${shown(name)} has ${found.bytes} bytes instead of ${(first + elements) * size}: copy the file again`,
    )
  }
  return { ...found, at: found.at + first * size }
}
