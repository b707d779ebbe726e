import { type ErrorCode, OcellusError } from '../errors.js'
import { quoted } from '../format/json.js'
import {
  type ElementType,
  type Entry,
  type FileSource,
  openSafetensors,
  readSafetensors,
  type StoredTensor,
  writeSafetensors,
} from '../format/safetensors.js'
import { limits } from '../limits.js'
import { bytesOf, tagOf } from '../source/bytes.js'
import { operators } from './ops/index.js'
import { readGraph } from './read.js'
import type { Constant, DType, Graph, Model } from './types.js'

const version = '1'
const types: Readonly<Record<ElementType, DType>> = { I8: 'int8', I32: 'int32', F32: 'float32' }
const elementTypes: Readonly<Record<DType, ElementType>> = { int8: 'I8', int32: 'I32', float32: 'F32' }

/**
 * Reads a model file: the safetensors container, then the graph in its metadata, field by field,
 * then the constants, which stay views of the bytes where these are aligned. Of a file that can be
 * read in pieces, what operators need no sooner than when they are loaded stays there. What the
 * operators make of it is checked by `verifyModel`. Throws E_MODEL_*; `file` names the file in
 * messages.
 */
export function readModel(source: Uint8Array | FileSource, file: string): Model {
  const model = readAny(source, file)
  readHere.add(model)
  return model
}

/** Models that were checked as they were read. */
const readHere = new WeakSet<Model>()

/**
 * A model that somebody made in memory, with every field of its graph checked as if it had been
 * read: what it says must not change between being checked and being used. Throws E_MODEL_*.
 */
export function checkedModel(model: Model): Model {
  if (readHere.has(model)) return model
  const { graph, constants } = model
  let text: string | undefined
  try {
    text = JSON.stringify(graph)
  } catch (cause) {
    throw new OcellusError('E_MODEL_GRAPH', 'the graph of the model holds what no file can hold', { cause })
  }
  if (text === undefined || tagOf(constants) !== 'Map')
    throw new OcellusError('E_MODEL_GRAPH', 'a model in memory is { graph, constants: Map }')
  for (const [name, constant] of constants) checkForm(name, constant)
  const checked: Model = { graph: readGraph(text, 'the model'), constants }
  checkConstants(checked, 'the model')
  return checked
}

function checkForm(name: unknown, constant: unknown): void {
  const { shape, dtype } = (
    typeof constant === 'object' && constant !== null ? constant : {}
  ) as Partial<Constant>
  const isGood =
    typeof name === 'string' &&
    Array.isArray(shape) &&
    dtype !== undefined &&
    Object.hasOwn(elementTypes, dtype)
  if (isGood) return
  throw new OcellusError(
    'E_MODEL_GRAPH',
    `the model: the constant ${quoted(String(name))} is no { name, shape, dtype, data }`,
  )
}

function readAny(source: Uint8Array | FileSource, file: string): Model {
  const bytes = bytesOf(source)
  if (bytes === undefined) {
    const pieces = source as FileSource
    if (typeof pieces?.read === 'function') return readInPieces(pieces, file)
    throw new OcellusError('E_INPUT_TYPE', `${file}: a model file is given by its bytes`)
  }
  const { metadata, tensors } = readSafetensors(bytes, file)
  const graph = graphOf(metadata, file)
  const constants = new Map([...tensors].map(([name, stored]) => [name, readConstant(name, stored)]))
  checkConstants({ graph, constants }, file)
  return { graph, constants }
}

function readInPieces(source: FileSource, file: string): Model {
  const { metadata, entries } = openSafetensors(source, file)
  const graph = graphOf(metadata, file)
  const late = lateConstants(graph)
  const constants = new Map<string, Constant>()
  const early: Entry[] = []
  for (const entry of entries) {
    if (late.has(entry.name)) constants.set(entry.name, storedConstant(entry, source, file))
    else early.push(entry)
  }
  for (const run of runsOf(early)) for (const one of readEntries(run, source)) constants.set(one.name, one)
  checkConstants({ graph, constants }, file)
  return { graph, constants }
}

/** Those that all nodes which name them need no sooner than when they are loaded. */
function lateConstants({ nodes }: Graph): Set<string> {
  const [late, early] = [new Set<string>(), new Set<string>()]
  for (const { op, constants } of nodes) {
    const roles = operators.get(op)?.lateRoles ?? []
    for (const [role, name] of Object.entries(constants)) (roles.includes(role) ? late : early).add(name)
  }
  return new Set([...late].filter((name) => !early.has(name)))
}

/** Neighbours in the file together: a large network has hundreds of small constants. */
function runsOf(entries: readonly Entry[]): Entry[][] {
  const runs: Entry[][] = []
  for (const entry of entries) {
    const run = runs.at(-1)
    if (run?.at(-1)?.end === entry.begin) run.push(entry)
    else runs.push([entry])
  }
  return runs
}

function readEntries(run: readonly Entry[], source: FileSource): Constant[] {
  const start = run[0].begin
  const bytes = new Uint8Array(run[run.length - 1].end - start)
  source.read(start, bytes)
  return run.map(({ name, dtype, shape, begin, end }) =>
    readConstant(name, { dtype, shape, data: bytes.subarray(begin - start, end - start) }),
  )
}

/**
 * A constant whose values stay in the file. A copy that is made of it by spreading holds them, and
 * no `read`.
 */
function storedConstant(entry: Entry, source: FileSource, file: string): Constant {
  const { name, dtype, shape, begin } = entry
  const constant: Constant = {
    name,
    shape,
    dtype: types[dtype],
    get data() {
      const [values] = readEntries([entry], source)
      checkValues(values, file)
      checkWeights(values, file)
      return values.data
    },
  }
  return Object.defineProperty(constant, 'read', { value: (into: Uint8Array) => source.read(begin, into) })
}

function graphOf(metadata: ReadonlyMap<string, string>, file: string): Graph {
  const text = metadata.get('graph')
  if (metadata.get('format') !== 'ocellus' || text === undefined) {
    throw new OcellusError(
      'E_MODEL_FORMAT',
      `${file} is a safetensors file, but no Ocellus model: make one with \`ocellus quantize\``,
    )
  }
  const found = metadata.get('version') ?? ''
  if (found !== version) {
    throw new OcellusError(
      'E_MODEL_VERSION',
      `${file} has format version ${quoted(found)}; this Ocellus reads ${version}: update it, or quantize again`,
    )
  }
  return readGraph(text, file)
}

/**
 * The bytes of a model file, the same for the same model. Throws E_MODEL_* for a model that could
 * not be read back.
 */
export function writeModel(model: Model): Uint8Array {
  const { name } = model.graph
  // Reading settles the order of the keys, and finds what JSON can't hold: NaN would become null.
  const graph: Graph = readGraph(JSON.stringify(model.graph), name)
  checkConstants({ graph, constants: model.constants }, name)
  return writeSafetensors({
    metadata: new Map([
      ['format', 'ocellus'],
      ['version', version],
      ['graph', JSON.stringify(graph)],
    ]),
    tensors: new Map([...model.constants].map(([key, constant]) => [key, stored(constant)])),
  })
}

function readConstant(name: string, { dtype, shape, data: bytes }: StoredTensor): Constant {
  // A view where it is aligned; a file of another writer may need a copy.
  const aligned = dtype === 'I8' || bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes)
  const { buffer, byteOffset, byteLength } = aligned
  const data =
    dtype === 'I8'
      ? new Int8Array(buffer, byteOffset, byteLength)
      : dtype === 'I32'
        ? new Int32Array(buffer, byteOffset, byteLength / 4)
        : new Float32Array(buffer, byteOffset, byteLength / 4)
  return { name, shape, dtype: types[dtype], data }
}

const stored = ({ dtype, shape, data }: Constant): StoredTensor => ({
  dtype: elementTypes[dtype],
  shape,
  data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
})

function checkConstants({ graph, constants }: Model, file: string): void {
  for (const [name, constant] of constants) {
    const refuse = refusalOf(name, file)
    const { shape } = constant
    if (shape.length < 1 || shape.length > limits.rank)
      refuse('E_MODEL_SHAPE', `has ${shape.length} dimensions`)
    if (shape.some((side) => !(side >= 1 && side <= limits.dimension)))
      refuse('E_MODEL_SHAPE', `has the shape [${shape}]; a dimension is 1 to ${limits.dimension}`)
    // What stays in the file is checked when it is loaded.
    if (constant.read !== undefined) continue
    const { dtype, data } = constant
    const kind = { int8: Int8Array, int32: Int32Array, float32: Float32Array }[dtype]
    if (name !== constant.name || !(data instanceof kind))
      refuse('E_MODEL_GRAPH', `is called ${quoted(constant.name)} and holds ${dtype} as ${tagOf(data)}`)
    checkValues(constant, file)
  }
  const used = new Set<string>()
  for (const node of graph.nodes) {
    for (const [role, name] of Object.entries(node.constants)) {
      used.add(name)
      const constant = constants.get(name)
      if (role === 'weight' && constant?.read === undefined && constant !== undefined)
        checkWeights(constant, `${file}: ${node.name}`)
    }
  }
  for (const name of constants.keys()) {
    if (!used.has(name))
      throw new OcellusError('E_MODEL_GRAPH', `${file}: no node uses the constant ${quoted(name)}`)
  }
}

const refusalOf =
  (name: string, file: string) =>
  (code: ErrorCode, what: string): never => {
    throw new OcellusError(code, `${file}: the constant ${quoted(name)} ${what}`)
  }

function checkValues({ name, data }: Constant, file: string): void {
  if (!(data instanceof Float32Array)) return
  const at = indexOfNotFinite(data)
  if (at < 0) return
  refusalOf(name, file)('E_MODEL_QUANTIZATION', `holds ${data[at]} at ${at}; every value must be finite`)
}

function checkWeights({ name, data }: Constant, where: string): void {
  if (!(data instanceof Int8Array)) return
  const at = data.indexOf(-128)
  if (at < 0) return
  throw new OcellusError(
    'E_MODEL_QUANTIZATION',
    `${where}: ${quoted(name)} holds the weight -128 at ${at}; symmetric weights end at -127`,
  )
}

function indexOfNotFinite(data: Float32Array): number {
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) return i
  return -1
}
