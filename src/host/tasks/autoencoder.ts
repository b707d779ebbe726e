import { type SessionOptions, sessionOptions, sessionOptionsOf } from '../engine/options.js'
import { decodeUnlessStopped } from '../engine/picture.js'
import { Session } from '../engine/session.js'
import { type StopOptions, startClock, stopNames, stopOptionsOf } from '../engine/stop.js'
import { OcellusError } from '../errors.js'
import { autoencoderOf, preprocessingOf } from '../graph/task.js'
import type { AutoencoderTask, Model, Preprocessing } from '../graph/types.js'
import type { ImageSource } from '../image/image-source.js'
import { checkPixels, type Pixels } from '../image/pixels.js'
import { checkChoice, checkOptions, type OptionNames } from '../options.js'
import { cropToFit } from './autoencoder/crop.js'
import {
  type MaskKind,
  maskKinds,
  type PatchGrid,
  visibleOfPicture,
  visiblePatches,
} from './autoencoder/mask.js'
import { limited, maskedError, pictureOf, psnrOf, type Scene, valueAt } from './autoencoder/restore.js'
import { withVisible } from './autoencoder/visible.js'
import { loadModel, type ModelInput } from './load.js'

/** How an autoencoder is made: which model, and how it runs. */
export interface AutoencoderOptions extends SessionOptions {
  /** Default: the embedded autoencoder. */
  readonly model?: ModelInput
  /** `crop`: the network sees the middle of a picture; `stretch`: all of it. Default: crop. */
  readonly fit?: 'crop' | 'stretch'
}

/**
 * What is hidden: a share of the patches, what a mask covers, or all but the patches that are
 * named.
 */
export interface ReconstructOptions extends StopOptions {
  /** The share of the patches to hide, 0.05 to 0.95. Default: 0.75. */
  readonly ratio?: number
  /** Which patches the share takes. Default: random. */
  readonly kind?: MaskKind
  /** The same seed hides the same patches everywhere, 0 to 4294967295. Default: 1. */
  readonly seed?: number
  /** Instead of a share: a picture of the same size, white where the other is hidden. */
  readonly mask?: ImageSource
  /** Instead of a share: the indices of the visible patches, counted row by row from 0. */
  readonly visible?: readonly number[]
}

/** As `ReconstructOptions`, for a mask whose pixels are there. */
export interface ReconstructPixelsOptions extends ReconstructOptions {
  readonly mask?: Pixels
}

const createNames = { ...sessionOptions, model: true, fit: true } satisfies OptionNames<AutoencoderOptions>
const reconstructNames = {
  ratio: 'number',
  kind: true,
  seed: 'number',
  mask: true,
  visible: 'list',
  ...stopNames,
} satisfies OptionNames<ReconstructOptions>

/**
 * A picture that was partly hidden and drawn again. Its pictures have the size of the network's
 * input.
 */
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
  /** How many rows and columns of patches a picture has. */
  readonly grid: PatchGrid
  /** The mean squared error over the hidden patches, of values from 0 to 1. */
  readonly maskedMse: number
  /** The same as a peak signal-to-noise ratio, in dB. */
  readonly maskedPsnr: number
  /** [height][width][3] in 0..1: the values behind `restored`, before they become bytes. */
  readonly values: Float32Array
}

export const pools = ['class', 'mean', 'none'] as const

/** What a picture's features are made of. */
export interface EncodeOptions extends StopOptions {
  /**
   * The class token, the mean of the patches' tokens, or all tokens, the class token first.
   * Default: the class token; for an encoder that was finetuned with global pooling the mean, with
   * the normalisation that was trained for it.
   */
  readonly pool?: (typeof pools)[number]
}

const encodeNames = { pool: true, ...stopNames } satisfies OptionNames<EncodeOptions>

/** What an encoder makes of a picture. */
export interface Features {
  /** [channels]; [tokens, channels] for all tokens. */
  readonly shape: readonly number[]
  readonly data: Float32Array
}

/**
 * A masked autoencoder: restores hidden parts of pictures, and turns pictures into feature vectors.
 * Create one, use it often, and close it at the end.
 *
 * @example
 * const autoencoder = await Autoencoder.create()
 * const { restored, maskedPsnr } = await autoencoder.reconstruct('photo.jpg', { ratio: 0.75, seed: 1 })
 * const { data } = await autoencoder.encode('photo.jpg')
 * autoencoder.close()
 */
export class Autoencoder {
  readonly session: Session
  /** How many rows and columns of patches a picture has. */
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

  /**
   * Loads an autoencoder and makes it ready to run. Throws E_OPTION, E_FILE_*, E_MODEL_*,
   * E_ENGINE_*.
   *
   * @example
   * const autoencoder = await Autoencoder.create({ model: 'mae.safetensors', fit: 'stretch' })
   */
  static async create(options: AutoencoderOptions = {}): Promise<Autoencoder> {
    checkOptions(options, createNames, 'Autoencoder.create')
    checkChoice('fit', options.fit, ['crop', 'stretch'])
    const model = await loadModel(options.model ?? 'autoencoder')
    autoencoderOf(model.graph)
    return new Autoencoder(await Session.create(model, sessionOptionsOf(options)), model, options)
  }

  /**
   * Hides parts of a picture and has the network draw them. Only visible patches run through the
   * encoder: the more is hidden, the sooner it is done. Throws E_OPTION, E_IMAGE_*, E_FILE_*,
   * E_MODEL_TASK for an encoder without its decoder, E_SESSION_CLOSED, E_ABORTED, E_DEADLINE.
   *
   * @example
   * const { masked, restored, original } = await autoencoder.reconstruct('photo.jpg', { mask: 'mask.png' })
   */
  async reconstruct(image: ImageSource, options: ReconstructOptions = {}): Promise<Reconstruction> {
    checkOptions(options, reconstructNames, 'Autoencoder.reconstruct')
    const limited = startClock(options)
    const { mask } = limited
    const pixels = await decodeUnlessStopped(image, limited, this.session.maxPixels)
    return this.reconstructPixels(pixels, {
      ...limited,
      mask: mask === undefined ? undefined : await decodeUnlessStopped(mask, limited, this.session.maxPixels),
    })
  }

  /**
   * As `reconstruct`, at once, for RGBA pixels that are already there.
   *
   * @example
   * const { restored } = autoencoder.reconstructPixels(await decodeImage('photo.jpg'), { ratio: 0.5 })
   */
  reconstructPixels(pixels: Pixels, options: ReconstructPixelsOptions = {}): Reconstruction {
    checkOptions(options, reconstructNames, 'Autoencoder.reconstructPixels')
    checkChoice('kind', options.kind, maskKinds)
    checkPixels(pixels, this.session.maxPixels)
    const { prediction } = this.task
    if (prediction === undefined)
      throw new OcellusError(
        'E_MODEL_TASK',
        `${this.#model.graph.name} is an encoder alone: it restores nothing`,
      )
    const visible = options.visible ?? this.#choose(pixels, options)
    if (visible.length >= this.grid.rows * this.grid.columns)
      throw new OcellusError('E_OPTION', `${visible.length} visible patches: hide at least one`)
    const scene = this.#show(pixels, visible, options)
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

  /**
   * A picture's feature vector: the encoder on all of its patches. Throws E_OPTION, E_IMAGE_*,
   * E_FILE_*, E_SESSION_CLOSED, E_ABORTED, E_DEADLINE.
   *
   * @example
   * const { shape, data } = await autoencoder.encode('photo.jpg', { pool: 'mean' })
   */
  async encode(image: ImageSource, options: EncodeOptions = {}): Promise<Features> {
    checkOptions(options, encodeNames, 'Autoencoder.encode')
    const limited = startClock(options)
    return this.encodePixels(await decodeUnlessStopped(image, limited, this.session.maxPixels), limited)
  }

  /** As `encode`, at once, for RGBA pixels that are already there. */
  encodePixels(pixels: Pixels, options: EncodeOptions = {}): Features {
    checkOptions(options, encodeNames, 'Autoencoder.encodePixels')
    const { pool } = options
    checkChoice('pool', pool, pools)
    checkPixels(pixels, this.session.maxPixels)
    const { latent, features } = this.task
    const places = this.grid.rows * this.grid.columns
    const all = Array.from({ length: places }, (_, place) => place)
    if (features !== undefined && (pool ?? 'mean') === 'mean') {
      this.#show(pixels, all, options, features)
      const rows = this.session.output(features) as Float32Array
      return { shape: [rows.length / 2], data: rows.slice(rows.length / 2) }
    }
    this.#show(pixels, all, options, latent)
    const data = this.session.output(latent) as Float32Array
    const channels = data.length / (places + 1)
    if (pool === 'none') return { shape: [places + 1, channels], data }
    if ((pool ?? 'class') === 'class') return { shape: [channels], data: data.slice(0, channels) }
    const sums = new Float64Array(channels)
    for (let n = channels; n < data.length; n++) sums[n % channels] += data[n]
    return { shape: [channels], data: Float32Array.from(sums, (sum) => sum / places) }
  }

  /**
   * Ends the threads and gives the memory back. Closing twice is harmless; using it afterwards is
   * E_SESSION_CLOSED.
   */
  close(): void {
    this.session.close()
  }

  #choose(pixels: Pixels, { kind, ratio, seed, mask }: ReconstructPixelsOptions): number[] {
    if (mask === undefined) return visiblePatches(kind ?? 'random', ratio ?? 0.75, seed ?? 1, this.grid)
    checkPixels(mask, this.session.maxPixels)
    if (mask.width !== pixels.width || mask.height !== pixels.height)
      return visibleOfPicture(mask, pixels, this.grid)
    const fitted = this.#fitted(mask)
    return visibleOfPicture(fitted, fitted, this.grid)
  }

  #fitted(pixels: Pixels): Pixels {
    const [, height, width] = this.session.inputs[0].shape
    return this.#fit === 'crop' ? cropToFit(pixels, width, height) : pixels
  }

  /**
   * Runs the network, or its part up to an output, on some patches of a picture; returns that as
   * the network saw it.
   */
  #show(pixels: Pixels, visible: readonly number[], options: StopOptions, output?: string): Scene {
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
    session.run(output, stopOptionsOf(options))
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
