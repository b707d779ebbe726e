import type { Command } from 'commander'
import { sessionOptionsOf } from '../src/host/engine/options.js'
import { type NamedTensor, Session } from '../src/host/engine/session.js'
import { OcellusError } from '../src/host/errors.js'
import { encodeImage } from '../src/host/platform/node/canvas.js'
import type { Pixels } from '../src/host/platform/node.js'
import { addNetworkOptions, type ModelWords, modelFiles, openModel, parseSeed } from './inputs.js'
import { print, printJson, progress, writeWhole } from './output.js'
import { pictureOutputs } from './outputs.js'
import { findPhotos, readPhoto } from './photos.js'
import { readFeeds } from './run-inputs.js'
import { addSessionOptions, type SessionWords } from './session-options.js'

type Range = readonly [low: number, high: number]

interface Options extends ModelWords, SessionWords {
  model: string
  out: string
  input?: string[]
  random?: boolean
  seed: number
  range?: Range
  json?: boolean
}

export function addTranslate(program: Command): void {
  const command = program
    .command('translate')
    .description(
      'turn photos into other pictures with an image-to-image network, such as pix2pix or CycleGAN',
    )
    .argument('<photo...>', 'photos, folders of photos, or globs')
    .requiredOption(
      '-m, --model <file>',
      'network: .onnx with --normalize, or the .safetensors that quantize made of it',
    )
    .requiredOption('-o, --out <path>', 'a picture (.png, .jpg) for one photo, or a folder')
    .option(
      '-i, --input <name=file>',
      'a .npy for an input that is no picture: attributes, a style; again for each',
      (word: string, words: string[] = []) => [...words, word],
    )
    .option('--random', 'inputs that are not given: normal numbers')
    .option('--seed <n>', 'of --random', parseSeed, 1)
    .option(
      '--range <low,high>',
      'values of black and of white in the output; default: as the photos are normalised',
      parseRange,
    )
    .option('--json', 'print JSON')
    .action(translate)
  addSessionOptions(command)
  addNetworkOptions(command)
}

function parseRange(word: string): Range {
  const [low, high, ...more] = word.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)))
  if (more.length > 0 || !Number.isFinite(low) || !Number.isFinite(high) || low >= high)
    throw new OcellusError('E_OPTION', `${word} is no range: give two numbers, as in -1,1`)
  return [low, high]
}

async function translate(words: string[], options: Options): Promise<void> {
  const photos = await findPhotos(words)
  const taken = [...photos, ...modelFiles(options.model, options)]
  const outputs = pictureOutputs(options.out, photos, taken)
  const session = await Session.create(await openModel(options.model, options), sessionOptionsOf(options))
  try {
    const [picture, ...others] = session.inputMetadata
    const { preprocessing } = session.plan.model.graph
    if (!picture.picture || preprocessing === undefined)
      throw new OcellusError(
        'E_MODEL_TASK',
        `${options.model} takes no photos: give --normalize (signed for most GANs), or quantize it with that`,
      )
    const range = options.range ?? rangeOf(preprocessing)
    const feeds = await readFeeds(others, session.maxPixels, options.input ?? [], options)
    const written = []
    const bar = progress('translating')
    for (const [n, photo] of photos.entries()) {
      const pixels = await readPhoto(photo, options.maxPixels)
      const results = session.run({ ...feeds.feed(n % feeds.runs), [picture.name]: pixels })
      const drawn = pictureOf(Object.values(results), range, options.model)
      writeWhole(outputs[n], await encodeImage(drawn, outputs[n]))
      written.push({ photo, file: outputs[n], width: drawn.width, height: drawn.height })
      bar.update(n + 1, photos.length)
    }
    bar.stop()
    if (options.json) printJson({ images: written })
    else for (const { file, width, height } of written) print(`${file} (${width}x${height})`)
  } finally {
    session.close()
  }
}

/** What black and white are once they are normalised: networks give back what they take. */
const rangeOf = ({ mean, std }: { mean: readonly number[]; std: readonly number[] }): Range => [
  -mean[0] / std[0],
  (1 - mean[0]) / std[0],
]

/** The first output that is a picture [1, 3 or 1, height, width]. */
function pictureOf(results: readonly NamedTensor[], [low, high]: Range, model: string): Pixels {
  const found = results.find(
    ({ shape, dtype }) =>
      dtype === 'float32' && shape.length === 4 && shape[0] === 1 && (shape[1] === 3 || shape[1] === 1),
  )
  if (found === undefined)
    throw new OcellusError(
      'E_MODEL_TASK',
      `${model} gives no picture: none of its outputs is [1, 3, height, width]`,
    )
  const [, channels, height, width] = found.shape
  const area = height * width
  const data = new Uint8ClampedArray(area * 4).fill(255)
  for (let c = 0; c < 3; c++) {
    const plane = channels === 1 ? 0 : c * area
    for (let n = 0; n < area; n++) data[n * 4 + c] = ((found.data[plane + n] - low) / (high - low)) * 255
  }
  return { width, height, data }
}
