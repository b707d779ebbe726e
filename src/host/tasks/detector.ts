import { platform } from '../engine/platform.js'
import { Session, type SessionOptions } from '../engine/session.js'
import { OcellusError } from '../errors.js'
import { readModel } from '../graph/file.js'
import { detectionOf } from '../graph/task.js'
import type { Model } from '../graph/types.js'
import { checkPixels, type Pixels } from '../image/pixels.js'
import { type Detection, type DetectionOptions, detections } from './detection/detections.js'
import { showPicture } from './show.js'

export interface DetectorOptions extends DetectionOptions, SessionOptions {
  /** A model file: its path or address, its bytes, or a model in memory. Default: the embedded detector. */
  readonly model?: string | URL | Uint8Array | Model
  /** How pictures are fitted to the network. Default: what the model says. */
  readonly fit?: 'letterbox' | 'stretch'
}

export interface DetectOptions extends DetectionOptions {
  readonly signal?: AbortSignal
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
  #options: DetectorOptions

  private constructor(session: Session, options: DetectorOptions) {
    this.session = session
    this.labels = detectionOf(session.plan.model.graph).labels
    this.#options = options
  }

  /** Loads a model and makes it ready to run. Throws E_MODEL_*, E_ENGINE_*, E_FILE_*. */
  static async create(options: DetectorOptions = {}): Promise<Detector> {
    const model = await loadModel(options.model)
    detectionOf(model.graph)
    return new Detector(await Session.create(model, options), options)
  }

  /** Changes options that need no reloading; those not named keep their value. */
  setOptions(options: DetectionOptions & Pick<DetectorOptions, 'fit'>): void {
    this.#options = { ...this.#options, ...options }
  }

  /**
   * Objects in a picture, best first, boxes in its own pixels. `image` is RGBA pixels (`ImageData` or the like) or
   * whatever the platform decodes: in Node a path or the bytes of a file, in a browser also a Blob, an
   * image, a video or a canvas. Throws E_IMAGE_*, E_SESSION_CLOSED, E_ABORTED.
   */
  async detect(image: unknown, options: DetectOptions = {}): Promise<Detection[]> {
    return (await this.detectWithSize(image, options)).detections
  }

  /** As `detect`, and tells the picture's size. */
  async detectWithSize(image: unknown, options: DetectOptions = {}): Promise<DetectorResult> {
    abortIfAsked(options.signal)
    const pixels = isPixels(image) ? image : await platform().decodeImage(image)
    abortIfAsked(options.signal)
    return { width: pixels.width, height: pixels.height, detections: this.detectPixels(pixels, options) }
  }

  /** As `detect`, at once, for pixels that are already there: the loop of a camera. */
  detectPixels(pixels: Pixels, options: DetectionOptions = {}): Detection[] {
    checkPixels(pixels)
    const { graph } = this.session.plan.model
    const geometry = showPicture(this.session, pixels, this.#options.fit)
    const task = detectionOf(graph)
    const outputs = task.heads.map(({ output }) => {
      const [, rows, columns] = this.session.plan.model.tensorsByName.get(output)!.shape
      return { data: this.session.output(output) as Float32Array, height: rows, width: columns }
    })
    return detections(outputs, task, geometry, { ...this.#options, ...options })
  }

  /** Gives the memory back. Closing twice is harmless. */
  close(): void {
    this.session.close()
  }
}

/** A model from wherever it is, structurally checked; `Session.create` verifies the rest. */
export async function loadModel(source?: string | URL | Uint8Array | Model): Promise<Model> {
  if (source instanceof Uint8Array) return readModel(source, 'model')
  if (typeof source === 'object' && 'graph' in source) return source
  const { bytes, file } = await platform().readModel(source)
  return readModel(bytes, file)
}

function isPixels(image: unknown): image is Pixels {
  return (
    typeof image === 'object' && image !== null && 'data' in image && 'width' in image && 'height' in image
  )
}

function abortIfAsked(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new OcellusError('E_ABORTED', 'the detection was stopped')
}
