import { type SessionOptions, sessionOptions, sessionOptionsOf } from '../engine/options.js'
import { decodeUnlessStopped } from '../engine/picture.js'
import { Session } from '../engine/session.js'
import { type StopOptions, startClock, stopNames } from '../engine/stop.js'
import { discriminationOf } from '../graph/task.js'
import type { ImageSource } from '../image/image-source.js'
import type { Pixels } from '../image/pixels.js'
import { checkOptions, type OptionNames } from '../options.js'
import { loadModel, type ModelInput } from './load.js'
import { showPicture } from './show.js'

/** How a discriminator is made: which model, and how it runs. */
export interface DiscriminatorOptions extends SessionOptions {
  /** Default: the embedded discriminator. */
  readonly model?: ModelInput
}

const createNames = { ...sessionOptions, model: true } satisfies OptionNames<DiscriminatorOptions>

/** What a discriminator says of a picture. */
export interface Judgement {
  /** How likely the network finds it that the picture is real and not a generator's, 0 to 1. */
  readonly probability: number
  /** The same before the logistic function: the larger, the more real. */
  readonly logit: number
}

/**
 * Judges pictures as a generator's opponent does in training. Create one, score often, close it at
 * the end.
 *
 * @example
 * const discriminator = await Discriminator.create()
 * const { probability } = await discriminator.score('photo.jpg')
 * discriminator.close()
 */
export class Discriminator {
  readonly session: Session

  private constructor(session: Session) {
    this.session = session
  }

  /**
   * Loads a discriminator and makes it ready to run. Throws E_OPTION, E_FILE_*, E_MODEL_*,
   * E_ENGINE_*.
   *
   * @example
   * const discriminator = await Discriminator.create({ model: 'discriminator.safetensors' })
   */
  static async create(options: DiscriminatorOptions = {}): Promise<Discriminator> {
    checkOptions(options, createNames, 'Discriminator.create')
    const model = await loadModel(options.model ?? 'discriminator')
    discriminationOf(model.graph)
    return new Discriminator(await Session.create(model, sessionOptionsOf(options)))
  }

  /**
   * Judges a picture, stretched to the network's input. Throws E_IMAGE_*, E_FILE_*,
   * E_SESSION_CLOSED, E_ABORTED, E_DEADLINE.
   *
   * @example
   * const { probability, logit } = await discriminator.score('photo.jpg')
   */
  async score(image: ImageSource, options: StopOptions = {}): Promise<Judgement> {
    checkOptions(options, stopNames, 'Discriminator.score')
    const limited = startClock(options)
    return this.scorePixels(await decodeUnlessStopped(image, limited, this.session.maxPixels), limited)
  }

  /** As `score`, at once, for RGBA pixels that are already there. */
  scorePixels(pixels: Pixels, options?: StopOptions): Judgement {
    checkOptions(options, stopNames, 'Discriminator.scorePixels')
    showPicture(this.session, pixels, options)
    const [logit] = this.session.output(this.session.outputs[0].name)
    return { probability: 1 / (1 + Math.exp(-logit)), logit }
  }

  /**
   * Ends the threads and gives the memory back. Closing twice is harmless; using it afterwards is
   * E_SESSION_CLOSED.
   */
  close(): void {
    this.session.close()
  }
}
