import { platform } from '../engine/platform.js'
import { Session, type SessionOptions } from '../engine/session.js'
import type { Signal } from '../engine/stop.js'
import { OcellusError } from '../errors.js'
import { autoencoderOf, preprocessingOf } from '../graph/task.js'
import type { AutoencoderTask, Model, Preprocessing } from '../graph/types.js'
import { checkPixels, type Pixels } from '../image/pixels.js'
import { cropToFit } from './autoencoder/crop.js'
import { type MaskKind, type PatchGrid, visibleOfPicture, visiblePatches } from './autoencoder/mask.js'
import { limited, maskedError, pictureOf, psnrOf, type Scene, valueAt } from './autoencoder/restore.js'
import { withVisible } from './autoencoder/visible.js'
import { givenOptions, loadModel, type ModelInput } from './load.js'

export interface AutoencoderOptions extends SessionOptions {
  /** A model: its file, its path, address or name, or one in memory. Default: the embedded autoencoder. */
  readonly model?: ModelInput
  /** How pictures are fitted to the network: their middle is cut out, or the whole is stretched. Default: crop. */
  readonly fit?: 'crop' | 'stretch'
}

export interface ReconstructOptions {
  /** Share of the patches to hide, 0.05 to 0.95. Default 0.75. */
  readonly ratio?: number
  /** Default random. */
  readonly kind?: MaskKind
  /** The same seed hides the same patches, everywhere. Default 1. */
  readonly seed?: number
  /** A mask of the picture's size instead: what is white in it is hidden. Anything that is accepted as a picture. */
  readonly mask?: unknown
  /** The visible patches instead, counted row by row. */
  readonly visible?: readonly number[]
  readonly signal?: Signal
}

/** Pictures have the size of the network's input. */
export interface Reconstruction {
  /** The picture as the network would see all of it. */
  readonly original: Pixels
  /** Its visible patches, the hidden ones grey. */
  readonly masked: Pixels
  /** Its visible patches, the hidden ones as the network draws them. */
  readonly restored: Pixels
  /** All patches as the network draws them. */
  readonly predicted: Pixels
  /** The patches that the network saw, counted row by row. */
  readonly visible: readonly number[]
  readonly grid: PatchGrid
  /** Mean squared error over the hidden patches, values in 0..1, and the same in dB. */
  readonly maskedMse: number
  readonly maskedPsnr: number
  /** [height][width][3] in 0..1: the values behind `restored`, before they become bytes. */
  readonly values: Float32Array
}

export const pools = ['class', 'mean', 'none'] as const

export interface EncodeOptions {
  /**
   * The class token, the mean of the patches' tokens, or all tokens, class token first. Default: the class token, but of an
   * encoder that was finetuned with global pooling the mean, with the normalisation that was trained for it.
   */
  readonly pool?: (typeof pools)[number]
  readonly signal?: Signal
}

export interface Features {
  /** [channels], or [tokens, channels]. */
  readonly shape: readonly number[]
  readonly data: Float32Array
}

/** A masked autoencoder: restores hidden parts of pictures, and turns pictures into feature vectors. */
export class Autoencoder {
  readonly session: Session
  readonly grid: PatchGrid
  readonly task: AutoencoderTask
  #model: Model
  #visible: number
  #preprocessing: Preprocessing
  #fit: 'crop' | 'stretch'

  private constructor(session: Session, model: Model, options: AutoencoderOptions) {
    this.session = session
    this.task = autoencoderOf(model.graph)
    const [, height, width] = session.inputs[0].shape
    this.grid = { rows: height / this.task.patch, columns: width / this.task.patch }
    this.#model = model
    this.#visible = Number(model.graph.nodes.find(({ op }) => op === 'patches')!.attributes.count)
    this.#preprocessing = preprocessingOf(model.graph)
    this.#fit = options.fit ?? 'crop'
  }

  /** Loads a model and makes it ready to run. Throws E_MODEL_*, E_ENGINE_*, E_FILE_*. */
  static async create(options: AutoencoderOptions = {}): Promise<Autoencoder> {
    const model = await loadModel(givenOptions(options).model ?? 'autoencoder')
    autoencoderOf(model.graph)
    return new Autoencoder(await Session.create(model, options), model, options)
  }

  /**
   * Hides parts of a picture and has the network draw them. Only visible patches run through the encoder: the more is
   * hidden, the sooner it is done. Throws E_OPTION, E_IMAGE_*, E_MODEL_TASK, E_SESSION_CLOSED, E_ABORTED.
   */
  async reconstruct(image: unknown, options: ReconstructOptions = {}): Promise<Reconstruction> {
    const pixels = await decoded(image, options.signal)
    const mask = options.mask === undefined ? undefined : await decoded(options.mask, options.signal)
    return this.reconstructPixels(pixels, { ...options, mask })
  }

  /** As `reconstruct`, at once, for pixels that are already there. */
  reconstructPixels(
    pixels: Pixels,
    options: ReconstructOptions & { readonly mask?: Pixels } = {},
  ): Reconstruction {
    checkPixels(pixels)
    const { prediction } = this.task
    if (prediction === undefined)
      throw new OcellusError(
        'E_MODEL_TASK',
        `${this.#model.graph.name} is an encoder alone: it restores nothing`,
      )
    const visible = options.visible ?? this.#choose(pixels, options)
    if (visible.length >= this.grid.rows * this.grid.columns)
      throw new OcellusError('E_OPTION', `${visible.length} visible patches: hide at least one`)
    const scene = this.#show(pixels, visible)
    const values = this.session.output(prediction) as Float32Array
    const length = this.task.patch ** 2 * 3
    const rows = values.subarray(length)
    const predicted = pictureOf(rows, scene, visible, this.#preprocessing, this.task.normalizedPatches)
    const restored = predicted.map(limited)
    const grey = new Float32Array(restored.length).fill(0.5)
    for (const place of visible) {
      for (let n = 0; n < length; n++) {
        const at = valueAt(scene, place, n)
        restored[at] = scene.values[at]
        grey[at] = scene.values[at]
      }
    }
    const maskedMse = maskedError(predicted, scene, visible)
    return {
      original: this.#pixels(scene.values),
      masked: this.#pixels(grey),
      restored: this.#pixels(restored),
      predicted: this.#pixels(predicted),
      visible,
      grid: this.grid,
      maskedMse,
      maskedPsnr: psnrOf(maskedMse),
      values: restored,
    }
  }

  /** A picture's feature vector: the encoder on all of its patches. Throws as `reconstruct` does. */
  async encode(image: unknown, options: EncodeOptions = {}): Promise<Features> {
    return this.encodePixels(await decoded(image, options.signal), options.pool)
  }

  /** As `encode`, at once. */
  encodePixels(pixels: Pixels, pool?: EncodeOptions['pool']): Features {
    checkPixels(pixels)
    const { latent, features } = this.task
    const places = this.grid.rows * this.grid.columns
    const all = Array.from({ length: places }, (_, place) => place)
    if (features !== undefined && (pool ?? 'mean') === 'mean') {
      this.#show(pixels, all, features)
      const rows = this.session.output(features) as Float32Array
      return { shape: [rows.length / 2], data: rows.slice(rows.length / 2) }
    }
    this.#show(pixels, all, latent)
    const data = this.session.output(latent) as Float32Array
    const channels = data.length / (places + 1)
    if (pool === 'none') return { shape: [places + 1, channels], data }
    if ((pool ?? 'class') === 'class') return { shape: [channels], data: data.slice(0, channels) }
    const sums = new Float64Array(channels)
    for (let n = channels; n < data.length; n++) sums[n % channels] += data[n]
    return { shape: [channels], data: Float32Array.from(sums, (sum) => sum / places) }
  }

  /** Gives the memory back. Closing twice is harmless. */
  close(): void {
    this.session.close()
  }

  #choose(pixels: Pixels, { kind, ratio, seed, mask }: ReconstructOptions & { mask?: Pixels }): number[] {
    if (mask === undefined) return visiblePatches(kind ?? 'random', ratio ?? 0.75, seed ?? 1, this.grid)
    checkPixels(mask)
    if (mask.width !== pixels.width || mask.height !== pixels.height)
      return visibleOfPicture(mask, pixels, this.grid)
    const fitted = this.#fitted(mask)
    return visibleOfPicture(fitted, fitted, this.grid)
  }

  #fitted(pixels: Pixels): Pixels {
    const [, height, width] = this.session.inputs[0].shape
    return this.#fit === 'crop' ? cropToFit(pixels, width, height) : pixels
  }

  /** Runs the network, or its part up to an output, on some patches of a picture; returns that as the network saw it. */
  #show(pixels: Pixels, visible: readonly number[], output?: string): Scene {
    const { session } = this
    if (visible.length !== this.#visible) {
      if (visible.length === 0) throw new OcellusError('E_OPTION', 'no patch is visible: leave at least one')
      session.replan(withVisible(this.#model, visible.length))
      this.#visible = visible.length
    }
    session.select(visible)
    const [, height, width] = session.inputs[0].shape
    session.setImage(this.#fitted(pixels), {
      resizedWidth: width,
      resizedHeight: height,
      offsetX: 0,
      offsetY: 0,
    })
    const { mean, std } = this.#preprocessing
    const bytes = session.preprocessed() as Float32Array
    const values = bytes.map((value, n) => Math.round((value * std[n % 3] + mean[n % 3]) * 255) / 255)
    session.run(output)
    return { ...this.grid, patch: this.task.patch, values }
  }

  #pixels(values: Float32Array): Pixels {
    const [, height, width] = this.session.inputs[0].shape
    const data = new Uint8ClampedArray(width * height * 4).fill(255)
    for (let n = 0; n < values.length; n++)
      data[Math.floor(n / 3) * 4 + (n % 3)] = Math.round(limited(values[n]) * 255)
    return { width, height, data }
  }
}

async function decoded(image: unknown, signal: Signal | undefined): Promise<Pixels> {
  const check = (): void => {
    if (signal?.aborted) throw new OcellusError('E_ABORTED', 'the work was stopped')
  }
  check()
  const isPixels = typeof image === 'object' && image !== null && 'data' in image && 'width' in image
  const pixels = isPixels ? (image as Pixels) : await platform().decodeImage(image)
  check()
  return pixels
}
