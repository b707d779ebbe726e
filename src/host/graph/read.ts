import { OcellusError } from '../errors.js'
import { Fields } from '../format/fields.js'
import { parseStrictJson } from '../format/json.js'
import { limits } from '../limits.js'
import { taskKinds } from './task.js'
import {
  type AttributeValue,
  type AutoencoderTask,
  boxEncodings,
  type ClassificationTask,
  type DenseColumns,
  type DenseHead,
  type DetectionTask,
  type Graph,
  type Node,
  type Preprocessing,
  type Quantization,
  type Task,
  type Tensor,
  type TensorForm,
  type YoloHead,
} from './types.js'

/** Keys of one object: attributes, constants, provenance. */
const maxEntries = 256

/**
 * The graph of a model file, every field checked. Whether its tensors and shapes agree is
 * `verifyModel`'s part.
 */
export function readGraph(text: string, file: string): Graph {
  const value = parseStrictJson(text, (what) => new OcellusError('E_MODEL_GRAPH', `${file}: graph: ${what}`))
  const graph = new Fields(value, 'graph', file).only(
    'name',
    'task',
    'preprocessing',
    'tensors',
    'inputs',
    'outputs',
    'nodes',
    'provenance',
  )
  return {
    name: graph.field('name').name(),
    task: readTask(graph.field('task')),
    ...optional('preprocessing', graph.field('preprocessing'), readPreprocessing),
    tensors: graph.field('tensors').list(limits.tensors).map(readTensor),
    inputs: names(graph.field('inputs')),
    outputs: names(graph.field('outputs')),
    nodes: graph.field('nodes').list(limits.nodes).map(readNode),
    provenance: graph.field('provenance').entries(maxEntries, readAttribute),
  }
}

const names = (reader: Fields): string[] => reader.list(limits.tensors).map((r) => r.name())

const optional = <K extends string, T>(
  key: K,
  reader: Fields,
  read: (reader: Fields) => T,
): { [P in K]?: T } => (reader.missing ? {} : ({ [key]: read(reader) } as { [P in K]: T }))

function readTask(task: Fields): Task {
  const kind = task.field('kind').choice(taskKinds, 'E_MODEL_TASK')
  if (kind === 'detection') return readDetection(task)
  if (kind === 'autoencoder') return readAutoencoder(task)
  if (kind === 'classification') return readClassification(task)
  if (kind === 'tensors') {
    task.only('kind', 'forms')
    return { kind, forms: task.field('forms').list(limits.tensors).map(readForm) }
  }
  task.only('kind')
  return { kind }
}

function readForm(form: Fields): TensorForm {
  form.only('name', 'shape', 'layout')
  return {
    name: form.field('name').name(),
    shape: readShape(form.field('shape')),
    layout: form.field('layout').choice(['channelsFirst', 'plain']),
  }
}

const readShape = (shape: Fields): number[] => {
  const sides = shape.list(limits.rank).map((r) => r.integer(1, limits.dimension, 'E_MODEL_SHAPE'))
  return sides.length > 0 ? sides : shape.fail('has no dimensions', 'E_MODEL_SHAPE')
}

function readAutoencoder(task: Fields): AutoencoderTask {
  task.only('kind', 'patch', 'latent', 'prediction', 'features', 'normalizedPatches')
  return {
    kind: 'autoencoder',
    patch: task.field('patch').integer(1, limits.kernel),
    latent: task.field('latent').name(),
    ...optional('prediction', task.field('prediction'), (r) => r.name()),
    ...optional('features', task.field('features'), (r) => r.name()),
    normalizedPatches: task.field('normalizedPatches').boolean(),
  }
}

function readClassification(task: Fields): ClassificationTask {
  task.only('kind', 'labels', 'curve', 'forms')
  return {
    kind: 'classification',
    labels: task
      .field('labels')
      .list(limits.labels)
      .map((r) => r.name()),
    curve: task.field('curve').choice(['none', 'softmax']),
    ...optional('forms', task.field('forms'), (r) => r.list(limits.tensors).map(readForm)),
  }
}

function readDetection(task: Fields): DetectionTask {
  task.only('kind', 'labels', 'heads', 'nms', 'dense', 'forms')
  const nms = task.field('nms').only('kind', 'iou', 'beta')
  return {
    kind: 'detection',
    labels: task
      .field('labels')
      .list(limits.labels)
      .map((r) => r.name()),
    heads: task.field('heads').list(64).map(readHead),
    ...optional('dense', task.field('dense'), (r) => r.list(64).map(readDense)),
    ...optional('forms', task.field('forms'), (r) => r.list(limits.tensors).map(readForm)),
    nms: {
      kind: nms.field('kind').choice(['greedy', 'diou']),
      iou: nms.field('iou').number(0, 1),
      beta: nms.field('beta').number(0, 100),
    },
  }
}

function readHead(head: Fields): YoloHead {
  head.only('output', 'anchors', 'scaleXY', 'newCoords')
  const side = (r: Fields): number => r.number(1e-3, limits.dimension)
  return {
    output: head.field('output').name(),
    anchors: head
      .field('anchors')
      .list(64)
      .map((anchor) => {
        const sides = anchor.list(2)
        return sides.length === 2
          ? ([side(sides[0]), side(sides[1])] as const)
          : anchor.fail('is not a width and a height')
      }),
    scaleXY: head.field('scaleXY').number(0.1, 10),
    newCoords: head.field('newCoords').boolean(),
  }
}

function readDense(head: Fields): DenseHead {
  head.only(
    'scores',
    'objectness',
    'curve',
    'powers',
    'boxes',
    'encoding',
    'bins',
    'firstRow',
    'rows',
    'columns',
    'scale',
    'shift',
  )
  const two = (r: Fields, min: number, max: number): [number, number] => {
    const list = r.list(2).map((v) => v.number(min, max))
    return list.length === 2 ? [list[0], list[1]] : r.fail('must have two numbers')
  }
  const most = limits.dimension
  return {
    scores: readColumns(head.field('scores')),
    ...optional('objectness', head.field('objectness'), readColumns),
    curve: head.field('curve').choice(['none', 'sigmoid', 'softmax']),
    powers: two(head.field('powers'), 0, 4),
    boxes: readColumns(head.field('boxes')),
    encoding: head.field('encoding').choice(boxEncodings),
    bins: head.field('bins').integer(1, 256),
    firstRow: head.field('firstRow').integer(0, limits.elements),
    rows: head.field('rows').integer(1, limits.elements),
    columns: head.field('columns').integer(1, limits.elements),
    scale: two(head.field('scale'), 1e-3, most),
    shift: head.field('shift').number(0, 1),
  }
}

function readColumns(reader: Fields): DenseColumns {
  reader.only('tensor', 'first', 'transposed')
  return {
    tensor: reader.field('tensor').name(),
    first: reader.field('first').integer(0, limits.dimension),
    transposed: reader.field('transposed').boolean(),
  }
}

function readPreprocessing(reader: Fields): Preprocessing {
  reader.only('mode', 'pad', 'channels', 'mean', 'std')
  const three = (r: Fields, min: number, max: number): [number, number, number] => {
    const list = r.list(3).map((v) => v.number(min, max))
    return list.length === 3 ? [list[0], list[1], list[2]] : r.fail('must have three numbers')
  }
  return {
    mode: reader.field('mode').choice(['letterbox', 'stretch']),
    pad: reader.field('pad').integer(0, 255),
    channels: reader.field('channels').choice(['rgb', 'bgr']),
    mean: three(reader.field('mean'), -1000, 1000),
    std: three(reader.field('std'), 1e-6, 1000),
  }
}

function readTensor(reader: Fields): Tensor {
  reader.only('name', 'shape', 'dtype', 'quantization')
  const name = reader.field('name').name()
  const shape = readShape(reader.field('shape'))
  const dtype = reader.field('dtype').choice(['int8', 'float32', 'int32'])
  const quantization = reader.field('quantization')
  if (quantization.missing === (dtype === 'int8')) {
    const what = quantization.missing ? 'without' : 'with'
    reader.fail(`(${name}) is ${dtype} ${what} scale and zero point`, 'E_MODEL_QUANTIZATION')
  }
  return dtype !== 'int8'
    ? { name, shape, dtype }
    : { name, shape, dtype, quantization: readQuantization(quantization) }
}

function readQuantization(reader: Fields): Quantization {
  reader.only('scale', 'zeroPoint')
  const scale = reader.field('scale')
  // Normal float32 numbers only: some processors flush denormal ones to zero.
  const value = scale.number(2 ** -126, 2 ** 100, 'E_MODEL_QUANTIZATION')
  if (Math.fround(value) !== value) scale.fail(`is ${value}, which is no float32`, 'E_MODEL_QUANTIZATION')
  return { scale: value, zeroPoint: reader.field('zeroPoint').integer(-128, 127, 'E_MODEL_QUANTIZATION') }
}

function readNode(reader: Fields): Node {
  reader.only('name', 'op', 'inputs', 'outputs', 'constants', 'attributes')
  return {
    name: reader.field('name').name(),
    op: reader.field('op').name(),
    inputs: names(reader.field('inputs')),
    outputs: names(reader.field('outputs')),
    constants: reader.field('constants').entries(maxEntries, (r) => r.name()),
    attributes: reader.field('attributes').entries(maxEntries, readAttribute),
  }
}

function readAttribute(reader: Fields): AttributeValue {
  const { value } = reader
  if (typeof value === 'string') return reader.string()
  if (typeof value === 'boolean') return value
  if (typeof value === 'number' && Number.isFinite(value)) return value
  if (Array.isArray(value)) return reader.list(64).map((r) => r.number(-1e300, 1e300))
  return reader.fail('is no number, string, truth value or list of numbers')
}
