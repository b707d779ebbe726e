import { extname } from 'node:path'
import type { Command } from 'commander'
import { sessionOptionsOf } from '../src/host/engine/options.js'
import { Autoencoder } from '../src/host/platform/node.js'
import { type Features, pools } from '../src/host/tasks/autoencoder.js'
import { writeNpy } from '../tools/npy/write.js'
import { addNetworkOptions, type ModelWords, modelFiles, openModel, parseChoice } from './inputs.js'
import { print, printJson, progress, writeWhole } from './output.js'
import { checkEnding, oneOutput } from './outputs.js'
import { findPhotos, readPhoto } from './photos.js'
import { addSessionOptions, type SessionWords } from './session-options.js'

interface Options extends ModelWords, SessionWords {
  model?: string
  pool?: (typeof pools)[number]
  fit: 'crop' | 'stretch'
  out?: string
}

export function addEncode(program: Command): void {
  const command = program
    .command('encode')
    .description("turn photos into feature vectors with a masked autoencoder's encoder")
    .argument('<photo...>', 'photos, folders of photos, or globs')
    .option(
      '-m, --model <file>',
      'model (.safetensors) or checkpoint (.pth); default: the embedded autoencoder',
    )
    .option(
      '--pool <pool>',
      "class: the class token's vector; mean: of the patches' tokens; none: all tokens; default: class, or mean where the model was finetuned with it",
      parseChoice(pools),
    )
    .option(
      '--fit <mode>',
      'crop: the middle of the photo; stretch: all of it',
      parseChoice(['crop', 'stretch'] as const),
      'crop',
    )
    .option('-o, --out <file>', '.npy: float32 [photos, ...]; or .json; default: JSON on stdout')
    .action(encode)
  addSessionOptions(command)
  addNetworkOptions(command)
}

async function encode(words: string[], options: Options): Promise<void> {
  const photos = await findPhotos(words)
  if (options.out !== undefined) {
    checkEnding(options.out, ['.npy', '.json'])
    oneOutput(options.out, [...photos, ...modelFiles(options.model, options)])
  }
  const autoencoder = await Autoencoder.create({
    model: options.model === undefined ? undefined : await openModel(options.model, options),
    ...sessionOptionsOf(options),
    fit: options.fit,
  })
  const bar = progress('encoding')
  const all: Features[] = []
  for (const file of photos) {
    const pixels = await readPhoto(file, options.maxPixels)
    all.push(autoencoder.encodePixels(pixels, { pool: options.pool }))
    bar.update(all.length, photos.length)
  }
  bar.stop()
  autoencoder.close()
  const { shape } = all[0]
  if (options.out !== undefined && extname(options.out).toLowerCase() === '.npy') {
    writeWhole(
      options.out,
      writeNpy(
        all.map(({ data }) => data),
        [photos.length, ...shape],
      ),
    )
    print(`${options.out}: float32 [${[photos.length, ...shape].join(', ')}]`)
    return
  }
  const report = { shape, images: photos.map((file, n) => ({ file, features: [...all[n].data] })) }
  if (options.out === undefined) printJson(report)
  else writeWhole(options.out, `${JSON.stringify(report)}\n`)
}
