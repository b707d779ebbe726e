import type { NamedInputs, NamedTensor, TensorMetadata } from '../src/host/engine/session.js'
import { OcellusError } from '../src/host/errors.js'
import { elements } from '../src/host/graph/descriptor.js'
import { limits } from '../src/host/limits.js'
import { readCapped } from '../src/host/platform/node/files.js'
import type { Pixels } from '../src/host/platform/node.js'
import { latentOf } from '../src/host/tasks/generation/latent.js'
import { type NpyArray, type NpyData, readNpy } from '../tools/npy/read.js'
import { readPhoto } from './photos.js'

/** What a model is run on: once, or once for each sample of a batch. */
export interface Feeds {
  readonly runs: number
  /** Inputs of one of the runs. */
  readonly feed: (run: number) => NamedInputs
  /** Where each input comes from: a file, or `random`. */
  readonly sources: readonly string[]
}

/** One input's samples, of which a single one serves every run. */
export interface Samples {
  readonly source: string
  readonly count: number
  readonly sample: (run: number) => NamedTensor | Pixels
}

/**
 * Reads the files that `--input` names: arrays, or pictures for an input that has a preprocessing.
 * An array of [n, ...] where the model takes [1, ...] is a batch of n runs.
 */
export async function readFeeds(
  metadata: readonly TensorMetadata[],
  maxPixels: number,
  words: readonly string[],
  { random, seed }: { readonly random?: boolean; readonly seed: number },
): Promise<Feeds> {
  const files = filesOf(words, metadata)
  const all: Samples[] = []
  for (const [index, input] of metadata.entries()) {
    const file = files.get(input.name)
    if (file !== undefined) all.push(await readSamples(input, file, maxPixels))
    else if (random) all.push(randomSamples(input, (seed + index) % 2 ** 32))
    else
      throw new OcellusError(
        'E_OPTION',
        `the input ${described(input)} is missing: give --input ${input.name}=FILE, or --random`,
      )
  }
  const counts = [...new Set(all.map(({ count }) => count).filter((count) => count > 1))]
  if (counts.length > 1)
    throw new OcellusError('E_INPUT_SHAPE', `inputs of ${counts.join(' and ')} samples don't go together`)
  return {
    runs: counts[0] ?? 1,
    feed: (run) =>
      Object.fromEntries(metadata.map(({ name }, n) => [name, all[n].sample(all[n].count === 1 ? 0 : run)])),
    sources: all.map(({ source }) => source),
  }
}

export const described = ({ name, dtype, shape }: TensorMetadata): string =>
  `${name} (${dtype} [${shape.join(', ')}])`

/**
 * The file of each input. A name ends at the first `=` that leaves the name of an input before it.
 */
export function filesOf(words: readonly string[], metadata: readonly TensorMetadata[]): Map<string, string> {
  const files = new Map<string, string>()
  for (const word of words) {
    const named = metadata.find(({ name }) => word.startsWith(`${name}=`))
    const alone = metadata.length === 1 && !word.includes('=') ? metadata[0] : undefined
    const input = named ?? alone
    if (input === undefined)
      throw new OcellusError(
        'E_OPTION',
        `--input ${word} names no input: give NAME=FILE, where the model has ${metadata.map(described).join(', ')}`,
      )
    if (files.has(input.name)) throw new OcellusError('E_OPTION', `the input ${input.name} is given twice`)
    files.set(input.name, named === undefined ? word : word.slice(input.name.length + 1))
  }
  return files
}

export async function readSamples(input: TensorMetadata, file: string, maxPixels?: number): Promise<Samples> {
  if (!file.toLowerCase().endsWith('.npy')) {
    if (!input.picture)
      throw new OcellusError('E_OPTION', `the input ${described(input)} takes no picture: give it a .npy`)
    const pixels = await readPhoto(file, maxPixels)
    return { source: file, count: 1, sample: () => pixels }
  }
  const array = readNpy(await readCapped(file, limits.npyBytes), file)
  const count = samplesOf(array, input, file)
  const length = elements(input.shape)
  const values = valuesOf(array, input, file)
  return {
    source: file,
    count,
    sample: (run) => tensorOf(input, values.subarray(run * length, (run + 1) * length)),
  }
}

/** Sides of 1 change no order of elements: they may be left out, or stand elsewhere. */
const squeezed = (shape: readonly number[]): string => shape.filter((side) => side !== 1).join('x')

function samplesOf({ shape }: NpyArray, input: TensorMetadata, file: string): number {
  if (squeezed(shape) === squeezed(input.shape)) return 1
  if (shape.length > 0 && squeezed(shape.slice(1)) === squeezed(input.shape)) return shape[0]
  throw new OcellusError(
    'E_INPUT_SHAPE',
    `${file} has the shape [${shape.join(', ')}]; the input ${described(input)} takes that, or a batch of it`,
  )
}

type Values = Float32Array | Int8Array | Int32Array

const tensorOf = ({ shape }: TensorMetadata, data: Values): NamedTensor =>
  data instanceof Float32Array
    ? { dtype: 'float32', shape, data }
    : data instanceof Int8Array
      ? { dtype: 'int8', shape, data }
      : { dtype: 'int32', shape, data }

/**
 * The array's values in a type that the input takes: int8 as they are for int8, whole numbers for
 * int32.
 */
function valuesOf({ data }: NpyArray, input: TensorMetadata, file: string): Values {
  if (input.dtype === 'int32') return narrowed(data, input, file)
  if (input.dtype === 'int8' && data instanceof Int8Array) return data
  if (data instanceof Float32Array) return data
  const values = new Float32Array(data.length)
  for (let i = 0; i < data.length; i++) values[i] = Number(data[i])
  return values
}

function narrowed(data: NpyData, input: TensorMetadata, file: string): Int32Array {
  if (data instanceof Float32Array || data instanceof Float64Array)
    throw new OcellusError(
      'E_INPUT_TYPE',
      `${file} holds floats; the input ${described(input)} takes whole numbers: save it with .astype('int32')`,
    )
  const values = new Int32Array(data.length)
  for (let i = 0; i < data.length; i++) {
    const value = Number(data[i])
    if (value !== (value | 0))
      throw new OcellusError('E_INPUT_TYPE', `${file} holds ${data[i]} at ${i}, beyond int32`)
    values[i] = value
  }
  return values
}

/** Normal numbers of a seed, the same on every platform: of a generator those of its latent. */
function randomSamples(input: TensorMetadata, seed: number): Samples {
  const length = elements(input.shape)
  const values = input.dtype === 'int32' ? new Int32Array(length) : latentOf(seed, length)
  return { source: 'random', count: 1, sample: () => tensorOf(input, values) }
}
