import type { Command } from 'commander'
import { sessionOptionsOf } from '../src/host/engine/options.js'
import { OcellusError } from '../src/host/errors.js'
import { encodeImage } from '../src/host/platform/node/canvas.js'
import { Autoencoder } from '../src/host/platform/node.js'
import { shown } from '../src/host/shown.js'
import { type MaskKind, maskKinds } from '../src/host/tasks/autoencoder/mask.js'
import {
  addNetworkOptions,
  type ModelWords,
  modelFiles,
  openModel,
  parseChoice,
  parseSeed,
} from './inputs.js'
import { fixed, print, printJson, writeWhole } from './output.js'
import { pictureOutputs } from './outputs.js'
import { findPhotos, readPhoto } from './photos.js'
import { addSessionOptions, type SessionWords } from './session-options.js'
import { besideEachOther } from './triptych.js'

interface Options extends ModelWords, SessionWords {
  model?: string
  mask: string
  kind?: MaskKind
  seed: number
  fit: 'crop' | 'stretch'
  out: string
  single?: boolean
  json?: boolean
}

export function addReconstruct(program: Command): void {
  const command = program
    .command('reconstruct')
    .description('hide parts of photos and have a masked autoencoder draw them')
    .argument('<photo...>', 'photos, folders of photos, or globs')
    .option(
      '-m, --model <file>',
      'model (.safetensors) or checkpoint (.pth); default: the embedded autoencoder',
    )
    .option(
      '--mask <ratio|picture>',
      "share of the patches to hide, 0.05 to 0.95; or a picture of the photo's size, white where it is to be restored",
      '0.75',
    )
    .option(
      '--kind <kind>',
      `which patches: ${maskKinds.join(', ')}; default: random`,
      parseChoice(maskKinds),
    )
    .option('--seed <n>', 'hides the same patches wherever it is given', parseSeed, 1)
    .option(
      '--fit <mode>',
      'crop: the middle of the photo; stretch: all of it',
      parseChoice(['crop', 'stretch'] as const),
      'crop',
    )
    .option('-o, --out <path>', 'a picture (.png, .jpg) for one photo, or a folder', defaultOut)
    .option('--single', 'write the restored picture alone instead of masked | restored | original')
    .option('--json', 'print JSON')
    .action(reconstruct)
  addSessionOptions(command)
  addNetworkOptions(command)
}

async function reconstruct(words: string[], options: Options): Promise<void> {
  const photos = await findPhotos(words)
  const targets = targetsOf(photos, options)
  const autoencoder = await Autoencoder.create({
    model: options.model === undefined ? undefined : await openModel(options.model, options),
    ...sessionOptionsOf(options),
    fit: options.fit,
  })
  const wanted = await maskOf(options)
  const results = []
  for (const [n, file] of photos.entries()) {
    const pixels = await readPhoto(file, options.maxPixels)
    const start = performance.now()
    const result = autoencoder.reconstructPixels(pixels, wanted)
    const ms = performance.now() - start
    const picture = options.single
      ? result.restored
      : besideEachOther([result.masked, result.restored, result.original])
    const path = targets[n]
    writeWhole(path, await encodeImage(picture, path))
    const patches = result.grid.rows * result.grid.columns
    const { maskedMse, maskedPsnr, visible } = result
    results.push({ file, out: path, patches, visible: visible.length, maskedMse, maskedPsnr, ms })
    if (options.json) continue
    print(
      `${shown(file)}: ${patches - visible.length} of ${patches} patches hidden, masked-patch MSE ${fixed(maskedMse, 5)}, PSNR ${fixed(maskedPsnr, 2)} dB, ${ms.toFixed(0)} ms -> ${shown(path)}`,
    )
  }
  autoencoder.close()
  if (options.json) printJson({ images: results })
}

/** --mask is a number or a picture. */
async function maskOf({ mask, kind, seed, maxPixels }: Options) {
  const ratio = Number(mask)
  if (mask.trim() !== '' && !Number.isNaN(ratio)) return { ratio, kind, seed }
  if (kind !== undefined)
    throw new OcellusError('E_OPTION', '--kind goes with a ratio, not with a mask picture')
  return { mask: await readPhoto(mask, maxPixels) }
}

/** Where each photo's picture goes, settled before the work starts. */
function targetsOf(photos: readonly string[], { out, model, mask, ...words }: Options): string[] {
  const place = out === defaultOut && photos.length > 1 ? 'reconstructed' : out
  return pictureOutputs(place, photos, [...photos, mask, ...modelFiles(model, words)])
}

const defaultOut = 'reconstructed.png'
