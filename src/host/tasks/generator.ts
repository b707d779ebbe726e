import { type SessionOptions, sessionOptions, sessionOptionsOf } from '../engine/options.js'
import { platform } from '../engine/platform.js'
import { Session } from '../engine/session.js'
import { type StopOptions, startClock, stopNames, stopOf, stopOptionsOf } from '../engine/stop.js'
import { OcellusError } from '../errors.js'
import { generationOf } from '../graph/task.js'
import type { Pixels } from '../image/pixels.js'
import { checkOptions, type OptionNames } from '../options.js'
import { latentOf, setLatent } from './generation/latent.js'
import { loadModel, type ModelInput } from './load.js'

/** How a generator is made: which model, and how it runs. */
export interface GeneratorOptions extends SessionOptions {
  /** Default: the embedded generator. */
  readonly model?: ModelInput
}

/** Which pictures are drawn. */
export interface GenerateOptions extends StopOptions {
  /**
   * The seed of the first picture, 0 to 4294967295; each further picture has the next one. The same
   * seed gives the same picture everywhere. Default: 1.
   */
  readonly seed?: number
  /** How many pictures, 1 to 4096. Default: 1. */
  readonly count?: number
  /**
   * Numbers of the latent beyond this are drawn again, at least 0.05: likelier pictures, less
   * variety. Default: none are.
   */
  readonly truncation?: number
  /** Latents of `latentSize` numbers each, instead of those of seeds. */
  readonly latents?: readonly ArrayLike<number>[]
}

const createNames = { ...sessionOptions, model: true } satisfies OptionNames<GeneratorOptions>
const generateNames = {
  seed: 'number',
  count: 'number',
  truncation: 'number',
  latents: 'list',
  ...stopNames,
} satisfies OptionNames<GenerateOptions>

/** A picture, and what it was drawn from. */
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

/**
 * Draws pictures from random latents. Create one, generate often, and close it at the end.
 *
 * @example
 * const generator = await Generator.create()
 * const pictures = await generator.generate({ seed: 7, count: 4 })
 * generator.close()
 */
export class Generator {
  readonly session: Session
  /** How many numbers a latent has. */
  readonly latentSize: number
  /** Of a picture, in pixels. */
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

  /**
   * Loads a generator and makes it ready to run. Throws E_OPTION, E_FILE_*, E_MODEL_*, E_ENGINE_*.
   *
   * @example
   * const generator = await Generator.create({ model: 'dcgan.safetensors' })
   */
  static async create(options: GeneratorOptions = {}): Promise<Generator> {
    checkOptions(options, createNames, 'Generator.create')
    const model = await loadModel(options.model ?? 'generator')
    generationOf(model.graph)
    return new Generator(await Session.create(model, sessionOptionsOf(options)))
  }

  /**
   * The latent of a seed: `latentSize` standard normal numbers, the same everywhere. Throws
   * E_OPTION for a seed or a truncation out of range.
   *
   * @example
   * const latent = generator.latent(7, 1.5)
   */
  latent(seed: number, truncation?: number): Float32Array {
    return latentOf(seed, this.latentSize, truncation)
  }

  /**
   * Pictures of seeds, or of latents that are given. Throws E_OPTION, E_INPUT_SHAPE for a latent of
   * another length or with numbers that are not finite, E_SESSION_CLOSED, E_ABORTED, E_DEADLINE.
   *
   * @example
   * const [picture] = await generator.generate({ seed: 7 })
   * context.putImageData(new ImageData(picture.data, picture.width, picture.height), 0, 0)
   */
  async generate(options: GenerateOptions = {}): Promise<GeneratedPicture[]> {
    checkOptions(options, generateNames, 'Generator.generate')
    const { seed = 1, latents, truncation, signal } = options
    const limited = stopOptionsOf(startClock(options))
    const stop = stopOf(limited)
    const count = latents?.length ?? options.count ?? 1
    if (!Number.isInteger(count) || count < 1 || count > mostPictures)
      throw new OcellusError('E_OPTION', `${count} pictures; give a whole number from 1 to ${mostPictures}`)
    const pictures: GeneratedPicture[] = []
    for (let n = 0; n < count; n++) {
      stop?.()
      if (latents !== undefined) pictures.push(this.draw(latents[n], limited))
      else {
        const own = (seed + n) % 2 ** 32
        pictures.push({ ...this.draw(this.latent(own, truncation), limited), seed: own })
      }
      // An event can only arrive between pictures.
      if (signal !== undefined) await platform().pause?.()
    }
    return pictures
  }

  /**
   * The picture of one latent, at once. Throws E_INPUT_SHAPE, E_SESSION_CLOSED.
   *
   * @example
   * const { width, height, data } = generator.draw(generator.latent(7))
   */
  draw(latent: ArrayLike<number>, options?: StopOptions): GeneratedPicture {
    setLatent(this.session, latent)
    this.session.run(undefined, options)
    const [{ name, quantization }] = this.session.outputs
    const output = this.session.output(name)
    const { scale, zeroPoint } = quantization ?? { scale: 1, zeroPoint: 0 }
    const values = Float32Array.from(output, (v) => (v - zeroPoint) * scale)
    const { width, height } = this
    return { width, height, data: bytesOf(values, this.channels), values, latent: Float32Array.from(latent) }
  }

  /**
   * Ends the threads and gives the memory back. Closing twice is harmless; using it afterwards is
   * E_SESSION_CLOSED.
   */
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
