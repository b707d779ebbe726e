import { sessionOptionsOf } from '../src/host/engine/options.js'
import { OcellusError } from '../src/host/errors.js'
import { isInt8 } from '../src/host/graph/precision.js'
import { autoencoderOf } from '../src/host/graph/task.js'
import type { Model } from '../src/host/graph/types.js'
import { Autoencoder } from '../src/host/platform/node.js'
import { meanSquaredError, psnr, ssim } from '../tools/evaluate/similarity.js'
import { compareModels } from '../tools/quantize/quantize.js'
import type { LayerNoise } from '../tools/quantize/report/noise.js'
import { fixed, print, printJson, progress, table } from './output.js'
import { findPhotos, readPhoto } from './photos.js'
import type { SessionWords } from './session-options.js'

export interface AutoencoderEvaluation extends SessionWords {
  readonly data?: string
  readonly seed: number
  readonly mask: number
  readonly json?: boolean
}

interface Restored {
  readonly maskedMse: number
  readonly maskedPsnr: number
}

interface Measured {
  readonly results: Readonly<Record<string, Restored>>
  /** Between the restorations of two models. */
  readonly psnr?: number
  readonly leastPsnr?: number
  readonly ssim?: number
}

/** Photos whose layers are compared. */
const compared = 8

/**
 * An autoencoder on photos, each with a mask of its own that the seed fixes: the error over hidden
 * patches; against another on the same masks also PSNR and SSIM between their restorations and the
 * noise of each layer.
 */
export async function evaluateAutoencoder(
  model: Model,
  other: Model | undefined,
  options: AutoencoderEvaluation,
): Promise<void> {
  if (options.data === undefined)
    throw new OcellusError('E_OPTION', 'an autoencoder needs photos: give them with --data')
  if (other !== undefined) autoencoderOf(other.graph)
  const files = await findPhotos([options.data])
  const measured = await measure(model, other, files, options)
  const layers = other === undefined ? [] : await layersOf(model, other, files.slice(0, compared), options)
  if (options.json) {
    const { results, ...between } = measured
    printJson({ images: files.length, mask: options.mask, ...results, ...between, ...(other && { layers }) })
    return
  }
  if (layers.length > 0) {
    const rows = layers.map((l) => [l.name, l.op, l.decibels.toFixed(1)])
    print(`${table(['layer', 'operator', 'SNR dB'], rows)}\n`)
  }
  const rows = Object.entries(measured.results).map(([kind, { maskedMse, maskedPsnr }]) => [
    kind,
    fixed(maskedMse, 6),
    fixed(maskedPsnr, 2),
  ])
  print(table(['', 'masked-patch MSE', 'PSNR dB'], rows))
  const masks = `${files.length} photos, ${options.mask} of the patches hidden, masks from seed ${options.seed}`
  print(
    measured.psnr === undefined
      ? `\n${masks}`
      : `\n${masks}; between the restorations: PSNR ${fixed(measured.psnr, 2)} dB (least of a picture ${fixed(measured.leastPsnr ?? Number.NaN, 2)}), SSIM ${fixed(measured.ssim ?? Number.NaN, 5)}`,
  )
}

async function measure(
  model: Model,
  other: Model | undefined,
  files: readonly string[],
  options: AutoencoderEvaluation,
): Promise<Measured> {
  const { seed, mask, maxPixels } = options
  const models = other === undefined ? [model] : [model, other]
  const all = []
  for (const one of models) all.push(await Autoencoder.create({ model: one, ...sessionOptionsOf(options) }))
  const [first, second] = all
  const [, height, width] = first.session.inputs[0].shape
  if (
    second !== undefined &&
    String(second.session.inputs[0].shape) !== String(first.session.inputs[0].shape)
  )
    throw new OcellusError(
      'E_MODEL_TASK',
      `${other?.graph.name} sees other pictures than ${model.graph.name}`,
    )
  const errors = models.map(() => 0)
  let between = 0
  let least = Number.POSITIVE_INFINITY
  let similar = 0
  const bar = progress('measuring')
  for (const [n, file] of files.entries()) {
    const pixels = await readPhoto(file, maxPixels)
    const { visible } = first.reconstructPixels(pixels, { ratio: mask, seed: (seed + n) % 2 ** 32 })
    const restored = all.map((autoencoder) => autoencoder.reconstructPixels(pixels, { visible }))
    for (const [i, { maskedMse }] of restored.entries()) errors[i] += maskedMse / files.length
    if (restored.length > 1) {
      const [x, y] = restored.map(({ values }) => values)
      const error = meanSquaredError(x, y)
      between += error / files.length
      least = Math.min(least, psnr(error, 1))
      similar += ssim({ width, height, channels: 3, data: x }, { width, height, channels: 3, data: y }, 1)
    }
    bar.update(n + 1, files.length)
  }
  bar.stop()
  for (const autoencoder of all) autoencoder.close()
  const kinds = models.map((one) => (isInt8(one) ? 'int8' : 'float'))
  const results = Object.fromEntries(
    errors.map((maskedMse, i) => [
      i > 0 && kinds[i] === kinds[0] ? 'against' : kinds[i],
      { maskedMse, maskedPsnr: psnr(maskedMse, 1) },
    ]),
  )
  if (other === undefined) return { results }
  return { results, psnr: psnr(between, 1), leastPsnr: least, ssim: similar / files.length }
}

/** The noise of each layer; the patches that a session has chosen before it is told are visible. */
function layersOf(
  model: Model,
  other: Model,
  files: readonly string[],
  options: AutoencoderEvaluation,
): Promise<LayerNoise[]> {
  const [float, quantized] = isInt8(model) ? [other, model] : [model, other]
  const photos = files.map((file) => async () => readPhoto(file, options.maxPixels))
  return compareModels(float, quantized, photos, sessionOptionsOf(options))
}
