import { platform } from '../engine/platform.js'
import { Session, type SessionOptions } from '../engine/session.js'
import { discriminationOf } from '../graph/task.js'
import type { Pixels } from '../image/pixels.js'
import { givenOptions, loadModel, type ModelInput } from './load.js'
import { showPicture } from './show.js'

export interface DiscriminatorOptions extends SessionOptions {
  /** A model: its file, its path, address or name, or one in memory. Default: the embedded discriminator. */
  readonly model?: ModelInput
}

export interface Judgement {
  /** How likely the network takes the picture to be one of its training pictures, not a generator's: 0 to 1. */
  readonly probability: number
  /** Before the logistic function: the larger, the more real. */
  readonly logit: number
}

/** Judges pictures as a generator's opponent does in training. */
export class Discriminator {
  readonly session: Session

  private constructor(session: Session) {
    this.session = session
  }

  /** Loads a model and makes it ready to run. Throws E_MODEL_*, E_ENGINE_*, E_FILE_*. */
  static async create(options: DiscriminatorOptions = {}): Promise<Discriminator> {
    const model = await loadModel(givenOptions(options).model ?? 'discriminator')
    discriminationOf(model.graph)
    return new Discriminator(await Session.create(model, options))
  }

  /** Judges a picture: RGBA pixels, or whatever the platform decodes. Throws E_IMAGE_*, E_SESSION_CLOSED. */
  async score(image: unknown): Promise<Judgement> {
    const isPixels = typeof image === 'object' && image !== null && 'data' in image && 'width' in image
    return this.scorePixels(isPixels ? (image as Pixels) : await platform().decodeImage(image))
  }

  /** As `score`, at once. */
  scorePixels(pixels: Pixels): Judgement {
    showPicture(this.session, pixels)
    const [logit] = this.session.output(this.session.outputs[0].name)
    return { probability: 1 / (1 + Math.exp(-logit)), logit }
  }

  /** Gives the memory back. Closing twice is harmless. */
  close(): void {
    this.session.close()
  }
}
