import { platform } from '../engine/platform.js'
import { Session, type SessionOptions } from '../engine/session.js'
import type { Signal } from '../engine/stop.js'
import { OcellusError } from '../errors.js'
import { detectionOf } from '../graph/task.js'
import type { DetectionTask } from '../graph/types.js'
import type { Geometry } from '../image/fit.js'
import { checkPixels, type Pixels } from '../image/pixels.js'
import { Decoder } from './detection/decode.js'
import type { Detection } from './detection/detections.js'
import { type DetectionOptions, type Settings, settingsOf } from './detection/options.js'
import { givenOptions, isOurs, loadModel, type ModelInput } from './load.js'
import { fitPicture } from './show.js'

export interface DetectorOptions extends DetectionOptions, SessionOptions {
  /** A model: its file, its path, address or name, or one in memory. Default: the embedded detector. */
  readonly model?: ModelInput
  /** How pictures are fitted to the network. Default: what the model says. */
  readonly fit?: 'letterbox' | 'stretch'
}

export interface DetectOptions extends DetectionOptions {
  readonly signal?: Signal
}

/** What `detect` found, with the size of the picture that its boxes refer to. */
export interface DetectorResult {
  readonly width: number
  readonly height: number
  readonly detections: Detection[]
}

/** Finds objects in pictures. Create once, detect often, close at the end. */
export class Detector {
  readonly session: Session
  readonly labels: readonly string[]
  readonly #task: DetectionTask
  readonly #decoder: Decoder
  #options: DetectorOptions
  #settings: Settings
  /** How the last picture lay on the input: the next one has most often the same size. */
  #geometry: Geometry | undefined
  #timestamp = Number.NEGATIVE_INFINITY

  private constructor(session: Session, task: DetectionTask, options: DetectorOptions) {
    this.session = session
    this.labels = task.labels
    this.#task = task
    this.#decoder = new Decoder(session, session.plan.detection!, task)
    this.#options = options
    this.#settings = settingsOf(options, task)
  }

  /** Loads a model and makes it ready to run. Throws E_OPTION, E_MODEL_*, E_ENGINE_*, E_FILE_*. */
  static async create(options: DetectorOptions = {}): Promise<Detector> {
    const model = await loadModel(givenOptions(options).model)
    const task = detectionOf(model.graph)
    settingsOf(options, task)
    return new Detector(await Session.create(model, options, isOurs(options.model)), task, options)
  }

  /** Changes options that need no reloading; those not named keep their value. Throws E_OPTION. */
  setOptions(options: DetectionOptions & Pick<DetectorOptions, 'fit'>): void {
    const all = { ...this.#options, ...options }
    this.#settings = settingsOf(all, this.#task)
    this.#options = all
    this.#geometry = undefined
  }

  /**
   * Objects in a picture, best first, boxes in its own pixels. `image` is RGBA pixels (`ImageData` or the like) or
   * whatever the platform decodes: in Node a path or the bytes of a file, in a browser also a Blob, an
   * image, a video or a canvas. Throws E_IMAGE_*, E_SESSION_CLOSED, E_ABORTED.
   */
  async detect(image: unknown, options?: DetectOptions): Promise<Detection[]> {
    return (await this.detectWithSize(image, options)).detections
  }

  /** As `detect`, and tells the picture's size. */
  async detectWithSize(image: unknown, options?: DetectOptions): Promise<DetectorResult> {
    abortIfAsked(options?.signal)
    const pixels = isPixels(image) ? image : await platform().decodeImage(image)
    abortIfAsked(options?.signal)
    return { width: pixels.width, height: pixels.height, detections: this.detectPixels(pixels, options) }
  }

  /**
   * As `detect`, for the frames of a video, each with its time in milliseconds, which must grow from call to call.
   * Throws E_OPTION for one that does not.
   */
  async detectForVideo(frame: unknown, timestamp: number, options?: DetectOptions): Promise<Detection[]> {
    if (!Number.isFinite(timestamp) || timestamp <= this.#timestamp) {
      throw new OcellusError('E_OPTION', `the timestamp ${timestamp} is not after ${this.#timestamp}`)
    }
    this.#timestamp = timestamp
    return this.detect(frame, options)
  }

  /** As `detect`, at once, for pixels that are already there: the loop of a camera. It allocates only its results. */
  detectPixels(pixels: Pixels, options?: DetectionOptions): Detection[] {
    checkPixels(pixels)
    const settings =
      options === undefined ? this.#settings : settingsOf({ ...this.#options, ...options }, this.#task)
    const geometry = this.#fit(pixels)
    this.session.setImage(pixels, geometry)
    this.session.run()
    return this.#decoder.decode(geometry, settings)
  }

  #fit(pixels: Pixels): Geometry {
    const last = this.#geometry
    if (last !== undefined && last.sourceWidth === pixels.width && last.sourceHeight === pixels.height)
      return last
    this.#geometry = fitPicture(this.session, pixels, this.#options.fit)
    return this.#geometry
  }

  /** Gives the memory back. Closing twice is harmless. */
  close(): void {
    this.session.close()
  }
}

function isPixels(image: unknown): image is Pixels {
  return (
    typeof image === 'object' && image !== null && 'data' in image && 'width' in image && 'height' in image
  )
}

function abortIfAsked(signal: Signal | undefined): void {
  if (signal?.aborted) throw new OcellusError('E_ABORTED', 'the detection was stopped')
}
