import { type SessionOptions, sessionOptions, sessionOptionsOf } from '../engine/options.js'
import { decodeUnlessStopped } from '../engine/picture.js'
import { platform } from '../engine/platform.js'
import { Session } from '../engine/session.js'
import { type StopOptions, startClock, stopNames, stopOf, stopOptionsOf } from '../engine/stop.js'
import { OcellusError } from '../errors.js'
import { detectionOf } from '../graph/task.js'
import type { DetectionTask } from '../graph/types.js'
import type { Geometry } from '../image/fit.js'
import type { ImageSource } from '../image/image-source.js'
import { checkPixels, type Pixels } from '../image/pixels.js'
import { checkChoice, checkOptions, type OptionNames } from '../options.js'
import { Decoder } from './detection/decode.js'
import type { Detection } from './detection/detections.js'
import { type DetectionOptions, detectionOptions, type Settings, settingsOf } from './detection/options.js'
import { isOurs, loadModel, type ModelInput } from './load.js'
import { fitPicture } from './show.js'

/** How a detector is made: which model, how it runs and what it finds. */
export interface DetectorOptions extends DetectionOptions, SessionOptions {
  /** Default: the embedded detector. */
  readonly model?: ModelInput
  /** How pictures are fitted to the network. Default: as the model says. */
  readonly fit?: 'letterbox' | 'stretch'
}

/** Settings for one picture, over those of the detector. */
export interface DetectOptions extends DetectionOptions, StopOptions {}

/** Options that may change without loading the model again. */
export type DetectorSettings = DetectionOptions & Pick<DetectorOptions, 'fit'>

const settingNames = { ...detectionOptions, fit: true } satisfies OptionNames<DetectorSettings>
const createNames = { ...sessionOptions, ...settingNames, model: true } satisfies OptionNames<DetectorOptions>
const detectNames = { ...detectionOptions, ...stopNames } satisfies OptionNames<DetectOptions>

const checkFitMode = (fit: unknown): void => checkChoice('fit', fit, ['letterbox', 'stretch'])

/** What was found in a picture, and the picture's width and height in pixels. */
export interface DetectorResult {
  readonly width: number
  readonly height: number
  readonly detections: Detection[]
}

/**
 * Finds objects in pictures. Create one, detect often, and close it at the end.
 *
 * @example
 * const detector = await Detector.create({ scoreThreshold: 0.4, categoryAllowlist: ['cat', 'dog'] })
 * for (const { label, score, box } of await detector.detect('photo.jpg')) {
 *   console.log(label, score, box.xmin, box.ymin, box.xmax, box.ymax)
 * }
 * detector.close()
 */
export class Detector {
  readonly session: Session
  /** The model's labels; a detection's `classId` is an index of them. */
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

  /**
   * Loads a detector and makes it ready to run. Throws E_OPTION, E_FILE_* and E_MODEL_* for a model
   * that can't be read or is no detector, E_ENGINE_* where the engine can't run it.
   *
   * @example
   * const detector = await Detector.create({ model: 'yolov4-tiny.safetensors', threads: 2 })
   */
  static async create(options: DetectorOptions = {}): Promise<Detector> {
    checkOptions(options, createNames, 'Detector.create')
    checkFitMode(options.fit)
    const model = await loadModel(options.model)
    const task = detectionOf(model.graph)
    settingsOf(options, task)
    const { frozenModel = isOurs(options.model) } = options
    const session = await Session.create(model, { ...sessionOptionsOf(options), frozenModel })
    return new Detector(session, task, options)
  }

  /**
   * Changes options that need no reloading; those that are not named keep their value. Throws
   * E_OPTION.
   *
   * @example
   * detector.setOptions({ scoreThreshold: 0.6 })
   */
  setOptions(options: DetectorSettings): void {
    checkOptions(options, settingNames, 'Detector.setOptions')
    checkFitMode(options.fit)
    const all = { ...this.#options, ...options }
    this.#settings = settingsOf(all, this.#task)
    this.#options = all
    this.#geometry = undefined
  }

  /**
   * The objects in a picture, the surest first. A box is in the picture's own pixels, its origin at
   * the upper left corner. Throws E_OPTION, E_IMAGE_*, E_FILE_*, E_SESSION_CLOSED, E_ABORTED, E_DEADLINE;
   * the detector stays usable. With a signal, events have their turn between layers.
   *
   * @example
   * const [best] = await detector.detect('photo.jpg', { maxResults: 1 })
   * // { label: 'cat', classId: 7, score: 0.93, box: { xmin: 71, ymin: 15, xmax: 383, ymax: 440 } }
   */
  async detect(image: ImageSource, options?: DetectOptions): Promise<Detection[]> {
    return (await this.detectWithSize(image, options)).detections
  }

  /**
   * As `detect`, and tells the picture's width and height in pixels.
   *
   * @example
   * const { width, height, detections } = await detector.detectWithSize('photo.jpg')
   */
  async detectWithSize(image: ImageSource, options?: DetectOptions): Promise<DetectorResult> {
    checkOptions(options, detectNames, 'Detector.detect')
    const limited = options && startClock(options)
    const pixels = await decodeUnlessStopped(image, limited, this.session.maxPixels)
    const { width, height } = pixels
    const stop = limited?.signal === undefined ? undefined : stopOf(limited)
    if (limited === undefined || stop === undefined || platform().pause === undefined)
      return { width, height, detections: this.detectPixels(pixels, limited) }
    const settings = this.#settingsFor(limited)
    const geometry = this.#fit(pixels)
    const read = (): Detection[] => this.#decoder.decode(geometry, settings)
    return { width, height, detections: await this.session.runInTurns(pixels, geometry, stop, read) }
  }

  /**
   * As `detect`, for the frames of a video, each with its time in milliseconds, which must grow
   * from call to call: E_OPTION for one that does not.
   *
   * @example
   * video.requestVideoFrameCallback(async (now) => draw(await detector.detectForVideo(video, now)))
   */
  async detectForVideo(frame: ImageSource, timestamp: number, options?: DetectOptions): Promise<Detection[]> {
    if (!Number.isFinite(timestamp) || timestamp <= this.#timestamp) {
      throw new OcellusError('E_OPTION', `the timestamp ${timestamp} is not after ${this.#timestamp}`)
    }
    this.#timestamp = timestamp
    return this.detect(frame, options)
  }

  /**
   * As `detect`, at once, for RGBA pixels that are already there: the loop of a camera. It
   * allocates only its results. Throws E_OPTION, E_IMAGE_*, E_SESSION_CLOSED, E_ABORTED, E_DEADLINE.
   *
   * @example
   * const found = detector.detectPixels({ width: 640, height: 480, data: rgba })
   */
  detectPixels(pixels: Pixels, options?: DetectOptions): Detection[] {
    checkOptions(options, detectNames, 'Detector.detectPixels')
    checkPixels(pixels, this.session.maxPixels)
    // No call for the usual case: one more, and V8 leaves objects on the heap that it did without.
    const settings = options === undefined ? this.#settings : this.#settingsFor(options)
    const geometry = this.#fit(pixels)
    const limits = options === undefined ? undefined : stopOptionsOf(startClock(options))
    this.session.setImage(pixels, geometry)
    this.session.run(undefined, limits)
    return this.#decoder.decode(geometry, settings)
  }

  #settingsFor(options: DetectOptions): Settings {
    return settingsOf({ ...this.#options, ...options }, this.#task)
  }

  #fit(pixels: Pixels): Geometry {
    const last = this.#geometry
    if (last !== undefined && last.sourceWidth === pixels.width && last.sourceHeight === pixels.height)
      return last
    this.#geometry = fitPicture(this.session, pixels, this.#options.fit)
    return this.#geometry
  }

  /**
   * Ends the threads and gives the memory back. Closing twice is harmless; using it afterwards is
   * E_SESSION_CLOSED.
   */
  close(): void {
    this.session.close()
  }
}
