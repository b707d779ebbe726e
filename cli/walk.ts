import { extname } from 'node:path'
import { type Command, Option } from 'commander'
import { OcellusError } from '../src/host/errors.js'
import { encodeImage } from '../src/host/platform/node/canvas.js'
import { slerp } from '../src/host/tasks/generation/latent.js'
import { mostPictures } from '../src/host/tasks/generator.js'
import { animatedPng } from './apng.js'
import { addGeneratorOptions, type GeneratorWords, openGenerator, parseSeeds } from './generate.js'
import { gridOf, sheetOf } from './grid.js'
import { modelFiles, parseCount } from './inputs.js'
import { print, printJson, writeWhole } from './output.js'
import { checkEnding, oneOutput, pictureEndings } from './outputs.js'

interface Options extends GeneratorWords {
  seeds: number[]
  steps: number
  zoom: number
  milliseconds: number
  out: string
}

export function addWalk(program: Command): void {
  addGeneratorOptions(
    program
      .command('walk')
      .description('draw what lies between pictures: along arcs from seed to seed')
      .addOption(
        new Option('--seeds <n,n,...>', 'where the walk leads')
          .argParser(parseSeeds)
          .default([1, 2, 3, 4], '1,2,3,4'),
      )
      .option('--steps <n>', 'pictures from one seed to the next', parseCount, 8)
      .option('--zoom <n>', 'side of a pixel', parseCount, 1)
      .option('--milliseconds <n>', 'that each picture of the animation is shown', parseCount, 80)
      .option(
        '-o, --out <file>',
        'a strip, a row for each arc (.png, .jpg); or an animation (.apng)',
        'walk.png',
      ),
  ).action(walk)
}

async function walk(options: Options): Promise<void> {
  const { seeds, steps, zoom, truncation, out } = options
  const ending = extname(out).toLowerCase()
  if (seeds.length < 2) throw new OcellusError('E_OPTION', 'a walk has at least two seeds')
  if ((seeds.length - 1) * steps > mostPictures)
    throw new OcellusError('E_OPTION', `${(seeds.length - 1) * steps} pictures; at most ${mostPictures}`)
  checkEnding(out, [...pictureEndings, '.apng'])
  oneOutput(out, modelFiles(options.model, options))
  const generator = await openGenerator(options)
  const grid = { columns: steps, zoom }
  if (ending !== '.apng') sheetOf((seeds.length - 1) * steps, generator, grid)
  const ends = seeds.map((seed) => generator.latent(seed, truncation))
  // The last picture of an arc in the strip is its end; in the animation it is the next arc's
  // first.
  const last = ending === '.apng' ? steps : Math.max(1, steps - 1)
  const latents = ends
    .slice(1)
    .flatMap((end, n) => Array.from({ length: steps }, (_, k) => slerp(ends[n], end, k / last)))
  const pictures = await generator.generate({ latents })
  generator.close()
  if (ending === '.apng') {
    const frames = await Promise.all(
      pictures.map((picture) => encodeImage(gridOf([picture], { columns: 1, zoom }), 'frame.png')),
    )
    writeWhole(out, animatedPng(frames, options.milliseconds))
  } else writeWhole(out, await encodeImage(gridOf(pictures, grid), out))
  if (options.json) printJson({ images: pictures.length, seeds, steps, out })
  else print(`${pictures.length} pictures from seed to seed (${seeds.join(', ')}) -> ${out}`)
}
