import type { Command } from 'commander'
import { OcellusError } from '../src/host/errors.js'
import { taskKinds } from '../src/host/graph/task.js'
import type { Model, Task } from '../src/host/graph/types.js'
import { limits } from '../src/host/limits.js'
import { type Build, builds, loadModel } from '../src/host/platform/node.js'
import { modelContent } from '../src/host/source/content.js'
import { type FamilyName, familyNames } from '../tools/onnx/detectors.js'
import type { OnnxOptions } from '../tools/onnx/read.js'
import { type ModelFile, type OpenOptions, openFormat } from '../tools/quantize/readers/open.js'
import { type NormalizeWords, parseNormalize, pictureOf } from './normalize.js'
import { warn } from './output.js'
import { modelFileOf } from './registry.js'
import { readStdin } from './stdin.js'

export interface ModelWords extends NormalizeWords {
  readonly config?: string
  readonly names?: string
  /** Of batch normalisation: one for all, or one for each. */
  readonly epsilon?: readonly number[]
  readonly heads?: number
  readonly decoderHeads?: number
  readonly imageSize?: number
  readonly normPix?: boolean
  readonly encoderOnly?: boolean
  readonly key?: string
  /** What the model is for, where a checkpoint holds several networks. */
  readonly task?: Task['kind'] | FamilyName | 'classifier'
  /** Whether an ONNX file may be taken for a detector by its outputs. */
  readonly seekDetector?: boolean
  /** Shapes of an ONNX file's inputs, by name. */
  readonly shape?: Readonly<Record<string, readonly number[]>>
  /** The same where the file leaves them open, as the arrays have them that are given. */
  readonly shapeHints?: Readonly<Record<string, readonly number[]>>
  /** Values of an ONNX graph to stop at. */
  readonly outputs?: readonly string[]
}

/** What the tensors of a checkpoint don't tell. */
export function addNetworkOptions(command: Command): void {
  command
    .option('--heads <n>', "attention heads of a checkpoint's encoder; default: by its width", parseCount)
    .option('--decoder-heads <n>', 'the same of its decoder', parseCount)
    .option('--image-size <pixels>', 'side of its pictures, where it holds no positions', parseCount)
    .option('--norm-pix', 'it was trained with norm_pix_loss')
    .option('--encoder-only', 'leave its decoder out')
  addOnnxOptions(command)
  addKeyOption(command)
}

/** What an ONNX file doesn't tell. */
export function addOnnxOptions(command: Command): Command {
  return command
    .option(
      '--shape <name=1x3x320x320>',
      'shape of an input that an ONNX file leaves open; again for each input',
      parseShape,
    )
    .option(
      '--task <what>',
      `what the outputs of an ONNX file mean: classifier, a detector (${familyNames.join(', ')}), or tensors; default: a detector where its outputs tell that`,
      parseChoice(['tensors', 'classifier', ...familyNames] as const),
    )
    .option(
      '--normalize <how>',
      'how an ONNX network takes pictures: unit (0 to 1), signed (-1 to 1), imagenet, bytes (0 to 255), or MEAN/STD of bytes as in 103.5,116.3,123.7/57.4,57.1,58.4',
      parseNormalize,
    )
    .option('--channels <order>', 'rgb or bgr, with --normalize', parseChoice(['rgb', 'bgr'] as const))
}

/** Which network of a checkpoint. */
export const addKeyOption = (command: Command): Command =>
  command.option('--key <name>', 'which network of a checkpoint that holds several, such as netG')

/** What the outputs of an ONNX file mean, as far as the command line tells. */
const onnxTask = ({ task, seekDetector }: ModelWords): OnnxOptions['task'] =>
  task === undefined
    ? seekDetector
      ? 'auto'
      : undefined
    : (['classifier', ...familyNames] as const).find((name) => name === task)

/** What the command line says of a model, as its reader takes it. */
export const openOptions = (words: ModelWords): OpenOptions => ({
  config: words.config,
  names: words.names,
  heads: words.heads,
  decoderHeads: words.decoderHeads,
  imageSize: words.imageSize,
  normalizedPatches: words.normPix,
  encoderOnly: words.encoderOnly,
  epsilon: words.epsilon,
  key: words.key,
  task: taskKinds.find((kind) => kind === words.task),
  onnx: {
    task: onnxTask(words),
    shapes: words.shape,
    hints: words.shapeHints,
    outputs: words.outputs,
    picture: pictureOf(words),
  },
  report: reportOnce,
})

const reported = new Set<string>()

/** A line to stderr, once however often a file is read. */
function reportOnce(line: string): void {
  if (!reported.has(line)) warn(line)
  reported.add(line)
}

/** The model of a path, a name or `-`, which is standard input. Default: the embedded detector. */
export async function openModel(word: string | undefined, words: ModelWords = {}): Promise<Model> {
  return word === undefined
    ? loadModel()
    : (await openFormat(await modelSource(word), openOptions(words))).model
}

export const modelSource = async (word: string): Promise<ModelFile> =>
  word === '-'
    ? { file: 'standard input', bytes: await readStdin(modelContent) }
    : { file: await modelFileOf(word) }

/** `name=1x3x320x320`, added to those before it. */
function parseShape(
  word: string,
  before: Readonly<Record<string, readonly number[]>> = {},
): Readonly<Record<string, readonly number[]>> {
  const [, name, sides] = /^(.+)=(\d{1,9}(?:x\d{1,9}){0,7})$/.exec(word) ?? []
  if (name === undefined)
    throw new OcellusError('E_OPTION', `${word} is no shape of an input: give one as in input=1x3x320x320`)
  return { ...before, [name]: sides.split('x').map(Number) }
}

/** Every file that a model is read from, as far as the words tell, for those who write files. */
export function modelFiles(word: string | undefined, { config, names }: ModelWords = {}): string[] {
  const beside = word === undefined ? [] : ['.cfg', '.names'].map((e) => word.replace(/\.[^./\\]*$/, '') + e)
  return [word, config, names, ...beside].filter((file) => file !== undefined)
}

export function parseSeed(word: string): number {
  if (!/^\d{1,10}$/.test(word) || Number(word) > 0xffffffff)
    throw new OcellusError('E_OPTION', `${word} is no seed: give a whole number from 0 to 4294967295`)
  return Number(word)
}

export function parseBuild(word: string): Build {
  const build = builds.find((b) => b === word)
  if (build === undefined)
    throw new OcellusError('E_OPTION', `no build ${word}: there are ${builds.join(', ')}`)
  return build
}

export function parseFraction(word: string): number {
  const value = Number(word)
  if (word.trim() === '' || !(value >= 0 && value <= 1))
    throw new OcellusError('E_OPTION', `${word} is not a number from 0 to 1`)
  return value
}

/** How much work a model may take, in units of graph/work.ts. */
export function parseWork(word: string): number {
  const work = Number(word)
  if (word.trim() !== '' && work >= 1) return work
  throw new OcellusError('E_OPTION', `${word} is not a number of at least 1`)
}

export const threadsOption =
  'threads that share the work; default: the processors, four at most, one for a small model'

/** How many threads: `limits.threads` at most. */
export function parseThreads(word: string): number {
  const threads = Number(word)
  if (!/^\d{1,9}$/.test(word) || threads < 1 || threads > limits.threads)
    throw new OcellusError('E_OPTION', `${word} threads: give a whole number from 1 to ${limits.threads}`)
  return threads
}

export function parseCount(word: string): number {
  if (!/^[1-9]\d{0,8}$/.test(word))
    throw new OcellusError('E_OPTION', `${word} is not a whole number of at least 1`)
  return Number(word)
}

/** Of batch normalisation: one, or several with commas between them. */
export function parseEpsilon(word: string): number[] {
  return word.split(',').map((part) => {
    const value = Number(part)
    if (!(value > 0 && value < 1))
      throw new OcellusError('E_OPTION', `${part} is not a number between 0 and 1`)
    return value
  })
}

/** Reads one of certain words. */
export function parseChoice<T extends string>(values: readonly T[]): (word: string) => T {
  return (word) => {
    const value = values.find((v) => v === word)
    if (value === undefined) throw new OcellusError('E_OPTION', `${word}: give one of ${values.join(', ')}`)
    return value
  }
}
