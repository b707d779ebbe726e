import type { Command } from 'commander'
import { OcellusError } from '../src/host/errors.js'
import { encodeImage } from '../src/host/platform/node/canvas.js'
import { Generator, loadModel } from '../src/host/platform/node.js'
import {
  channelsThatDraw,
  maskableLayers,
  type Region,
  withoutChannels,
} from '../src/host/tasks/generation/ablate.js'
import { addGeneratorOptions, type GeneratorWords } from './generate.js'
import { gridOf } from './grid.js'
import { modelFiles, openModel, parseCount, parseSeed } from './inputs.js'
import { fixed, print, printJson, writeWhole } from './output.js'
import { checkEnding, oneOutput, pictureEndings } from './outputs.js'

interface Options extends GeneratorWords {
  region: Region
  layer?: string
  count: number
  samples: number
  seed: number
  drop?: number
  threshold: number
  zoom: number
  out: string
}

export function addAblate(program: Command): void {
  addGeneratorOptions(
    program
      .command('ablate')
      .description(
        'find the feature maps that draw a region, switch them off, show pictures before and after',
      )
      .requiredOption(
        '--region <left,top,right,bottom>',
        'the part of the picture, in its pixels',
        parseRegion,
      )
      .option('--layer <name>', 'whose feature maps; default: the last but one layer')
      .option('-n, --count <n>', 'pictures to show', parseCount, 8)
      .option('--samples <n>', 'pictures to find the feature maps with', parseCount, 100)
      .option('--seed <n>', 'of the first picture', parseSeed, 1)
      .option('--drop <n>', 'switch off this many feature maps, the surest first', parseCount)
      .option(
        '--threshold <score>',
        'or all that are active inside by this many deviations more',
        Number,
        0.25,
      )
      .option('--zoom <n>', 'side of a pixel', parseCount, 1)
      .option('-o, --out <file>', 'a picture (.png, .jpg): before above, after below', 'ablate.png'),
  ).action(ablate)
}

async function ablate(options: Options): Promise<void> {
  checkEnding(options.out, pictureEndings)
  oneOutput(options.out, modelFiles(options.model, options))
  const model =
    options.model === undefined
      ? await loadModel('generator')
      : await openModel(options.model, { ...options, task: 'generation' })
  const { build, threads } = options
  const generator = await Generator.create({ model, build, threads })
  const layers = maskableLayers(model)
  const chosen =
    options.layer === undefined ? layers.at(-1) : layers.find(({ layer }) => layer.name === options.layer)
  if (chosen === undefined) {
    throw new OcellusError(
      'E_OPTION',
      `${model.graph.name} has no such layer: there are ${layers.map(({ layer }) => layer.name).join(', ')}`,
    )
  }
  const latents = Array.from({ length: options.samples }, (_, n) =>
    generator.latent((options.seed + n) % 2 ** 32, options.truncation),
  )
  const scores = await channelsThatDraw(model, chosen.layer, options.region, latents, { build, threads })
  const off =
    options.drop === undefined
      ? scores.filter(({ score }) => score >= options.threshold)
      : scores.slice(0, options.drop)
  if (off.length === 0 || off.length === scores.length) {
    throw new OcellusError(
      'E_OPTION',
      `${off.length} of ${scores.length} feature maps would go; the highest score is ${fixed(scores[0].score, 2)}: change --threshold or --drop`,
    )
  }
  const channels = off.map(({ channel }) => channel)
  const without = await Generator.create({
    model: withoutChannels(model, chosen.next, channels),
    build,
    threads,
  })
  const shown = Array.from({ length: options.count }, (_, n) =>
    generator.latent((options.seed + n) % 2 ** 32, options.truncation),
  )
  const pictures = [
    ...(await generator.generate({ latents: shown })),
    ...(await without.generate({ latents: shown })),
  ]
  generator.close()
  without.close()
  const sheet = gridOf(pictures, { columns: options.count, zoom: options.zoom })
  writeWhole(options.out, await encodeImage(sheet, options.out))
  if (options.json) {
    printJson({
      layer: chosen.layer.name,
      channels: off,
      of: scores.length,
      region: options.region,
      out: options.out,
    })
    return
  }
  print(
    `${chosen.layer.name}: ${off.length} of ${scores.length} feature maps switched off (scores ${fixed(off[0].score, 2)} to ${fixed(off[off.length - 1].score, 2)}): before above, after below -> ${options.out}`,
  )
}

function parseRegion(word: string): Region {
  const [left, top, right, bottom, ...more] = word
    .split(',')
    .map((part) => (/^\d{1,5}$/.test(part) ? Number(part) : Number.NaN))
  if (more.length > 0 || ![left, top, right, bottom].every(Number.isInteger))
    throw new OcellusError('E_OPTION', `${word} is no region: give left,top,right,bottom in pixels`)
  return { left, top, right, bottom }
}
