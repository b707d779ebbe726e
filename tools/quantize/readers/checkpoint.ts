import { OcellusError } from '../../../src/host/errors.js'
import { dataStart, readSafetensorsIndex } from '../../../src/host/format/safetensors.js'
import { limits } from '../../../src/host/limits.js'
import { type ByteSource, openFile } from './byte-source.js'
import { type ElementType, elementSizes, isFloat, readDense, readStrided } from './elements.js'
import { openTorch } from './torch.js'

/**
 * Float weights by name, in whatever file they are. Values stay in the file until they are asked for, so a large
 * checkpoint is never held in memory, let alone twice.
 */
export interface Checkpoint {
  /** The file, for messages. */
  readonly file: string
  readonly format: 'pytorch' | 'safetensors'
  /** In the order of the file's own list. */
  readonly names: readonly string[]
  has(name: string): boolean
  /** Throws E_CHECKPOINT_FORMAT for a name that is not there, as the others do. */
  shape(name: string): readonly number[]
  dtype(name: string): ElementType
  /** A tensor's values in float32, row-major. Throws E_CHECKPOINT_TYPE for whole numbers. */
  read(name: string): Promise<Float32Array>
  close(): Promise<void>
}

/** One tensor, as a reader found it: a view of some elements of the file. */
export interface StoredView {
  readonly dtype: ElementType
  readonly shape: readonly number[]
  /** In elements; row-major and without gaps where absent. */
  readonly strides?: readonly number[]
  /** Byte of the file where the view's first element lies. */
  readonly at: number
  /** Throws where the bytes that the view lies in are not those that were written. */
  readonly verify?: () => Promise<void>
}

/**
 * Opens a PyTorch checkpoint (`.pth`, `.pt`: a zip archive, or the format before torch 1.6) or a .safetensors file, told
 * apart by their first bytes. Throws E_CHECKPOINT_*, E_TORCH_*, E_MODEL_*, E_FILE_*.
 */
export async function openCheckpoint(path: string): Promise<Checkpoint> {
  const source = await openFile(path, limits.checkpointBytes)
  try {
    return await readCheckpoint(source)
  } catch (error) {
    await source.close()
    throw error
  }
}

/** As `openCheckpoint`, of bytes from anywhere. */
export async function readCheckpoint(source: ByteSource): Promise<Checkpoint> {
  const { size, file } = source
  if (size === 0) throw new OcellusError('E_CHECKPOINT_FORMAT', `${file}: the file is empty`)
  const first = await source.read(0, Math.min(size, 9))
  const isPickle = first[0] === 0x80
  const isZip = first[0] === 0x50 && first[1] === 0x4b
  if (isZip || isPickle)
    return checkpointOf(source, 'pytorch', await openTorch(source, isZip ? 'zip' : 'legacy'))
  // The ninth byte of safetensors opens the header.
  if (first[8] !== 0x7b) {
    throw new OcellusError(
      'E_CHECKPOINT_FORMAT',
      `${file} is neither a PyTorch checkpoint nor a safetensors file: save the weights with torch.save(model.state_dict(), file)`,
    )
  }
  const start = dataStart(first, size, file)
  const header = await source.read(8, start - 8)
  const { entries } = readSafetensorsIndex(header, size, elementSizes, file)
  const views = entries.map(({ name, dtype, shape, begin }) => [name, { dtype, shape, at: begin }] as const)
  return checkpointOf(source, 'safetensors', new Map(views))
}

function checkpointOf(
  source: ByteSource,
  format: Checkpoint['format'],
  views: ReadonlyMap<string, StoredView>,
): Checkpoint {
  const { file } = source
  const find = (name: string): StoredView => {
    const view = views.get(name)
    if (view === undefined) throw new OcellusError('E_CHECKPOINT_FORMAT', `${file} has no tensor ${name}`)
    return view
  }
  return {
    file,
    format,
    names: [...views.keys()],
    has: (name) => views.has(name),
    shape: (name) => find(name).shape,
    dtype: (name) => find(name).dtype,
    async read(name) {
      const view = find(name)
      const { dtype, shape, strides, at, verify } = view
      if (!isFloat(dtype)) {
        throw new OcellusError(
          'E_CHECKPOINT_TYPE',
          `${file}: ${name} holds ${dtype}, not floating-point numbers`,
        )
      }
      await verify?.()
      const count = shape.reduce((a, b) => a * b, 1)
      return strides === undefined
        ? readDense(source, dtype, at, count)
        : readStrided(source, dtype, at, shape, strides)
    },
    close: () => source.close(),
  }
}
