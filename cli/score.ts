import type { Command } from 'commander'
import { type Build, Discriminator } from '../src/host/platform/node.js'
import {
  addKeyOption,
  type ModelWords,
  maxWorkOption,
  openModel,
  parseBuild,
  parseEpsilon,
  parseThreads,
  threadsOption,
} from './inputs.js'
import { fixed, print, printJson, table } from './output.js'
import { findPhotos, maxPixelsOption, readPhoto } from './photos.js'

interface Options extends ModelWords {
  model?: string
  json?: boolean
  build?: Build
  threads?: number
  maxPixels?: number
  maxWork?: number
}

export function addScore(program: Command): void {
  addKeyOption(program.command('score'))
    .description("tell how real a DCGAN's discriminator takes pictures to be")
    .argument('<photo...>', 'photos, folders of photos, or globs')
    .option(
      '-m, --model <file>',
      'discriminator (.safetensors) or checkpoint (.pth); default: the embedded one',
    )
    .option(
      '--epsilon <value>',
      'of batch normalisation in a checkpoint: one, or one each, with commas',
      parseEpsilon,
    )
    .option('--json', 'print JSON')
    .option('--build <build>', 'force a build of the engine: relaxed, simd or scalar', parseBuild)
    .option('--threads <n>', threadsOption, parseThreads)
    .option(...maxPixelsOption)
    .option(...maxWorkOption)
    .action(score)
}

async function score(words: string[], options: Options): Promise<void> {
  const photos = await findPhotos(words)
  const discriminator = await Discriminator.create({
    model:
      options.model === undefined
        ? undefined
        : await openModel(options.model, { ...options, task: 'discrimination' }),
    build: options.build,
    threads: options.threads,
    maxPixels: options.maxPixels,
    maxWork: options.maxWork,
  })
  const images = []
  for (const file of photos) {
    const pixels = await readPhoto(file, options.maxPixels)
    images.push({ file, ...discriminator.scorePixels(pixels) })
  }
  discriminator.close()
  const mean = images.reduce((sum, { probability }) => sum + probability, 0) / images.length
  if (options.json) {
    printJson({ images, mean })
    return
  }
  const rows = images.map(({ file, probability, logit }) => [file, fixed(probability, 3), fixed(logit, 2)])
  print(table(['picture', 'real', 'logit'], rows))
  print(`\nmean of ${images.length}: ${fixed(mean, 3)}`)
}
