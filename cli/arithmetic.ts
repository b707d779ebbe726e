import type { Command } from 'commander'
import type { Pixels } from '../src/host/image/pixels.js'
import { encodeImage } from '../src/host/platform/node/canvas.js'
import type { Generator } from '../src/host/platform/node.js'
import { meanOf } from '../src/host/tasks/generation/latent.js'
import { RandomStream } from '../src/host/tasks/random.js'
import { addGeneratorOptions, type GeneratorWords, openGenerator, parseSeeds } from './generate.js'
import { gridOf } from './grid.js'
import { modelFiles, parseCount, parseSeed } from './inputs.js'
import { print, printJson, writeWhole } from './output.js'
import { checkEnding, oneOutput, pictureEndings } from './outputs.js'

interface Options extends GeneratorWords {
  a: number[]
  b: number[]
  c: number[]
  noise: number
  seed: number
  zoom: number
  out: string
}

export function addArithmetic(program: Command): void {
  addGeneratorOptions(
    program
      .command('arithmetic')
      .description('draw A - B + C of the mean latents of three groups of seeds')
      .requiredOption('--a <n,n,...>', 'seeds of pictures that have something', parseSeeds)
      .requiredOption('--b <n,n,...>', 'the same without it', parseSeeds)
      .requiredOption('--c <n,n,...>', 'others that shall get it', parseSeeds)
      .option('--noise <n>', 'the eight pictures around the result differ by up to this', Number, 0.25)
      .option('--seed <n>', 'of that noise', parseSeed, 1)
      .option('--zoom <n>', 'side of a pixel', parseCount, 1)
      .option('-o, --out <file>', 'a picture (.png, .jpg)', 'arithmetic.png'),
  ).action(arithmetic)
}

/**
 * The sheet of the paper's figure 7 (Radford et al., 2016): for each group its pictures, below them
 * that of their mean; then the result amid eight neighbours.
 */
async function arithmetic(options: Options): Promise<void> {
  checkEnding(options.out, pictureEndings)
  oneOutput(options.out, modelFiles(options.model, options))
  const generator = await openGenerator(options)
  const groups = [options.a, options.b, options.c].map((seeds) =>
    seeds.map((seed) => generator.latent(seed, options.truncation)),
  )
  const [a, b, c] = groups.map(meanOf)
  const result = Float32Array.from(a, (value, i) => value - b[i] + c[i])
  const shown = 3
  const column = (n: number): Pixels[] => [
    ...groups[n].slice(0, shown).map((latent) => generator.draw(latent)),
    generator.draw([a, b, c][n]),
  ]
  const columns = [0, 1, 2].map(column)
  const around = neighbours(generator, result, options)
  const rows = shown + 1
  const places = Array.from({ length: rows * 7 }, (_, place): Pixels | undefined => {
    const [y, x] = [Math.floor(place / 7), place % 7]
    if (x < 3) {
      const own = columns[x]
      return y === rows - 1 ? own[own.length - 1] : y < own.length - 1 ? own[y] : undefined
    }
    return x === 3 || y === 0 ? undefined : around[(y - 1) * 3 + x - 4]
  })
  generator.close()
  writeWhole(options.out, await encodeImage(gridOf(places, { columns: 7, zoom: options.zoom }), options.out))
  if (options.json)
    printJson({ a: options.a, b: options.b, c: options.c, latent: [...result], out: options.out })
  else
    print(
      `columns A (${options.a.join(', ')}), B (${options.b.join(', ')}), C (${options.c.join(', ')}), their means below; A - B + C amid eight neighbours -> ${options.out}`,
    )
}

/** The result in the middle of latents that differ from it by a little noise. */
function neighbours(generator: Generator, result: Float32Array, { noise, seed }: Options): Pixels[] {
  const stream = new RandomStream(seed)
  return Array.from({ length: 9 }, (_, n) =>
    generator.draw(n === 4 ? result : result.map((value) => value + (2 * stream.fraction() - 1) * noise)),
  )
}
