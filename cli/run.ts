import type { Command } from 'commander'
import { checkOutputs } from '../src/host/engine/named.js'
import { sessionOptionsOf } from '../src/host/engine/options.js'
import { Session } from '../src/host/engine/session.js'
import { OcellusError } from '../src/host/errors.js'
import { elements } from '../src/host/graph/descriptor.js'
import { limits } from '../src/host/limits.js'
import { readCapped } from '../src/host/platform/node/files.js'
import type { NamedTensor } from '../src/host/platform/node.js'
import { withVisible } from '../src/host/tasks/autoencoder/visible.js'
import { readHeader } from '../tools/npy/header.js'
import { writeNpy } from '../tools/npy/write.js'
import {
  addNetworkOptions,
  type ModelWords,
  modelFiles,
  openModel,
  parseEpsilon,
  parseSeed,
} from './inputs.js'
import { print, printJson, progress, table, writeWhole } from './output.js'
import { folderOutputs } from './outputs.js'
import { type Feeds, readFeeds } from './run-inputs.js'
import { readVisible } from './run-visible.js'
import { addSessionOptions, type SessionWords } from './session-options.js'

interface Options extends ModelWords, SessionWords {
  input?: string[]
  out: string
  outputs?: string[]
  raw?: boolean
  random?: boolean
  seed: number
  visible?: string
  json?: boolean
}

export function addRun(program: Command): void {
  const command = program
    .command('run')
    .description('run any model on arrays or pictures, and write each of its outputs as a NumPy array')
    .argument(
      '<model>',
      'model (.safetensors) or its name, darknet .weights or .cfg, checkpoint (.pth) or .onnx',
    )
    .option(
      '-i, --input <name=file>',
      'a .npy of [n, ...] with maps in NCHW, or a picture; again for each input; the name may be left out where there is one',
      (word: string, words: string[] = []) => [...words, word],
    )
    .requiredOption('-o, --out <folder>', 'where <output>.npy go, maps in NCHW')
    .option('--outputs <names>', 'only these, with commas between them', (word: string) => word.split(','))
    .option('--raw', 'write int8 outputs as they are; default: dequantised to float32')
    .option('--random', 'inputs that are not given: normal numbers, and 0 for int32')
    .option('--seed <n>', 'of --random: the same numbers everywhere', parseSeed, 1)
    .option(
      '--visible <patches>',
      'patches that an autoencoder sees: their numbers with commas, or a .npy; default: all',
    )
    .option('--config <cfg>', 'configuration of darknet weights; default: the .cfg beside them')
    .option('--epsilon <epsilon>', 'of batch normalisation', parseEpsilon)
    .option('--json', 'print JSON')
    .action(run)
  addSessionOptions(command)
  addNetworkOptions(command)
}

async function run(path: string, options: Options): Promise<void> {
  const opened = await openModel(path, { ...options, shapeHints: await shapesOf(options.input ?? []) })
  const visible = await readVisible(opened.graph, options.visible)
  const model = visible === undefined ? opened : withVisible(opened, visible[0].length)
  const session = await Session.create(model, sessionOptionsOf(options))
  try {
    const feeds = await readFeeds(session.inputMetadata, session.maxPixels, options.input ?? [], options)
    const names = checkOutputs(session.plan, { outputs: options.outputs })
    const inputs = [...modelFiles(path, options), ...feeds.sources, options.visible]
    const planned = folderOutputs(options.out, fileNames(names), inputs)
    const files = new Map(names.map((name, n) => [name, planned[n]]))
    const results = runAll(session, feeds, visible, options)
    const written = []
    for (const [name, runs] of results) {
      const file = files.get(name)!
      const shape = stackedShape(runs[0].shape, runs.length)
      writeWhole(
        file,
        writeNpy(
          runs.map(({ data }) => data),
          shape,
        ),
      )
      const { dtype } = runs[0]
      const quantization = 'quantization' in runs[0] ? { quantization: runs[0].quantization } : {}
      written.push({ name, dtype, shape, ...quantization, ...summary(runs), file })
    }
    report(session, path, feeds, written, options)
  } finally {
    session.close()
  }
}

/** Shapes of the arrays that are given, a sample each: an ONNX file may leave its own open. */
async function shapesOf(words: readonly string[]): Promise<Record<string, readonly number[]>> {
  const shapes: Record<string, readonly number[]> = {}
  for (const word of words) {
    const [, name, file] = /^([^=]+)=(.+\.npy)$/i.exec(word) ?? []
    if (name === undefined) continue
    // What is wrong with a file, or with its name, is told when the model's own inputs are known.
    const shape = await readCapped(file, limits.npyBytes)
      .then((bytes) => readHeader(bytes, file).shape)
      .catch(() => [])
    if (shape.length > 0) shapes[name] = [1, ...shape.slice(1)]
  }
  return shapes
}

/** Every output, a tensor a run. */
function runAll(
  session: Session,
  { runs, feed }: Feeds,
  visible: readonly (readonly number[])[] | undefined,
  { outputs, raw }: Options,
): Map<string, NamedTensor[]> {
  if (visible !== undefined && visible.length > 1 && visible.length !== runs)
    throw new OcellusError('E_OPTION', `${visible.length} rows of visible patches for ${runs} inputs`)
  const results = new Map<string, NamedTensor[]>()
  const bar = progress('running')
  for (let n = 0; n < runs; n++) {
    if (visible !== undefined) session.select(visible[n % visible.length])
    for (const [name, tensor] of Object.entries(session.run(feed(n), { outputs, raw })))
      results.set(name, [...(results.get(name) ?? []), tensor])
    if (runs > 1) bar.update(n + 1, runs)
  }
  bar.stop()
  return results
}

/**
 * A batch's shape: its runs take the place of the leading 1, or stand before the shape where there
 * is none.
 */
const stackedShape = (shape: readonly number[], runs: number): readonly number[] =>
  runs === 1 ? shape : shape[0] === 1 ? [runs, ...shape.slice(1)] : [runs, ...shape]

/** Names of outputs can hold what no file name can, and differ in no more than that. */
export function fileNames(outputs: readonly string[]): string[] {
  const taken = new Set<string>()
  return outputs.map((output) => {
    const base = output.replace(/[^\w.-]/g, '_').replace(/^\.+/, '_')
    let name = `${base}.npy`
    for (let n = 2; taken.has(name.toLowerCase()); n++) name = `${base}_${n}.npy`
    taken.add(name.toLowerCase())
    return name
  })
}

function summary(runs: readonly NamedTensor[]): { min: number; max: number; mean: number } {
  let min = Number.POSITIVE_INFINITY
  let max = Number.NEGATIVE_INFINITY
  let sum = 0
  for (const { data } of runs) {
    for (const value of data) {
      min = Math.min(min, value)
      max = Math.max(max, value)
      sum += value
    }
  }
  return { min, max, mean: sum / (runs.length * elements(runs[0].shape)) }
}

interface Written extends ReturnType<typeof summary> {
  readonly name: string
  readonly dtype: string
  readonly shape: readonly number[]
  readonly file: string
}

function report(
  session: Session,
  path: string,
  { runs, sources }: Feeds,
  outputs: readonly Written[],
  { json }: Options,
): void {
  const { graph } = session.plan.model
  if (json) {
    const inputs = session.inputMetadata.map((metadata, n) => ({ ...metadata, from: sources[n] }))
    printJson({
      model: graph.name,
      file: path,
      task: graph.task.kind,
      build: session.build,
      runs,
      inputs,
      outputs,
    })
    return
  }
  const rows = outputs.map(({ name, dtype, shape, min, max, mean, file }) => [
    file,
    name,
    dtype,
    shape.join('x'),
    ...[min, max, mean].map((value) => value.toPrecision(6)),
  ])
  print(table(['file', 'output', 'type', 'shape', 'least', 'most', 'mean'], rows))
}
