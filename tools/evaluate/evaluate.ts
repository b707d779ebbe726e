import { OcellusError } from '../../src/host/errors.js'
import type { Detection } from '../../src/host/tasks/detection/detections.js'
import type { DetectionOptions } from '../../src/host/tasks/detection/options.js'
import { mapClasses } from './classes.js'
import type { DataSet, LabelBox, LabelledPhoto } from './dataset.js'
import { detectionMetrics, type Precision, type Protocol, type ScoredPhoto } from './metrics.js'

/** What a detector says of a photo, and how large the photo is once decoded. */
export interface Found {
  readonly width: number
  readonly height: number
  readonly detections: readonly Detection[]
}

/** Evaluation wants the whole curve: nearly every box, in every class it may be, uncut. */
export const evaluationOptions = {
  scoreThreshold: 0.001,
  iouThreshold: 0.45,
  multiLabel: true,
  clip: false,
} as const satisfies DetectionOptions

export interface EvaluateOptions {
  readonly protocol?: Protocol
  /** Called after each photo. */
  readonly onProgress?: (done: number, total: number) => void
  readonly signal?: AbortSignal
}

export interface Evaluation extends Precision {
  readonly images: number
  readonly boxes: number
  readonly perClass: Readonly<Record<string, Precision & { readonly boxes: number }>>
}

/**
 * Photos and classes on which a model can be measured: those of the data set that the model knows
 * too.
 */
export class Evaluator {
  readonly #toData: Int32Array
  readonly #known: Set<number>
  /** Classes that are labelled here and that the model lacks, with their boxes. */
  readonly missing: ReadonlyMap<string, number>

  constructor(
    readonly dataSet: DataSet,
    modelLabels: readonly string[],
  ) {
    this.#toData = mapClasses(modelLabels, dataSet.names)
    this.#known = new Set(this.#toData)
    const missing = new Map<string, number>()
    let some = false
    for (const { classId } of dataSet.photos.flatMap(({ labels }) => labels)) {
      if (this.#known.has(classId)) some = true
      else {
        const name = dataSet.names[classId]
        missing.set(name, (missing.get(name) ?? 0) + 1)
      }
    }
    this.missing = missing
    if (!some) {
      throw new OcellusError(
        'E_DATA_EMPTY',
        `no class of the model (${few(modelLabels)}) is labelled here (${few(dataSet.names)}); give it its names`,
      )
    }
  }

  async run(
    detect: (file: string) => Promise<Found>,
    { protocol = 'coco', onProgress, signal }: EvaluateOptions = {},
  ): Promise<Evaluation> {
    const { photos, names } = this.dataSet
    const scored: ScoredPhoto[] = []
    for (const photo of photos) {
      if (signal?.aborted) throw new OcellusError('E_ABORTED', 'the evaluation was stopped')
      scored.push(this.#score(photo, await detect(photo.file)))
      onProgress?.(scored.length, photos.length)
    }
    const { perClass, ...means } = detectionMetrics(scored, protocol)
    return {
      images: photos.length,
      ...means,
      perClass: Object.fromEntries([...perClass].map(([classId, entry]) => [names[classId], entry])),
    }
  }

  #score(photo: LabelledPhoto, { width, height, detections }: Found): ScoredPhoto {
    return {
      labels: inPixels(photo, width, height).filter(({ classId }) => this.#known.has(classId)),
      found: detections.flatMap(({ classId, score, box }) => {
        const ofData = this.#toData[classId]
        return ofData < 0 ? [] : [{ classId: ofData, score, box }]
      }),
    }
  }
}

const few = (names: readonly string[]) => names.slice(0, 3).join(', ') + (names.length > 3 ? ', ...' : '')

function inPixels({ file, size, labels }: LabelledPhoto, width: number, height: number): readonly LabelBox[] {
  if (!size) {
    return labels.map((label) => ({ ...label, box: scaled(label.box, width, height) }))
  }
  if (size.width === width && size.height === height) return labels
  throw new OcellusError(
    'E_DATA_LABELS',
    `${file}: labelled as ${size.width}x${size.height}, but the photo is ${width}x${height}; use the photo that was labelled`,
  )
}

function scaled({ xmin, ymin, xmax, ymax }: LabelBox['box'], width: number, height: number) {
  return { xmin: xmin * width, ymin: ymin * height, xmax: xmax * width, ymax: ymax * height }
}
