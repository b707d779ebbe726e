import { OcellusError } from '../../errors.js'
import type { DetectionTask } from '../../graph/types.js'
import { checkChoice, type OptionNames } from '../../options.js'

/** Which of the objects that a network sees are detections. */
export interface DetectionOptions {
  /** The least score, objectness times class probability, 0 to 1. Default: 0.25. */
  readonly scoreThreshold?: number
  /**
   * Boxes that overlap a better one by more than this (IoU, 0 to 1) are dropped. Default: the
   * model's own.
   */
  readonly iouThreshold?: number
  /** The most detections of one picture. Default: no limit but `limits.candidates`. */
  readonly maxResults?: number
  /** Only these labels are found. Default: all of the model's. */
  readonly categoryAllowlist?: readonly string[]
  /** These labels are never found. Default: none. */
  readonly categoryDenylist?: readonly string[]
  /**
   * Every class of a box that reaches the threshold is a detection, as evaluation needs. Default:
   * the best one.
   */
  readonly multiLabel?: boolean
  /** Whether boxes of different classes suppress each other. Default: false. */
  readonly agnostic?: boolean
  /**
   * `darknet`: threshold, suppression per class, then each box's best class. Default: `class`, the
   * class first.
   */
  readonly order?: 'class' | 'darknet'
  /**
   * Whether boxes are cut at the picture's edges. Default: true. Evaluation measures uncut ones.
   */
  readonly clip?: boolean
}

export const detectionOptions = {
  scoreThreshold: 'number',
  iouThreshold: 'number',
  maxResults: 'number',
  categoryAllowlist: 'strings',
  categoryDenylist: 'strings',
  multiLabel: 'boolean',
  agnostic: 'boolean',
  order: true,
  clip: 'boolean',
} satisfies OptionNames<DetectionOptions>

/** Options checked, and with their defaults. */
export interface Settings {
  readonly scoreThreshold: number
  readonly iouThreshold: number
  readonly maxResults: number
  /** 1 for each class that may be found; all when absent. */
  readonly classMask?: Uint8Array
  readonly multiLabel: boolean
  readonly agnostic: boolean
  readonly byDarknet: boolean
  readonly clip: boolean
}

/** Throws E_OPTION. */
export function settingsOf(options: DetectionOptions, { labels, nms }: DetectionTask): Settings {
  checkChoice('order', options.order, ['class', 'darknet'])
  const byDarknet = options.order === 'darknet'
  return {
    scoreThreshold: fraction('scoreThreshold', options.scoreThreshold ?? 0.25),
    iouThreshold: fraction('iouThreshold', options.iouThreshold ?? nms.iou),
    maxResults: atLeastOne('maxResults', options.maxResults ?? Number.POSITIVE_INFINITY),
    classMask: maskOf(labels, options),
    multiLabel: byDarknet || (options.multiLabel ?? false),
    agnostic: options.agnostic ?? false,
    byDarknet,
    clip: options.clip ?? true,
  }
}

function maskOf(labels: readonly string[], options: DetectionOptions): Uint8Array | undefined {
  const { categoryAllowlist, categoryDenylist } = options
  if (!categoryAllowlist && !categoryDenylist) return undefined
  const allowed = categoryAllowlist && new Set(categoryAllowlist)
  const denied = new Set(categoryDenylist)
  const known = new Set(labels)
  for (const label of [...(allowed ?? []), ...denied]) {
    if (!known.has(label)) throw new OcellusError('E_OPTION', `the model has no label '${label}'`)
  }
  return Uint8Array.from(labels, (label) => ((allowed?.has(label) ?? true) && !denied.has(label) ? 1 : 0))
}

function fraction(name: string, value: number): number {
  if (value >= 0 && value <= 1) return value
  throw new OcellusError('E_OPTION', `${name} is ${value}; give a number from 0 to 1`)
}

function atLeastOne(name: string, value: number): number {
  if (value >= 1 && (Number.isInteger(value) || value === Number.POSITIVE_INFINITY)) return value
  throw new OcellusError('E_OPTION', `${name} is ${value}; give an integer of at least 1`)
}
