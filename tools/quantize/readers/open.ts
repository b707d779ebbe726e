import { extname } from 'node:path'
import { OcellusError } from '../../../src/host/errors.js'
import type { Model } from '../../../src/host/graph/types.js'
import { limits } from '../../../src/host/limits.js'
import { checkOptions, type OptionNames } from '../../../src/host/options.js'
import { pathOf, readCapped } from '../../../src/host/platform/node/files.js'
import { modelFile } from '../../../src/host/platform/node/models.js'
import {
  type Address,
  addressOf,
  type Contents,
  contentOf,
  modelContent,
} from '../../../src/host/source/content.js'
import type { OnnxOptions } from '../../onnx/read.js'
import { looksLikeOnnx } from '../../onnx/sniff.js'
import { openFile } from './byte-source.js'
import type { NetworkOptions } from './networks.js'

/**
 * What a file does not say of the model that it holds. Each reader takes the options that concern
 * it.
 */
export interface OpenOptions extends NetworkOptions {
  /** darknet: the .cfg file. Default: the file beside the weights that has their name. */
  readonly config?: string
  /**
   * Labels of a detector: a text file with one a line, or darknet's .data that names it. Default:
   * the model's own; for darknet a file beside the weights that fits, else the 80 of COCO or the 20
   * of Pascal VOC where there are so many, which `report` says.
   */
  readonly names?: string
  /** ONNX: shapes of inputs that the file leaves open, and values to stop at. */
  readonly onnx?: OnnxOptions
}

const optionNames = {
  config: true,
  names: true,
  onnx: true,
  epsilon: true,
  heads: true,
  decoderHeads: true,
  imageSize: true,
  normalizedPatches: true,
  encoderOnly: true,
  key: true,
  report: true,
  task: true,
  precision: true,
  bits: true,
} satisfies OptionNames<OpenOptions>

/** A model's file on disk, or its bytes alone, which `file` then names in messages. */
export interface ModelFile {
  readonly file: string
  readonly bytes?: Uint8Array
}

/** One kind of file that models are read from. */
export interface ModelFormat {
  readonly name: string
  /** The usual endings of its files. They decide where the first bytes say nothing. */
  readonly endings: readonly string[]
  /** Whether a file that starts with these bytes has this format; `startBytes` of them, or all. */
  begins(start: Uint8Array): boolean
  /** Its reader takes the option `names` itself. */
  readonly readsNames?: boolean
  /** Reads a model; undefined where the file belongs to a later row with the same first bytes. */
  read(source: ModelFile, options: OpenOptions): Promise<Model | undefined>
}

const startBytes = 4096
const littleEndian = (bytes: Uint8Array, at: number): number =>
  bytes.length < at + 4 ? -1 : new DataView(bytes.buffer, bytes.byteOffset).getUint32(at, true)

/** The length of the JSON header in 64 bits, then the header's brace. */
const beginsSafetensors = (start: Uint8Array): boolean => littleEndian(start, 4) === 0 && start[8] === 0x7b

/** A zip archive, or a pickle of protocol 2 to 5. */
const beginsPyTorch = ([first, second]: Uint8Array): boolean =>
  (first === 0x50 && second === 0x4b) || (first === 0x80 && second >= 2 && second <= 5)

/** Version 0.1.x or 0.2.x, as every darknet of the last ten years writes. */
const beginsWeights = (start: Uint8Array): boolean =>
  littleEndian(start, 0) === 0 &&
  [1, 2].includes(littleEndian(start, 4)) &&
  start.length >= 12 &&
  littleEndian(start, 8) < 100

/** Comments and blank lines, then the section that says what the network takes. */
const beginsCfg = (start: Uint8Array): boolean =>
  /^\uFEFF?(?:[ \t\r]*(?:[#;].*)?\n)*[ \t]*\[net(?:work)?\]/.test(new TextDecoder().decode(start))

const readNetwork: ModelFormat['read'] = async (source, options) => {
  const { loadNetwork } = await import('./networks.js')
  return loadNetwork(source, options)
}

const readDarknet: ModelFormat['read'] = async ({ file, bytes }, { epsilon, onnx: _, ...options }) => {
  const { loadDarknet } = await import('./darknet/load.js')
  if (epsilon !== undefined && epsilon.length > 1)
    throw new OcellusError('E_OPTION', 'a darknet network has one epsilon for all its batch normalisations')
  return loadDarknet(file, { ...options, bytes, epsilon: epsilon?.[0] })
}

const readOnnxFile: ModelFormat['read'] = async ({ file, bytes }, { onnx, report, names }) => {
  const { readOnnx } = await import('../../onnx/read.js')
  const content = bytes ?? (await readCapped(file, limits.modelBytes))
  // Names that are given need no guess.
  return readOnnx(content, file, onnx, names === undefined ? report : undefined)
}

/** The one format whose models may be quantised already. */
export const ocellusFormat = 'Ocellus model'
const onnxFormat = 'ONNX'

/**
 * Every format that a model is read from. A new one takes a file that reads it and a row here. The
 * first row that knows the bytes and makes a model of them wins.
 */
export const formats: readonly ModelFormat[] = [
  {
    name: ocellusFormat,
    endings: ['.safetensors'],
    begins: beginsSafetensors,
    read: async (source) => (await import('./ocellus.js')).readOcellus(source),
  },
  { name: 'safetensors checkpoint', endings: ['.safetensors'], begins: beginsSafetensors, read: readNetwork },
  {
    name: 'PyTorch checkpoint',
    endings: ['.pth', '.pt', '.bin', '.ckpt'],
    begins: beginsPyTorch,
    read: readNetwork,
  },
  { name: onnxFormat, endings: ['.onnx'], begins: looksLikeOnnx, read: readOnnxFile },
  {
    name: 'darknet weights',
    endings: ['.weights'],
    begins: beginsWeights,
    readsNames: true,
    read: readDarknet,
  },
  {
    name: 'darknet configuration',
    endings: ['.cfg'],
    begins: beginsCfg,
    readsNames: true,
    read: ({ file }, options) =>
      readDarknet({ file: file.replace(/(\.cfg)?$/i, '.weights') }, { config: file, ...options }),
  },
]

/** A model, and the format that it was read from. */
export interface OpenedModel {
  readonly model: Model
  readonly format: ModelFormat
}

/**
 * Opens a model of any format that Ocellus reads, recognised by the first bytes of the file and,
 * where these say nothing, by the ending of its name. `source` is a path, a file: address, the name
 * of a model that is embedded or was pulled, or what holds the bytes of a file (see `Contents`).
 *
 * Throws E_FILE_* where the file can't be read, E_MODEL_FORMAT where no format knows it, E_OPTION,
 * and what the readers throw: E_MODEL_*, E_CFG_*, E_WEIGHTS_*, E_CHECKPOINT_*, E_TORCH_*, E_ONNX_*.
 *
 * @example
 * import { Detector } from 'ocellus'
 * import { openModel } from 'ocellus/tools'
 * const model = await openModel('yolov4-tiny.weights', { names: 'coco.names' })
 * const detector = await Detector.create({ model })
 */
export async function openModel(
  source: string | Address | Contents,
  options: OpenOptions = {},
): Promise<Model> {
  const content = await contentOf(source, modelContent)
  if (content !== undefined) return (await openFormat(content, options)).model
  const address = addressOf(source)
  if (address === undefined)
    throw new OcellusError(
      'E_OPTION',
      'a model is given by its path, address or name, or the bytes of its file',
    )
  return (await openFormat({ file: await modelFile(pathOf(address)) }, options)).model
}

/** The model with the labels of a file. */
async function renamed(model: Model, file: string, modelFile: string): Promise<Model> {
  const { task } = model.graph
  if (task.kind !== 'detection' && task.kind !== 'classification')
    throw new OcellusError('E_OPTION', `${modelFile} knows no classes, so names of classes do not fit it`)
  const { readNames } = await import('./darknet/load.js')
  const labels = await readNames(file)
  if (labels.length !== task.labels.length)
    throw new OcellusError(
      'E_OPTION',
      `${file} names ${labels.length} classes, and ${modelFile} has ${task.labels.length}`,
    )
  return { ...model, graph: { ...model.graph, task: { ...task, labels } } }
}

/** As `openModel`, of a file or bytes with a name; tells the format too. */
export async function openFormat(source: ModelFile, options: OpenOptions = {}): Promise<OpenedModel> {
  checkOptions(options, optionNames, 'openModel')
  const start = source.bytes?.subarray(0, startBytes) ?? (await readStart(source.file))
  const known = formats.filter((format) => format.begins(start))
  const ending = extname(source.file).toLowerCase()
  for (const format of known.length > 0 ? known : formats.filter((f) => f.endings.includes(ending))) {
    const model = await format.read(source, options)
    if (model === undefined) continue
    if (options.onnx?.picture !== undefined && format.name !== onnxFormat)
      throw new OcellusError(
        'E_OPTION',
        `${source.file} tells itself how it takes pictures: that can be said of ONNX files alone`,
      )
    const { names } = options
    if (names === undefined || format.readsNames === true) return { model, format }
    return { model: await renamed(model, names, source.file), format }
  }
  const list = formats.map(({ name, endings }) => `${name} (${endings.join(', ')})`).join(', ')
  throw new OcellusError('E_MODEL_FORMAT', `${source.file} has none of the formats that are read: ${list}`)
}

async function readStart(path: string): Promise<Uint8Array> {
  const file = await openFile(path, limits.checkpointBytes)
  try {
    return await file.read(0, Math.min(startBytes, file.size))
  } finally {
    await file.close()
  }
}
