import { OcellusError } from '../errors.js'
import { parseStrictJson } from '../format/json.js'
import { limits } from '../limits.js'
import type {
  AttributeValue,
  Graph,
  Node,
  Preprocessing,
  Quantization,
  Task,
  Tensor,
  YoloHead,
} from './types.js'

/** Reads fields of parsed JSON and names the place of whatever does not fit. */
class Reader {
  constructor(
    readonly value: unknown,
    readonly at: string,
    readonly file: string,
  ) {}

  fail(what: string): never {
    throw new OcellusError('E_MODEL_GRAPH', `${this.file}: ${this.at} ${what}`)
  }

  get keys(): string[] {
    return [...this.map().keys()]
  }

  /** Only these keys may stand here: a misspelt setting must not be silently ignored. */
  only(...known: string[]): this {
    const extra = this.keys.find((key) => !known.includes(key))
    if (extra !== undefined) this.fail(`has an unknown field ${JSON.stringify(extra)}`)
    return this
  }

  field(name: string): Reader {
    return new Reader(this.map().get(name), this.at === '' ? name : `${this.at}.${name}`, this.file)
  }

  get missing(): boolean {
    return this.value === undefined
  }

  list(most: number): Reader[] {
    if (!Array.isArray(this.value)) return this.fail('is not a list')
    if (this.value.length > most) {
      throw new OcellusError(
        'E_MODEL_LIMIT',
        `${this.file}: ${this.at} has ${this.value.length} entries, more than ${most}`,
      )
    }
    return this.value.map((v, i) => new Reader(v, `${this.at}[${i}]`, this.file))
  }

  string(): string {
    if (typeof this.value !== 'string' || this.value.length > 4096) return this.fail('is not a string')
    return this.value
  }

  number(min: number, max: number): number {
    if (typeof this.value !== 'number' || !(this.value >= min && this.value <= max)) {
      return this.fail(`is ${JSON.stringify(this.value)}, expected a number from ${min} to ${max}`)
    }
    return this.value
  }

  integer(min: number, max: number): number {
    const value = this.number(min, max)
    return Number.isInteger(value) ? value : this.fail(`is ${value}, expected a whole number`)
  }

  boolean(): boolean {
    return typeof this.value === 'boolean' ? this.value : this.fail('is neither true nor false')
  }

  choice<T extends string>(...values: T[]): T {
    const found = values.find((v) => v === this.value)
    return found ?? this.fail(`is ${JSON.stringify(this.value)}, expected one of ${values.join(', ')}`)
  }

  entries<T>(read: (value: Reader) => T): Record<string, T> {
    return Object.fromEntries(this.keys.map((key) => [key, read(this.field(key))]))
  }

  private map(): Map<string, unknown> {
    return this.value instanceof Map ? (this.value as Map<string, unknown>) : this.fail('is not an object')
  }
}

/** The graph of a model file, every field checked. Whether its tensors and shapes agree is `verifyModel`'s part. */
export function readGraph(text: string, file: string): Graph {
  const value = parseStrictJson(text, (what) => new OcellusError('E_MODEL_GRAPH', `${file}: graph: ${what}`))
  const graph = new Reader(value, 'graph', file).only(
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
    name: graph.field('name').string(),
    task: readTask(graph.field('task')),
    preprocessing: readPreprocessing(graph.field('preprocessing')),
    tensors: graph.field('tensors').list(limits.tensors).map(readTensor),
    inputs: names(graph.field('inputs')),
    outputs: names(graph.field('outputs')),
    nodes: graph.field('nodes').list(limits.nodes).map(readNode),
    provenance: graph.field('provenance').entries(readAttribute),
  }
}

const names = (reader: Reader): string[] => reader.list(limits.tensors).map((r) => r.string())

function readTask(task: Reader): Task {
  task.only('kind', 'labels', 'heads', 'nms')
  const nms = task.field('nms').only('kind', 'iou', 'beta')
  return {
    kind: task.field('kind').choice('detection'),
    labels: task
      .field('labels')
      .list(limits.labels)
      .map((r) => r.string()),
    heads: task.field('heads').list(64).map(readHead),
    nms: {
      kind: nms.field('kind').choice('greedy', 'diou'),
      iou: nms.field('iou').number(0, 1),
      beta: nms.field('beta').number(0, 100),
    },
  }
}

function readHead(head: Reader): YoloHead {
  head.only('output', 'anchors', 'scaleXY', 'newCoords')
  const side = (r: Reader): number => r.number(1e-3, limits.dimension)
  return {
    output: head.field('output').string(),
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

function readPreprocessing(reader: Reader): Preprocessing {
  reader.only('mode', 'pad', 'channels', 'mean', 'std')
  const three = (r: Reader, min: number, max: number): [number, number, number] => {
    const list = r.list(3).map((v) => v.number(min, max))
    return list.length === 3 ? [list[0], list[1], list[2]] : r.fail('must have three numbers')
  }
  return {
    mode: reader.field('mode').choice('letterbox', 'stretch'),
    pad: reader.field('pad').integer(0, 255),
    channels: reader.field('channels').choice('rgb', 'bgr'),
    mean: three(reader.field('mean'), -1000, 1000),
    std: three(reader.field('std'), 1e-6, 1000),
  }
}

function readTensor(reader: Reader): Tensor {
  reader.only('name', 'shape', 'dtype', 'quantization')
  const name = reader.field('name').string()
  const shape = reader
    .field('shape')
    .list(limits.rank)
    .map((r) => r.integer(1, limits.dimension))
  const dtype = reader.field('dtype').choice('int8', 'float32')
  const quantization = reader.field('quantization')
  if (quantization.missing !== (dtype === 'float32')) {
    throw new OcellusError(
      'E_MODEL_QUANTIZATION',
      `${reader.file}: ${name} is ${dtype} ${quantization.missing ? 'without' : 'with'} scale and zero point`,
    )
  }
  return dtype === 'float32'
    ? { name, shape, dtype }
    : { name, shape, dtype, quantization: readQuantization(quantization, name) }
}

function readQuantization(reader: Reader, tensor: string): Quantization {
  reader.only('scale', 'zeroPoint')
  const scale = reader.field('scale').value
  const zeroPoint = reader.field('zeroPoint').value
  // Normal float32 numbers only: some processors flush denormal ones to zero.
  if (
    typeof scale !== 'number' ||
    !(scale >= 2 ** -126 && scale < 2 ** 100) ||
    Math.fround(scale) !== scale
  ) {
    throw new OcellusError(
      'E_MODEL_QUANTIZATION',
      `${reader.file}: the scale of ${tensor} is ${scale}, no positive normal float32`,
    )
  }
  if (typeof zeroPoint !== 'number' || !Number.isInteger(zeroPoint) || zeroPoint < -128 || zeroPoint > 127) {
    throw new OcellusError(
      'E_MODEL_QUANTIZATION',
      `${reader.file}: the zero point of ${tensor} is ${zeroPoint}, no int8`,
    )
  }
  return { scale, zeroPoint }
}

function readNode(reader: Reader): Node {
  reader.only('name', 'op', 'inputs', 'outputs', 'constants', 'attributes')
  return {
    name: reader.field('name').string(),
    op: reader.field('op').string(),
    inputs: names(reader.field('inputs')),
    outputs: names(reader.field('outputs')),
    constants: reader.field('constants').entries((r) => r.string()),
    attributes: reader.field('attributes').entries(readAttribute),
  }
}

function readAttribute(reader: Reader): AttributeValue {
  const { value } = reader
  if (typeof value === 'string') return reader.string()
  if (typeof value === 'boolean') return value
  if (typeof value === 'number' && Number.isFinite(value)) return value
  if (Array.isArray(value)) return reader.list(64).map((r) => r.number(-1e300, 1e300))
  return reader.fail('is no number, string, truth value or list of numbers')
}
