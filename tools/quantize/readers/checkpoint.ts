import { OcellusError } from '../../../src/host/errors.js'
import { dataStart, readSafetensorsIndex } from '../../../src/host/format/safetensors.js'
import { limits } from '../../../src/host/limits.js'
import { shown } from '../../../src/host/shown.js'
import { type ByteSource, openFile } from './byte-source.js'
import type { Dictionary, StoredView } from './dictionary.js'
import { type ElementType, elementSizes, isFloat, readDense, readStrided } from './elements.js'
import { openTorch } from './torch.js'

/**
 * Float weights by name, in whatever file they are. Values stay in the file until they are asked
 * for, so a large checkpoint is never held in memory, let alone twice.
 */
export interface Checkpoint {
  /** The file, for messages. */
  readonly file: string
  readonly format: 'pytorch' | 'safetensors'
  /** In the order of the file's own list. */
  readonly names: readonly string[]
  /**
   * What the file tells of how its network was made and trained, such as `norm_pix_loss`; by name.
   */
  readonly settings?: ReadonlyMap<string, number | boolean | string>
  has(name: string): boolean
  /** Throws E_CHECKPOINT_FORMAT for a name that is not there, as the others do. */
  shape(name: string): readonly number[]
  dtype(name: string): ElementType
  /** A tensor's values in float32, row-major. Throws E_CHECKPOINT_TYPE for whole numbers. */
  read(name: string): Promise<Float32Array>
  close(): Promise<void>
}

/**
 * A file of one or several networks' tensors, each in a dictionary of its own or with a prefix of
 * its own.
 */
export interface CheckpointFile {
  readonly file: string
  /** The likeliest first; at least one. */
  readonly dictionaries: readonly Dictionary[]
  /** The tensors of a dictionary whose names start with a prefix, without it. Throws E_TORCH_*. */
  part(dictionary: Dictionary, prefix: string): Checkpoint
  close(): Promise<void>
}

/**
 * Opens a PyTorch checkpoint (`.pth`, `.pt`: a zip archive, or the format before torch 1.6) or a
 * .safetensors file, told apart by their first bytes. Throws E_CHECKPOINT_*, E_TORCH_*, E_MODEL_*,
 * E_FILE_*.
 */
export async function openCheckpointFile(path: string): Promise<CheckpointFile> {
  const source = await openFile(path, limits.checkpointBytes)
  try {
    return await readCheckpointFile(source)
  } catch (error) {
    await source.close()
    throw error
  }
}

/** As `openCheckpointFile`, of bytes from anywhere. */
export async function readCheckpointFile(source: ByteSource): Promise<CheckpointFile> {
  const { size, file } = source
  if (size === 0) throw new OcellusError('E_CHECKPOINT_FORMAT', `${file}: the file is empty`)
  const first = await source.read(0, Math.min(size, 9))
  const isPickle = first[0] === 0x80
  const isZip = first[0] === 0x50 && first[1] === 0x4b
  if (isZip || isPickle) {
    const { dictionaries, settings } = await openTorch(source, isZip ? 'zip' : 'legacy')
    return fileOf(source, 'pytorch', dictionaries, settings)
  }
  // The ninth byte of safetensors opens the header.
  if (first[8] !== 0x7b) {
    throw new OcellusError(
      'E_CHECKPOINT_FORMAT',
      `${file} is neither a PyTorch checkpoint nor a safetensors file: save the weights with torch.save(model.state_dict(), file)`,
    )
  }
  const start = dataStart(first, size, file)
  const header = await source.read(8, start - 8)
  const { entries, metadata } = readSafetensorsIndex(header, size, elementSizes, file)
  const views = new Map(
    entries.map(({ name, dtype, shape, begin }) => [name, { dtype, shape, at: begin }] as const),
  )
  const dictionary: Dictionary = { path: '', names: [...views.keys()], views: () => views }
  return fileOf(source, 'safetensors', [dictionary], metadata)
}

function fileOf(
  source: ByteSource,
  format: Checkpoint['format'],
  dictionaries: readonly Dictionary[],
  settings: Checkpoint['settings'],
): CheckpointFile {
  const views = new Map<Dictionary, ReadonlyMap<string, StoredView>>()
  const viewsOf = (dictionary: Dictionary): ReadonlyMap<string, StoredView> => {
    const known = views.get(dictionary) ?? dictionary.views()
    views.set(dictionary, known)
    return known
  }
  return {
    file: source.file,
    dictionaries,
    part(dictionary, prefix) {
      const names = dictionary.names.filter((name) => name.startsWith(prefix))
      return checkpointOf(source, format, settings, prefix, names, () => viewsOf(dictionary))
    },
    close: () => source.close(),
  }
}

function checkpointOf(
  source: ByteSource,
  format: Checkpoint['format'],
  settings: Checkpoint['settings'],
  prefix: string,
  names: readonly string[],
  views: () => ReadonlyMap<string, StoredView>,
): Checkpoint {
  const { file } = source
  const known = new Set(names)
  const find = (name: string): StoredView => {
    const view = known.has(prefix + name) ? views().get(prefix + name) : undefined
    if (view === undefined)
      throw new OcellusError('E_CHECKPOINT_FORMAT', `${file} has no tensor ${shown(name)}`)
    return view
  }
  return {
    file,
    format,
    settings,
    names: names.map((name) => name.slice(prefix.length)),
    has: (name) => known.has(prefix + name),
    shape: (name) => find(name).shape,
    dtype: (name) => find(name).dtype,
    async read(name) {
      const view = find(name)
      const { dtype, shape, strides, at, verify, unread } = view
      if (unread !== undefined) {
        throw new OcellusError(
          'E_TORCH_GLOBAL',
          `${file}: ${shown(name)} is made by ${shown(unread)}, which is not read here: save it as a tensor of floating-point numbers`,
        )
      }
      if (!isFloat(dtype)) {
        throw new OcellusError(
          'E_CHECKPOINT_TYPE',
          `${file}: ${shown(name)} holds ${dtype}, not floating-point numbers`,
        )
      }
      const count = shape.reduce((a, b) => a * b, 1)
      if (count === 0) {
        const code = format === 'pytorch' ? 'E_TORCH_TENSOR' : 'E_CHECKPOINT_NETWORK'
        throw new OcellusError(code, `${file}: ${shown(name)} is empty: its shape is [${shape}]`)
      }
      await verify?.()
      return strides === undefined
        ? readDense(source, dtype, at, count)
        : readStrided(source, dtype, at, shape, strides)
    },
    close: () => source.close(),
  }
}

/** What wrappers put before every name. */
const wrappers = ['module.', '_orig_mod.', 'model.', 'generator.', 'netG.']

/**
 * The likeliest network of a file, whichever it may be: without the prefixes that all of its names
 * share.
 */
export function likeliest({ dictionaries: [first], part }: CheckpointFile): Checkpoint {
  for (let prefix = ''; ; ) {
    const more = wrappers.find((w) => first.names.every((name) => name.startsWith(prefix + w)))
    if (more === undefined) return part(first, prefix)
    prefix += more
  }
}

/** Opens the likeliest network of a file. Throws as `openCheckpointFile` does. */
export const openCheckpoint = async (path: string): Promise<Checkpoint> => {
  const opened = await openCheckpointFile(path)
  return likeliest(opened)
}

/** As `openCheckpoint`, of bytes from anywhere. */
export const readCheckpoint = async (source: ByteSource): Promise<Checkpoint> =>
  likeliest(await readCheckpointFile(source))
