import { metadataOf, rowsOf, type TensorMetadata } from '../src/host/engine/named.js'
import type { NamedInputs, NamedTensor } from '../src/host/engine/session.js'
import { OcellusError } from '../src/host/errors.js'
import { elements } from '../src/host/graph/descriptor.js'
import { preprocessingOf } from '../src/host/graph/task.js'
import type { Model, Preprocessing } from '../src/host/graph/types.js'
import { verifyModel } from '../src/host/graph/verify.js'
import type { Pixels } from '../src/host/image/pixels.js'
import { latentOf } from '../src/host/tasks/generation/latent.js'
import { RandomStream } from '../src/host/tasks/random.js'
import type { Photo, Sample } from '../tools/quantize/quantize.js'
import { findPhotos, readPhoto } from './photos.js'
import { described, filesOf, readSamples } from './run-inputs.js'

/** What `--calibrate` names. */
export interface CalibrationFiles {
  readonly photos: readonly string[]
  /** Arrays, with the name of an input before them or without. */
  readonly words: readonly string[]
  /** The same as files. */
  readonly arrays: readonly string[]
}

export interface CalibrationWords {
  readonly samples: number
  readonly seed: number
  readonly fit?: Preprocessing['mode']
  readonly random?: boolean
  readonly maxPixels?: number
  /** A file of ranges: samples are not needed. */
  readonly ranges?: string
}

/** What a network is calibrated on. */
export interface Calibration {
  readonly float: Model
  readonly samples: readonly Sample[]
  /** Others to measure noise on, where there are any. */
  readonly held?: readonly Sample[]
  /** What the samples are, for the model's provenance. */
  readonly what: string
  /** The same in short. */
  readonly noun: string
  /** They are drawn at random. */
  readonly drawn: boolean
}

const isArray = (word: string): boolean => /\.npy$/i.test(word)

export async function findCalibration(words: readonly string[] = []): Promise<CalibrationFiles> {
  const arrays = words.filter(isArray)
  const others = words.filter((word) => !isArray(word))
  return {
    photos: others.length === 0 ? [] : await findPhotos(others),
    words: arrays,
    arrays: arrays.map((word) => word.slice(word.indexOf('=') + 1)),
  }
}

/**
 * Samples to calibrate a network on: latents of a seed for a generator, photos for a network that
 * takes pictures, arrays and random numbers for the inputs of any other.
 */
export async function calibrationOf(
  read: Model,
  weights: string,
  files: CalibrationFiles,
  words: CalibrationWords,
): Promise<Calibration> {
  const { task, preprocessing } = read.graph
  if (task.kind === 'tensors') {
    const fitted = preprocessing === undefined ? read : fittedTo(read, words.fit)
    return { float: fitted, ...(await tensorSamples(fitted, weights, files, words)) }
  }
  if (files.words.length > 0)
    throw new OcellusError('E_OPTION', `${files.words[0]}: arrays calibrate ONNX networks alone`)
  if (task.kind === 'generation') {
    const size = read.graph.tensors.find(({ name }) => name === read.graph.inputs[0])!.shape[3]
    // Not the seeds that pictures are most often drawn from.
    const drawn = Array.from({ length: words.samples + others }, (_, n) => latentOf(seedOf(words, n), size))
    return {
      float: read,
      samples: drawn.slice(0, words.samples),
      held: drawn.slice(words.samples),
      what: `latents from seed ${words.seed}`,
      noun: 'latents',
      drawn: true,
    }
  }
  if (files.photos.length === 0 && words.ranges === undefined)
    throw new OcellusError('E_USAGE', `${weights} needs photos to calibrate on: give them with --calibrate`)
  const photo =
    (file: string): Photo =>
    () =>
      readPhoto(file, words.maxPixels)
  const chosen = pick(files.photos, words.samples)
  const taken = new Set(chosen)
  const rest = files.photos.filter((file) => !taken.has(file))
  return {
    float: fittedTo(read, words.fit),
    samples: chosen.map(photo),
    // Where a few more photos than are wanted were given, some of those that calibrate are held
    // back instead.
    held: rest.length < others ? undefined : pick(rest, others).map(photo),
    what: 'photos',
    noun: 'photos',
    drawn: false,
  }
}

/** Samples beyond those that calibrate, to measure noise on. */
const others = 8

const seedOf = ({ seed }: CalibrationWords, n: number): number => (seed + n) % 2 ** 32

function fittedTo(model: Model, fit: Preprocessing['mode'] | undefined): Model {
  const preprocessing = preprocessingOf(model.graph)
  return {
    ...model,
    graph: { ...model.graph, preprocessing: { ...preprocessing, mode: fit ?? preprocessing.mode } },
  }
}

/** At most `count` of a list, evenly spaced, so that every folder of it has its share. */
function pick<T>(list: readonly T[], count: number): T[] {
  if (list.length <= count) return [...list]
  return Array.from({ length: count }, (_, i) => list[Math.floor((i * list.length) / count)])
}

/** Values of one input: `count` of them, or as many as are asked for where it is Infinity. */
interface Source {
  readonly input: TensorMetadata
  readonly count: number
  readonly kind: 'photos' | 'arrays' | 'random'
  value(n: number): NamedTensor | Promise<Pixels>
}

async function tensorSamples(
  model: Model,
  weights: string,
  files: CalibrationFiles,
  words: CalibrationWords,
) {
  const verified = verifyModel(model, Number.POSITIVE_INFINITY)
  const rows = rowsOf(verified)
  const inputs = model.graph.inputs.map((name) => metadataOf(model.graph, verified.tensorsByName.get(name)!))
  const named = filesOf(files.words, inputs)
  // A network of vectors and labels needs nothing else; what a map holds can't be guessed.
  const random = words.random || inputs.every(({ layout }) => layout === 'plain')
  const sources: Source[] = []
  for (const [index, input] of inputs.entries()) {
    const file = named.get(input.name)
    if (file !== undefined) {
      const { count, sample } = await readSamples(input, file)
      sources.push({ input, count, kind: 'arrays', value: (n) => sample(n) as NamedTensor })
    } else if (input.picture && files.photos.length > 0) {
      const value = (n: number) => readPhoto(files.photos[n], words.maxPixels)
      sources.push({ input, count: files.photos.length, kind: 'photos', value })
    } else if (random) sources.push(randomSource(input, index, rows.get(input.name) ?? 1, words))
    else throw missing(weights, input, files)
  }
  if (files.photos.length > 0 && !sources.some(({ kind }) => kind === 'photos'))
    throw missing(weights, inputs[0], files)
  const given = Math.max(...sources.map(({ count }) => (Number.isFinite(count) ? count : 0)))
  const total = given === 0 ? words.samples : Math.min(words.samples, given)
  const length = given === 0 ? total + others : total
  const samples = Array.from({ length }, (_, n) => async (): Promise<NamedInputs> => {
    // Evenly spaced over what is given; an input with fewer samples begins again.
    const at = given === 0 ? n : Math.floor((n * given) / total)
    const feeds: Record<string, NamedTensor | Pixels> = {}
    for (const { input, count, value } of sources)
      feeds[input.name] = await value(Number.isFinite(count) ? at % count : n)
    return feeds
  })
  const what = [...new Set(sources.map(({ kind }) => kind))].join(' and ')
  if (what !== 'random') return { samples, what, noun: what, drawn: false }
  return {
    samples: samples.slice(0, total),
    held: samples.slice(total),
    what: `random inputs from seed ${words.seed}`,
    noun: 'inputs',
    drawn: true,
  }
}

/** Normal numbers, or indices of rows, of which each sample has its own. */
function randomSource(input: TensorMetadata, index: number, rows: number, words: CalibrationWords): Source {
  const { shape } = input
  const length = elements(shape)
  return {
    input,
    count: Number.POSITIVE_INFINITY,
    kind: 'random',
    value(n) {
      // A prime apart, so that no two inputs see the same numbers.
      const seed = seedOf(words, n + index * 7919)
      if (input.dtype !== 'int32') return { dtype: 'float32', shape, data: latentOf(seed, length) }
      const stream = new RandomStream(seed)
      return { dtype: 'int32', shape, data: Int32Array.from({ length }, () => stream.below(rows)) }
    },
  }
}

function missing(weights: string, input: TensorMetadata, { photos }: CalibrationFiles): OcellusError {
  if (photos.length > 0)
    return new OcellusError(
      'E_OPTION',
      `${weights} does not say how it takes pictures: give --normalize (unit, signed, imagenet, bytes or MEAN/STD), or arrays`,
    )
  return new OcellusError(
    'E_USAGE',
    `the input ${described(input)} of ${weights} has nothing to calibrate on: give --calibrate ${input.name}=FILE.npy, photos with --normalize, or --random`,
  )
}
