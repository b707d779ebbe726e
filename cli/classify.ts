import type { Command } from 'commander'
import { sessionOptionsOf } from '../src/host/engine/options.js'
import { OcellusError } from '../src/host/errors.js'
import { type Classification, Classifier } from '../src/host/platform/node.js'
import { shown } from '../src/host/shown.js'
import { addOnnxOptions, type ModelWords, openModel, parseCount } from './inputs.js'
import { fixed, print, printJson, warn } from './output.js'
import { findPhotos, photoName, readPhoto } from './photos.js'
import { addSessionOptions, type SessionWords } from './session-options.js'

interface Options extends ModelWords, SessionWords {
  model: string
  top: number
  json?: boolean
}

export function addClassify(program: Command): void {
  const command = program
    .command('classify')
    .description('tell what photos show as a whole, by a classifier')
    .argument('<photo...>', 'photos, folders of photos, or globs')
    .requiredOption(
      '-m, --model <file>',
      'classifier: .onnx, or .safetensors that quantize made with --task classifier',
    )
    .option('--names <file>', 'labels, one a line')
    .option('--top <n>', 'most classes of a photo', parseCount, 5)
    .option('--json', 'print JSON')
    .action(classify)
  addSessionOptions(command)
  addOnnxOptions(command)
}

async function classify(words: string[], options: Options): Promise<void> {
  const photos = await findPhotos(words)
  const classifier = await Classifier.create({
    model: await openModel(options.model, { task: 'classifier', ...options }),
    ...sessionOptionsOf(options),
  })
  const images: { file: string; classes: Classification[] }[] = []
  let failed = false
  for (const file of photos) {
    try {
      const pixels = await readPhoto(file, options.maxPixels)
      const classes = classifier.classifyPixels(pixels, { topK: options.top })
      images.push({ file, classes })
      if (!options.json) printText(photoName(file), classes)
    } catch (error) {
      // One bad photo among many does not cost the others.
      if (!(error instanceof OcellusError) || photos.length === 1) throw error
      warn(`${error.code}: ${error.message}`)
      failed = true
    }
  }
  classifier.close()
  if (options.json) printJson({ images })
  if (failed) process.exitCode = 1
}

function printText(name: string, classes: readonly Classification[]): void {
  print(`${shown(name)}:`)
  for (const { label, score } of classes) print(`  ${fixed(score, 3)} ${shown(label)}`)
}
