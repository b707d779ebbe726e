import type { Command } from 'commander'
import { OcellusError } from '../src/host/errors.js'
import { encodeImage } from '../src/host/platform/node/canvas.js'
import { type Build, Generator } from '../src/host/platform/node.js'
import { mostPictures } from '../src/host/tasks/generator.js'
import { gridOf, sheetOf, squareColumns } from './grid.js'
import {
  addKeyOption,
  type ModelWords,
  modelFiles,
  openModel,
  parseBuild,
  parseCount,
  parseEpsilon,
  parseSeed,
  parseThreads,
  threadsOption,
} from './inputs.js'
import { print, printJson, progress, writeWhole } from './output.js'
import { folderOutputs, meansFolder, oneOutput, pictureEndings } from './outputs.js'

export interface GeneratorWords extends ModelWords {
  model?: string
  truncation?: number
  json?: boolean
  build?: Build
  threads?: number
}

interface Options extends GeneratorWords {
  count: number
  seed: number
  columns?: number
  zoom: number
  out: string
}

/** Options of all verbs that draw. */
export const addGeneratorOptions = (command: Command): Command =>
  addKeyOption(command)
    .option(
      '-m, --model <file>',
      'model (.safetensors) or checkpoint (.pth); default: the embedded generator',
    )
    .option(
      '--truncation <limit>',
      'draw numbers beyond this again: likelier pictures, less variety',
      parseLimit,
    )
    .option(
      '--epsilon <value>',
      'of batch normalisation in a checkpoint: one, or one each, with commas',
      parseEpsilon,
    )
    .option('--json', 'print JSON')
    .option('--build <build>', 'force a build of the engine: relaxed, simd or scalar', parseBuild)
    .option('--threads <n>', threadsOption, parseThreads)

export const openGenerator = async (words: GeneratorWords): Promise<Generator> =>
  Generator.create({
    model:
      words.model === undefined ? undefined : await openModel(words.model, { ...words, task: 'generation' }),
    build: words.build,
    threads: words.threads,
  })

export function addGenerate(program: Command): void {
  addGeneratorOptions(
    program
      .command('generate')
      .description('draw pictures with a DCGAN')
      .option('-n, --count <n>', `how many, at most ${mostPictures}`, parseCount, 16)
      .option('--seed <n>', 'of the first; each further picture has the next', parseSeed, 1)
      .option('--columns <n>', 'of the grid', parseCount)
      .option('--zoom <n>', 'side of a pixel in the grid', parseCount, 1)
      .option('-o, --out <path>', 'a grid (.png, .jpg), or a folder for single pictures', 'grid.png'),
  ).action(generate)
}

async function generate(options: Options): Promise<void> {
  const { count, seed, truncation, columns = squareColumns(count), zoom, out } = options
  if (count > mostPictures)
    throw new OcellusError('E_OPTION', `--count ${count}: at most ${mostPictures} pictures at a time`)
  const single = meansFolder(out, pictureEndings)
  const seeds = Array.from({ length: count }, (_, n) => (seed + n) % 2 ** 32)
  const planned = single
    ? folderOutputs(
        out,
        seeds.map((s) => `${String(s).padStart(5, '0')}.png`),
        modelFiles(options.model, options),
      )
    : [oneOutput(out, modelFiles(options.model, options))]
  const generator = await openGenerator(options)
  const { width, height } = generator
  const grid = { columns: Math.min(columns, count), zoom }
  // A sheet too large is refused before the work starts.
  if (!single) sheetOf(count, generator, grid)
  const bar = progress('drawing')
  const pictures = []
  const start = performance.now()
  for (let n = 0; n < count; n++) {
    pictures.push(...(await generator.generate({ seed: (seed + n) % 2 ** 32, truncation })))
    bar.update(n + 1, count)
  }
  const ms = performance.now() - start
  bar.stop()
  generator.close()
  const files: string[] = []
  if (single) {
    for (const [n, picture] of pictures.entries()) {
      const path = planned[n]
      writeWhole(path, await encodeImage(picture, path))
      files.push(path)
    }
  } else {
    writeWhole(out, await encodeImage(gridOf(pictures, grid), out))
    files.push(out)
  }
  if (options.json) printJson({ images: count, seed, width, height, files, msPerImage: ms / count })
  else
    print(
      `${count} pictures of ${width}x${height}, seeds ${seed} to ${(seed + count - 1) % 2 ** 32}, ${(ms / count).toFixed(1)} ms each -> ${out}`,
    )
}

function parseLimit(word: string): number {
  const value = Number(word)
  if (!(value >= 0.05 && value <= 100))
    throw new OcellusError('E_OPTION', `${word} is no limit of a normal number: give 0.05 or more`)
  return value
}

/** Seeds with commas between them. */
export const parseSeeds = (word: string): number[] => word.split(',').map((part) => parseSeed(part))
