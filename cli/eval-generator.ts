import { sessionOptionsOf } from '../src/host/engine/options.js'
import { OcellusError } from '../src/host/errors.js'
import { isInt8 } from '../src/host/graph/precision.js'
import { generationOf } from '../src/host/graph/task.js'
import type { Model } from '../src/host/graph/types.js'
import type { Pixels } from '../src/host/image/pixels.js'
import { Autoencoder, Generator } from '../src/host/platform/node.js'
import { frechetDistance, type Gaussian, gaussianOf } from '../tools/evaluate/frechet.js'
import { meanSquaredError, psnr, ssim } from '../tools/evaluate/similarity.js'
import { compareModels } from '../tools/quantize/quantize.js'
import type { LayerNoise } from '../tools/quantize/report/noise.js'
import { fixed, print, printJson, progress, table } from './output.js'
import { findPhotos, readPhoto } from './photos.js'
import type { SessionWords } from './session-options.js'

export interface GeneratorEvaluation extends SessionWords {
  readonly data?: string
  readonly count: number
  readonly seed: number
  readonly json?: boolean
}

const featureSpace =
  'the mean of the patch tokens of the embedded autoencoder (192 numbers, all patches visible)'

/**
 * A generator by itself (with photos: the Frechet distance of its pictures to them), and against
 * another of the same latents: PSNR and SSIM of their pictures, the noise of each layer.
 */
export async function evaluateGenerator(
  model: Model,
  other: Model | undefined,
  options: GeneratorEvaluation,
): Promise<void> {
  if (other === undefined && options.data === undefined)
    throw new OcellusError(
      'E_OPTION',
      'give another generator with --against, or photos with --data, or both',
    )
  if (other !== undefined) generationOf(other.graph)
  const comparison = other === undefined ? undefined : await compare(model, other, options)
  const distances =
    options.data === undefined ? undefined : await distancesTo(options.data, [model, other], options)
  const kind = (one: Model): string => (isInt8(one) ? 'int8' : 'float')
  const [own, others] = [kind(model), other === undefined ? '' : kind(other)]
  const names = [own, own === others ? 'against' : others]
  if (options.json) {
    printJson({
      images: options.count,
      ...(comparison === undefined ? {} : comparison),
      ...Object.fromEntries((distances?.found ?? []).map((frechet, n) => [names[n], { frechet }])),
      ...(distances === undefined ? {} : { featureSpace, photos: distances.photos }),
    })
    return
  }
  if (comparison !== undefined) {
    print(
      table(
        ['layer', 'operator', 'SNR dB'],
        comparison.layers.map((l) => [l.name, l.op, l.decibels.toFixed(1)]),
      ),
    )
    print(
      `\n${options.count} latents from seed ${options.seed}: PSNR ${fixed(comparison.psnr, 2)} dB (least of a picture ${fixed(comparison.leastPsnr, 2)}), SSIM ${fixed(comparison.ssim, 5)}`,
    )
  }
  if (distances !== undefined) {
    const shown = distances.found.map((distance, n) => `${names[n]} ${fixed(distance, 4)}`).join(', ')
    print(`Frechet distance to ${distances.photos} photos: ${shown}\nin ${featureSpace}`)
  }
}

interface Comparison {
  readonly psnr: number
  readonly leastPsnr: number
  readonly ssim: number
  readonly layers: readonly LayerNoise[]
}

/** Pictures of the same latents, values -1 to 1. */
async function compare(model: Model, other: Model, options: GeneratorEvaluation): Promise<Comparison> {
  const { count, seed } = options
  const session = sessionOptionsOf(options)
  const a = await Generator.create({ model, ...session })
  const b = await Generator.create({ model: other, ...session })
  const { width, height, channels } = a
  if (width !== b.width || height !== b.height || channels !== b.channels || a.latentSize !== b.latentSize)
    throw new OcellusError(
      'E_MODEL_TASK',
      `${other.graph.name} draws other pictures than ${model.graph.name}`,
    )
  let errors = 0
  let similar = 0
  let least = Number.POSITIVE_INFINITY
  const bar = progress('comparing')
  const latents = Array.from({ length: count }, (_, n) => a.latent((seed + n) % 2 ** 32))
  for (const [n, latent] of latents.entries()) {
    const [x, y] = [a, b].map((generator) => generator.draw(latent).values)
    const error = meanSquaredError(x, y)
    errors += error
    least = Math.min(least, psnr(error, 2))
    similar += ssim({ width, height, channels, data: x }, { width, height, channels, data: y }, 2)
    bar.update(n + 1, count)
  }
  bar.stop()
  a.close()
  b.close()
  const [float, quantized] = isInt8(model) ? [other, model] : [model, other]
  const layers = await compareModels(float, quantized, latents.slice(0, 8), session)
  return { psnr: psnr(errors / count, 2), leastPsnr: least, ssim: similar / count, layers }
}

/** Frechet distances of as many generated pictures as there are photos. */
async function distancesTo(
  data: string,
  models: readonly (Model | undefined)[],
  options: GeneratorEvaluation,
): Promise<{ photos: number; found: number[] }> {
  const { seed, maxPixels } = options
  const session = sessionOptionsOf(options)
  const files = await findPhotos([data])
  const encoder = await Autoencoder.create({ fit: 'stretch', ...session })
  const features = (pixels: Pixels) => encoder.encodePixels(pixels, { pool: 'mean' }).data
  const least = encoder.encodePixels(blank, { pool: 'mean' }).data.length + 1
  if (files.length < least)
    throw new OcellusError(
      'E_DATA_EMPTY',
      `${files.length} photos in ${data}; a Frechet distance takes at least ${least}`,
    )
  const bar = progress('features ')
  const total = files.length * (1 + models.filter((model) => model !== undefined).length)
  let done = 0
  const real: Float32Array[] = []
  for (const file of files) {
    real.push(features(await readPhoto(file, maxPixels)))
    bar.update(++done, total)
  }
  const target: Gaussian = gaussianOf(real)
  const found: number[] = []
  for (const model of models) {
    if (model === undefined) continue
    const generator = await Generator.create({ model, ...session })
    const drawn: Float32Array[] = []
    for (let n = 0; n < files.length; n++) {
      drawn.push(features(generator.draw(generator.latent((seed + n) % 2 ** 32))))
      bar.update(++done, total)
    }
    generator.close()
    found.push(frechetDistance(gaussianOf(drawn), target))
  }
  bar.stop()
  encoder.close()
  return { photos: files.length, found }
}

const blank: Pixels = { width: 1, height: 1, data: new Uint8Array(4) }
