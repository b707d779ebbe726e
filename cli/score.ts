import type { Command } from 'commander'
import { sessionOptionsOf } from '../src/host/engine/options.js'
import { Discriminator } from '../src/host/platform/node.js'
import { addKeyOption, type ModelWords, openModel, parseEpsilon } from './inputs.js'
import { fixed, print, printJson, table } from './output.js'
import { findPhotos, readPhoto } from './photos.js'
import { addSessionOptions, type SessionWords } from './session-options.js'

interface Options extends ModelWords, SessionWords {
  model?: string
  json?: boolean
}

export function addScore(program: Command): void {
  const command = addKeyOption(program.command('score'))
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
    .action(score)
  addSessionOptions(command)
}

async function score(words: string[], options: Options): Promise<void> {
  const photos = await findPhotos(words)
  const discriminator = await Discriminator.create({
    model:
      options.model === undefined
        ? undefined
        : await openModel(options.model, { ...options, task: 'discrimination' }),
    ...sessionOptionsOf(options),
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
