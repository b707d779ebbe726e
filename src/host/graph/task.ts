import { OcellusError } from '../errors.js'
import { limits } from '../limits.js'
import { elements, pixelCount } from './descriptor.js'
import type {
  AutoencoderTask,
  ClassificationTask,
  DenseColumns,
  DenseHead,
  DetectionTask,
  DiscriminationTask,
  GenerationTask,
  Graph,
  Preprocessing,
  Task,
  Tensor,
  TensorForm,
  TensorsTask,
} from './types.js'

export const taskKinds = [
  'detection',
  'generation',
  'discrimination',
  'autoencoder',
  'classification',
  'tensors',
] as const

/**
 * Whether the engine resizes and normalises pictures for a task: always, never, or where the model
 * says how.
 */
export function takesPictures({ kind }: Task): 'always' | 'never' | 'maybe' {
  if (kind === 'generation') return 'never'
  return kind === 'tensors' ? 'maybe' : 'always'
}

/** How a model wants its pictures. Throws E_MODEL_TASK for one that takes none. */
export function preprocessingOf({ name, task, preprocessing }: Graph): Preprocessing {
  if (preprocessing === undefined) throw misfit(`${name} is for ${task.kind} and takes no pictures`)
  return preprocessing
}

/** The task of a detector. Throws E_MODEL_TASK for any other model. */
export function detectionOf({ name, task }: Graph): DetectionTask {
  if (task.kind !== 'detection') throw misfit(`${name} is no detector: it is for ${task.kind}`)
  return task
}

/** The task of an autoencoder. Throws E_MODEL_TASK for any other model. */
export function autoencoderOf({ name, task }: Graph): AutoencoderTask {
  if (task.kind !== 'autoencoder') throw misfit(`${name} is no autoencoder: it is for ${task.kind}`)
  return task
}

/** The task of a classifier. Throws E_MODEL_TASK for any other model. */
export function classificationOf({ name, task }: Graph): ClassificationTask {
  if (task.kind !== 'classification') throw misfit(`${name} is no classifier: it is for ${task.kind}`)
  return task
}

/** Throws E_MODEL_TASK for a model that is no generator. */
export function generationOf({ name, task }: Graph): GenerationTask {
  if (task.kind !== 'generation') throw misfit(`${name} is no generator: it is for ${task.kind}`)
  return task
}

/** Throws E_MODEL_TASK for a model that is no discriminator. */
export function discriminationOf({ name, task }: Graph): DiscriminationTask {
  if (task.kind !== 'discrimination') throw misfit(`${name} is no discriminator: it is for ${task.kind}`)
  return task
}

type Tensors = ReadonlyMap<string, Tensor>

/** Checks that a graph's ends are what its task needs. Throws E_MODEL_TASK. */
export function checkTask(graph: Graph, tensors: Tensors): void {
  const { task } = graph
  const takes = takesPictures(task)
  if (takes !== 'maybe' && (takes === 'always') !== (graph.preprocessing !== undefined)) {
    throw misfit(`a model for ${task.kind} has ${takes === 'always' ? 'a' : 'no'} preprocessing`)
  }
  if (task.kind === 'detection') checkDetection(task, graph, tensors)
  else if (task.kind === 'generation') checkGeneration(graph, tensors)
  else if (task.kind === 'discrimination') checkDiscrimination(graph, tensors)
  else if (task.kind === 'autoencoder') checkAutoencoder(task, graph, tensors)
  else if (task.kind === 'classification') checkClassification(task, graph, tensors)
  else checkTensors(task, graph, tensors)
}

function checkTensors({ forms }: TensorsTask, graph: Graph, tensors: Tensors): void {
  const { inputs, outputs, preprocessing } = graph
  if (inputs.length === 0 || outputs.length === 0)
    throw misfit('a model for tensors has at least one input and one output')
  if (preprocessing !== undefined && pictureOf(tensors.get(inputs[0]), 3) === undefined)
    throw misfit(`a model with a preprocessing has a picture [1, height, width, 3] for its first input`)
  checkForms(forms, graph, tensors)
}

/** Forms are of inputs and outputs, one each, with as many elements as these have. */
function checkForms(forms: readonly TensorForm[], { inputs, outputs }: Graph, tensors: Tensors): void {
  const ends = new Set([...inputs, ...outputs])
  const seen = new Set<string>()
  for (const { name, shape } of forms) {
    const tensor = tensors.get(name)
    if (tensor === undefined || !ends.has(name)) throw misfit(`the form ${name} is of no input or output`)
    if (seen.size === seen.add(name).size) throw misfit(`${name} has two forms`)
    const fits =
      shape.length >= 1 && shape.length <= limits.rank && shape.every((n) => Number.isInteger(n) && n >= 1)
    if (!fits || elements(shape) !== elements(tensor.shape))
      throw misfit(`${name} is [${tensor.shape}], which the form [${shape}] does not fit`)
  }
}

function checkDetection(task: DetectionTask, graph: Graph, tensors: Tensors): void {
  checkPictureInput(graph, tensors)
  for (const head of task.heads) {
    const tensor = tensors.get(head.output)
    const channels = head.anchors.length * (5 + task.labels.length)
    if (tensor === undefined || !graph.outputs.includes(head.output)) {
      throw misfit(`the head ${head.output} is not an output of the graph`)
    }
    if (tensor.dtype !== 'float32' || tensor.shape.length !== 4 || tensor.shape[3] !== channels) {
      throw misfit(
        `the head ${head.output} is ${tensor.dtype} [${tensor.shape}], expected float32 with ${channels} channels (${head.anchors.length} anchors, ${task.labels.length} labels)`,
      )
    }
  }
  if (task.dense !== undefined && task.heads.length > 0)
    throw misfit('a detector has heads of one kind: anchors or dense')
  for (const head of task.dense ?? []) checkDense(head, task.labels.length, graph, tensors)
  if (task.forms !== undefined) checkForms(task.forms, graph, tensors)
}

function checkDense(head: DenseHead, labels: number, { outputs }: Graph, tensors: Tensors): void {
  const rows = head.firstRow + head.rows * head.columns
  const sides = head.encoding === 'distribution' ? 4 * head.bins : 4
  const parts: [DenseColumns | undefined, number][] = [
    [head.scores, head.curve === 'softmax' ? labels + 1 : labels],
    [head.objectness, 1],
    [head.boxes, sides],
  ]
  for (const [columns, count] of parts) {
    if (columns === undefined) continue
    const tensor = tensors.get(columns.tensor)
    if (tensor?.dtype !== 'float32' || !outputs.includes(columns.tensor))
      throw misfit(`${columns.tensor} of a dense head is no float32 output`)
    const last = tensor.shape[tensor.shape.length - 1]
    const others = elements(tensor.shape) / last
    const [high, wide] = columns.transposed ? [last, others] : [others, last]
    if (columns.first + count > wide || rows > high)
      throw misfit(
        `${columns.tensor} has ${high} rows of ${wide}; a dense head needs ${rows} of ${columns.first + count}`,
      )
  }
}

function checkGeneration({ inputs, outputs }: Graph, tensors: Tensors): void {
  const latent = only(inputs, tensors)
  if (latent === undefined || latent.shape.length !== 4 || !isPixel(latent)) {
    throw misfit('a generator has one input, the latent [1, 1, 1, n]')
  }
  const picture = pictureOf(tensors.get(outputs[0]), 1)
  if (picture === undefined) {
    throw misfit("a generator's first output is the picture, [1, height, width, 3] or [1, height, width, 1]")
  }
}

function checkDiscrimination(graph: Graph, tensors: Tensors): void {
  checkPictureInput(graph, tensors)
  const score = tensors.get(graph.outputs[0])
  if (score === undefined || !isPixel(score) || score.shape[3] !== 1 || score.dtype !== 'float32') {
    throw misfit("a discriminator's first output is float32 [1, 1, 1, 1]")
  }
}

function checkClassification({ labels, forms }: ClassificationTask, graph: Graph, tensors: Tensors): void {
  checkPictureInput(graph, tensors)
  const scores = tensors.get(graph.outputs[0])
  if (scores?.dtype !== 'float32' || elements(scores.shape) !== labels.length)
    throw misfit(
      `a classifier's first output is float32 with a number for each of its ${labels.length} labels`,
    )
  if (forms !== undefined) checkForms(forms, graph, tensors)
}

function checkAutoencoder(task: AutoencoderTask, graph: Graph, tensors: Tensors): void {
  checkPictureInput(graph, tensors)
  const [, height, width] = only(graph.inputs, tensors)!.shape
  const { patch, latent, prediction, features } = task
  if (height % patch !== 0 || width % patch !== 0)
    throw misfit(`patches of ${patch} pixels do not tile a picture of ${width}x${height}`)
  const places = (height / patch) * (width / patch)
  const cuts = graph.nodes.filter(({ op }) => op === 'patches')
  if (cuts.length !== 1 || cuts[0].attributes.patch !== patch || cuts[0].inputs[0] !== graph.inputs[0])
    throw misfit(`an autoencoder has one node that cuts its picture to patches of ${patch} pixels`)
  const tokens = (name: string, count: number, channels?: number): void => {
    const tensor = tensors.get(name)
    const fits =
      tensor !== undefined &&
      graph.outputs.includes(name) &&
      tensor.dtype === 'float32' &&
      pixelCount(tensor.shape) === count &&
      (channels === undefined || tensor.shape[3] === channels)
    if (!fits) throw misfit(`${name} is no float32 output [1, 1, ${count}, ${channels ?? 'channels'}]`)
  }
  tokens(latent, 1 + Number(cuts[0].attributes.count))
  if (prediction !== undefined) tokens(prediction, 1 + places, patch * patch * 3)
  if (features !== undefined) {
    tokens(features, 2, tensors.get(latent)?.shape[3])
    const pooled = graph.nodes.some(({ op, inputs }) => op === 'averagePool' && inputs[0] === latent)
    if (!pooled) throw misfit(`the features ${features} are no mean of ${latent}`)
  }
}

function checkPictureInput({ inputs }: Graph, tensors: Tensors): void {
  if (pictureOf(only(inputs, tensors), 3) === undefined) {
    throw misfit('a vision model has one input, [1, height, width, 3]')
  }
}

const only = (names: readonly string[], tensors: Tensors): Tensor | undefined =>
  names.length === 1 ? tensors.get(names[0]) : undefined

/** A tensor that is a picture in colour, or in grey where `channels` says that this will do. */
const pictureOf = (tensor: Tensor | undefined, channels: 1 | 3): Tensor | undefined =>
  tensor?.shape.length === 4 &&
  tensor.dtype !== 'int32' &&
  tensor.shape[0] === 1 &&
  (tensor.shape[3] === 3 || tensor.shape[3] === channels)
    ? tensor
    : undefined

const isPixel = ({ shape, dtype }: Tensor): boolean =>
  dtype !== 'int32' && shape.slice(0, 3).every((side) => side === 1)

const misfit = (what: string): OcellusError => new OcellusError('E_MODEL_TASK', what)
