import { type SessionOptions, sessionOptions, sessionOptionsOf } from '../engine/options.js'
import { decodeUnlessStopped } from '../engine/picture.js'
import { Session } from '../engine/session.js'
import { type StopOptions, startClock, stopNames } from '../engine/stop.js'
import { OcellusError } from '../errors.js'
import { classificationOf } from '../graph/task.js'
import type { ClassificationTask } from '../graph/types.js'
import type { ImageSource } from '../image/image-source.js'
import type { Pixels } from '../image/pixels.js'
import { checkOptions, type OptionNames } from '../options.js'
import { loadModel, type ModelInput } from './load.js'
import { showPicture } from './show.js'

/** How a classifier is made: which model, and how it runs. */
export interface ClassifierOptions extends SessionOptions {
  readonly model: ModelInput
}

export interface ClassifyOptions extends StopOptions {
  /** The most classes to name, 1 or more. Default: 5. */
  readonly topK?: number
}

const createNames = { ...sessionOptions, model: true } satisfies OptionNames<ClassifierOptions>
const classifyNames = { ...stopNames, topK: 'number' } satisfies OptionNames<ClassifyOptions>

/** The shape of transformers.js's image classification, and the class's index. */
export interface Classification {
  readonly label: string
  readonly classId: number
  /** Its probability, 0 to 1. */
  readonly score: number
}

/**
 * Tells what is in a picture, as a whole. Create one, classify often, close it at the end.
 *
 * @example
 * const classifier = await Classifier.create({ model: 'mobilenet.safetensors' })
 * const [{ label, score }] = await classifier.classify('photo.jpg')
 * classifier.close()
 */
export class Classifier {
  readonly session: Session
  /** The model's labels; a `classId` is an index of them. */
  readonly labels: readonly string[]
  readonly #task: ClassificationTask

  private constructor(session: Session, task: ClassificationTask) {
    this.session = session
    this.labels = task.labels
    this.#task = task
  }

  /**
   * Loads a classifier and makes it ready to run. Throws E_OPTION, E_FILE_*, E_MODEL_*, E_ENGINE_*.
   *
   * @example
   * const classifier = await Classifier.create({ model: 'resnet18.safetensors' })
   */
  static async create(options: ClassifierOptions): Promise<Classifier> {
    checkOptions(options, createNames, 'Classifier.create')
    const model = await loadModel(options.model)
    const task = classificationOf(model.graph)
    return new Classifier(await Session.create(model, sessionOptionsOf(options)), task)
  }

  /**
   * The likeliest classes of a picture, the likeliest first; of two that are as likely the lower
   * one. Throws E_OPTION, E_IMAGE_*, E_FILE_*, E_SESSION_CLOSED, E_ABORTED, E_DEADLINE.
   *
   * @example
   * const best = await classifier.classify('photo.jpg', { topK: 3 })
   */
  async classify(image: ImageSource, options: ClassifyOptions = {}): Promise<Classification[]> {
    checkOptions(options, classifyNames, 'Classifier.classify')
    const limited = startClock(options)
    return this.classifyPixels(await decodeUnlessStopped(image, limited, this.session.maxPixels), limited)
  }

  /** As `classify`, at once, for RGBA pixels that are already there. */
  classifyPixels(pixels: Pixels, options: ClassifyOptions = {}): Classification[] {
    checkOptions(options, classifyNames, 'Classifier.classifyPixels')
    const { topK = 5, ...stop } = options
    if (!Number.isInteger(topK) || topK < 1)
      throw new OcellusError('E_OPTION', `topK is ${topK}; give a whole number of at least 1`)
    showPicture(this.session, pixels, stop)
    const values = Array.from(this.session.output(this.session.outputs[0].name))
    const scores = this.#task.curve === 'softmax' ? softmax(values) : values
    return scores
      .map((score, classId) => ({ label: this.labels[classId], classId, score }))
      .sort((a, b) => b.score - a.score || a.classId - b.classId)
      .slice(0, topK)
  }

  /**
   * Ends the threads and gives the memory back. Closing twice is harmless; using it afterwards is
   * E_SESSION_CLOSED.
   */
  close(): void {
    this.session.close()
  }
}

function softmax(values: readonly number[]): number[] {
  const most = values.reduce((a, b) => Math.max(a, b))
  const exponentials = values.map((value) => Math.exp(value - most))
  const sum = exponentials.reduce((a, b) => a + b)
  return exponentials.map((value) => value / sum)
}
