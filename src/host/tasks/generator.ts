import { platform } from '../engine/platform.js'
import { Session, type SessionOptions } from '../engine/session.js'
import type { Signal } from '../engine/stop.js'
import { OcellusError } from '../errors.js'
import { generationOf } from '../graph/task.js'
import type { Pixels } from '../image/pixels.js'
import { latentOf, setLatent } from './generation/latent.js'
import { givenOptions, loadModel, type ModelInput } from './load.js'

export interface GeneratorOptions extends SessionOptions {
  /** A model: its file, its path, address or name, or one in memory. Default: the embedded generator. */
  readonly model?: ModelInput
}

export interface GenerateOptions {
  /** Of the first picture, 0 to 4294967295; each further one has the next. The same seed gives the same picture everywhere. Default 1. */
  readonly seed?: number
  /** Default 1. */
  readonly count?: number
  /** Numbers of the latent beyond this are drawn again: likelier pictures, less variety. Default: none are. */
  readonly truncation?: number
  /** Latents to draw instead of seeds'. */
  readonly latents?: readonly ArrayLike<number>[]
  readonly signal?: Signal
}

export interface GeneratedPicture extends Pixels {
  readonly data: Uint8ClampedArray
  readonly latent: Float32Array
  /** Undefined for a latent that was given. */
  readonly seed?: number
  /** [height][width][channels], -1 to 1: the values behind the bytes. */
  readonly values: Float32Array
}

/** More would be a mistake: a stream of pictures takes several calls. */
export const mostPictures = 4096

/** Draws pictures of random latents. Create once, generate often, close at the end. */
export class Generator {
  readonly session: Session
  /** Numbers of a latent. */
  readonly latentSize: number
  readonly width: number
  readonly height: number
  /** 3, or 1 for a generator of grey pictures. */
  readonly channels: number

  private constructor(session: Session) {
    this.session = session
    this.latentSize = session.inputs[0].shape[3]
    const [, height, width, channels] = session.outputs[0].shape
    this.width = width
    this.height = height
    this.channels = channels
  }

  /** Loads a model and makes it ready to run. Throws E_MODEL_*, E_ENGINE_*, E_FILE_*. */
  static async create(options: GeneratorOptions = {}): Promise<Generator> {
    const model = await loadModel(givenOptions(options).model ?? 'generator')
    generationOf(model.graph)
    return new Generator(await Session.create(model, options))
  }

  /** The latent of a seed. */
  latent(seed: number, truncation?: number): Float32Array {
    return latentOf(seed, this.latentSize, truncation)
  }

  /** Pictures of seeds or of latents. Throws E_OPTION, E_INPUT_SHAPE, E_SESSION_CLOSED, E_ABORTED. */
  async generate(options: GenerateOptions = {}): Promise<GeneratedPicture[]> {
    const { seed = 1, latents, truncation, signal } = options
    const count = latents?.length ?? options.count ?? 1
    if (!Number.isInteger(count) || count < 1 || count > mostPictures)
      throw new OcellusError('E_OPTION', `${count} pictures; give a whole number from 1 to ${mostPictures}`)
    const pictures: GeneratedPicture[] = []
    for (let n = 0; n < count; n++) {
      if (signal?.aborted) throw new OcellusError('E_ABORTED', 'the drawing was stopped')
      if (latents !== undefined) pictures.push(this.draw(latents[n]))
      else {
        const own = (seed + n) % 2 ** 32
        pictures.push({ ...this.draw(this.latent(own, truncation)), seed: own })
      }
      // An abort can only arrive between pictures.
      if (signal !== undefined) await platform().pause?.()
    }
    return pictures
  }

  /** The picture of one latent, at once. */
  draw(latent: ArrayLike<number>): GeneratedPicture {
    setLatent(this.session, latent)
    this.session.run()
    const [{ name, quantization }] = this.session.outputs
    const output = this.session.output(name)
    const { scale, zeroPoint } = quantization ?? { scale: 1, zeroPoint: 0 }
    const values = Float32Array.from(output, (v) => (v - zeroPoint) * scale)
    const { width, height } = this
    return { width, height, data: bytesOf(values, this.channels), values, latent: Float32Array.from(latent) }
  }

  /** Gives the memory back. Closing twice is harmless. */
  close(): void {
    this.session.close()
  }
}

/** RGBA of values from -1 to 1; grey where there is one channel. */
function bytesOf(values: Float32Array, channels: number): Uint8ClampedArray {
  const data = new Uint8ClampedArray((values.length / channels) * 4).fill(255)
  for (let p = 0; p < values.length / channels; p++) {
    // A clamped array rounds half to even.
    for (let c = 0; c < 3; c++)
      data[p * 4 + c] = (values[p * channels + (channels === 1 ? 0 : c)] + 1) * 127.5
  }
  return data
}
