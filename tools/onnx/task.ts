import { OcellusError } from '../../src/host/errors.js'
import { elements } from '../../src/host/graph/descriptor.js'
import type {
  ClassificationTask,
  DetectionTask,
  Graph,
  Model,
  Preprocessing,
  TensorForm,
} from '../../src/host/graph/types.js'
import { limits } from '../../src/host/limits.js'
import { shown } from '../../src/host/shown.js'
import { likelyNames } from '../evaluate/known-names.js'
import { type Ends, type Family, type FamilyName, type Found, families, familyOf } from './detectors.js'
import { normalizations } from './normalization.js'

/** A family, and what the outputs are in it. */
interface Detector {
  readonly family: Family
  readonly found: Found
}

/**
 * The detector that a network with these ends is; undefined where `auto` finds none. Throws
 * E_MODEL_TASK where it is not what is asked for.
 */
export function detectorOf(
  wanted: FamilyName | 'auto',
  ends: Ends | undefined,
  file: string,
): Detector | undefined {
  if (wanted === 'auto') {
    const known = ends && familyOf(ends)
    return known && { family: families[known.name], found: known.found }
  }
  const family: Family = families[wanted]
  const found = ends && family.match(ends, true)
  if (found === undefined) {
    const outputs = ends?.outputs.map(({ name, dims }) => `${shown(name)} ${dims.join('x')}`).join(', ')
    throw new OcellusError(
      'E_MODEL_TASK',
      `${file} is no ${family.title}: ${outputs === undefined ? 'it does not take one picture of three channels' : `its outputs are ${outputs}`}`,
    )
  }
  return { family, found }
}

interface Context {
  readonly file: string
  readonly metadata: ReadonlyMap<string, string>
  readonly report?: (line: string) => void
}

/** The network with the meaning of its outputs; how it takes pictures, where nothing else said it. */
export function asDetector(model: Model, { family, found }: Detector, context: Context): Model {
  const { graph } = model
  if (found.classes > limits.labels)
    throw new OcellusError('E_MODEL_TASK', `${context.file} has ${found.classes} classes`)
  const { labels, whose } = labelsOf(family, found.classes, context.metadata)
  context.report?.(
    `${context.file}: taken for a ${family.title} detector, ${found.classes} ${found.classes === 1 ? 'class' : 'classes'} ${whose}`,
  )
  const task: DetectionTask = {
    kind: 'detection',
    labels,
    heads: [],
    dense: found.dense,
    forms: formsOf(graph),
    nms: { kind: 'greedy', iou: family.iou, beta: 0.6 },
  }
  return { ...model, graph: { ...graph, task, preprocessing: graph.preprocessing ?? family.picture } }
}

/** What torchvision and timm train on. */
const imagenet: Preprocessing = { mode: 'stretch', pad: 0, channels: 'rgb', ...normalizations.imagenet }

/** How a network's ends look to callers, until its task is told. */
export const formsOf = ({ task }: Graph): readonly TensorForm[] => (task.kind === 'tensors' ? task.forms : [])

/** The network as a classifier, whose first output has a number for each class. */
export function asClassifier(model: Model, ends: Ends | undefined, context: Context): Model {
  const { graph } = model
  const [name] = graph.outputs
  const scores = graph.tensors.find((tensor) => tensor.name === name)!
  const classes = elements(scores.shape)
  if (ends === undefined || scores.dtype !== 'float32' || classes < 2 || classes > limits.labels)
    throw new OcellusError(
      'E_MODEL_TASK',
      `${context.file} is no classifier: it does not take one picture of three channels and give a number for each class`,
    )
  const { labels, whose } = labelsOf(undefined, classes, context.metadata)
  const assumed =
    graph.preprocessing === undefined ? ', pictures as ImageNet has them; else give --normalize' : ''
  context.report?.(`${context.file}: a classifier of ${classes} classes ${whose}${assumed}`)
  const last = graph.nodes.find(({ outputs }) => outputs[0] === name)
  const task: ClassificationTask = {
    kind: 'classification',
    labels,
    curve: last?.op === 'softmax' ? 'none' : 'softmax',
    forms: formsOf(graph),
  }
  return { ...model, graph: { ...graph, task, preprocessing: graph.preprocessing ?? imagenet } }
}

function labelsOf(family: Family | undefined, classes: number, metadata: ReadonlyMap<string, string>) {
  const told = namesIn(metadata.get('names') ?? '', classes)
  if (told !== undefined) return { labels: told, whose: 'named in the file' }
  if (family?.labels?.length === classes) return { labels: family.labels, whose: `(${family.labels})` }
  const likely = family && likelyNames(classes)
  if (likely !== undefined)
    return { labels: likely.names, whose: `taken as those of ${likely.dataSet}; else give --names` }
  return {
    labels: Array.from({ length: classes }, (_, n) => `class ${n}`),
    whose: 'without names; give --names',
  }
}

/** Names as ultralytics writes them: {0: 'person', 1: "child's bicycle"}. */
function namesIn(text: string, classes: number): string[] | undefined {
  const names: string[] = []
  for (const [, number, single, double] of text.matchAll(
    /(\d{1,6}):\s*(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")/g,
  ))
    names[Number(number)] = (single ?? double).replace(/\\(.)/g, '$1')
  const whole =
    names.length === classes && Array.from(names).every((name) => name !== undefined && name !== '')
  return whole ? names.map((name) => shown(name)) : undefined
}
