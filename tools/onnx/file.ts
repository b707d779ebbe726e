import { Budget, type Field, fields, floats, text, varints } from './wire.js'

/** A tensor as the file holds it: its values are not looked at yet. */
export interface RawTensor {
  readonly name: string
  readonly dims: readonly number[]
  /** TensorProto.DataType */
  readonly type: number
  readonly raw?: Uint8Array
  readonly floats: readonly number[]
  readonly integers: readonly number[]
  readonly strings: number
  /** `location`, `offset`, `length` of values in another file. */
  readonly external?: ReadonlyMap<string, string>
}

export interface RawAttribute {
  readonly name: string
  readonly number?: number
  readonly integer?: number
  readonly text?: Uint8Array
  readonly tensor?: RawTensor
  readonly numbers: readonly number[]
  readonly integers: readonly number[]
  readonly texts: readonly Uint8Array[]
  /** It holds a graph, as If and Loop do. */
  readonly subgraph: boolean
}

export interface RawNode {
  /** Its own, or `<operator> number <n>` where it has none. */
  readonly name: string
  readonly op: string
  /** '' for the operators of ONNX itself. */
  readonly domain: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: ReadonlyMap<string, RawAttribute>
}

/**
 * What a model takes or gives; a dimension is a number, a name, or undefined where nothing is said.
 */
export interface RawPort {
  readonly name: string
  readonly type: number
  readonly dims?: readonly (number | string | undefined)[]
}

export interface OnnxFile {
  /** Name for messages. */
  readonly file: string
  readonly irVersion: number
  readonly producer: string
  /** Versions of the operator sets by domain; ONNX's own is ''. */
  readonly opsets: ReadonlyMap<string, number>
  readonly metadata: ReadonlyMap<string, string>
  readonly nodes: readonly RawNode[]
  readonly initializers: readonly RawTensor[]
  readonly inputs: readonly RawPort[]
  readonly outputs: readonly RawPort[]
  readonly functions: number
}

/** Reads the bytes of an .onnx file. Throws E_ONNX_FORMAT or E_ONNX_LIMIT. */
export function parseOnnx(bytes: Uint8Array, file: string): OnnxFile {
  const budget = new Budget(file)
  const opsets = new Map<string, number>()
  const metadata = new Map<string, string>()
  let irVersion = 0
  let producer = ''
  let functions = 0
  let graph: Uint8Array | undefined
  for (const field of fields(bytes, 'the file', budget)) {
    if (field.number === 1) irVersion = field.value
    else if (field.number === 2) producer = text(field.bytes, "the producer's name", budget)
    else if (field.number === 7) graph = field.bytes
    else if (field.number === 8) readOpset(field.bytes, opsets, budget)
    else if (field.number === 14) readEntry(field.bytes, metadata, budget)
    else if (field.number === 25) functions += 1
  }
  if (graph === undefined) throw budget.fail('E_ONNX_FORMAT', 'it holds no graph')
  return { file, irVersion, producer, opsets, metadata, functions, ...readGraph(graph, budget) }
}

function readGraph(bytes: Uint8Array, budget: Budget) {
  const nodes: RawNode[] = []
  const initializers: RawTensor[] = []
  const inputs: RawPort[] = []
  const outputs: RawPort[] = []
  for (const { number, bytes: value } of fields(bytes, 'the graph', budget)) {
    if (number === 1) nodes.push(readNode(value, nodes.length, budget))
    else if (number === 5) initializers.push(readTensor(value, budget))
    else if (number === 11) inputs.push(readPort(value, budget))
    else if (number === 12) outputs.push(readPort(value, budget))
    else if (number === 15)
      throw budget.fail('E_ONNX_FORMAT', 'it has sparse initialisers, which are not supported')
  }
  return { nodes, initializers, inputs, outputs }
}

function readOpset(bytes: Uint8Array, into: Map<string, number>, budget: Budget): void {
  let domain = ''
  let version = 0
  for (const field of fields(bytes, 'an operator set', budget)) {
    if (field.number === 1) domain = text(field.bytes, "an operator set's domain", budget)
    if (field.number === 2) version = field.value
  }
  into.set(domain === 'ai.onnx' ? '' : domain, version)
}

function readEntry(bytes: Uint8Array, into: Map<string, string>, budget: Budget): void {
  let key = ''
  let value = ''
  for (const field of fields(bytes, 'a property', budget)) {
    if (field.number === 1) key = text(field.bytes, "a property's key", budget)
    if (field.number === 2) value = text(field.bytes, "a property's value", budget)
  }
  into.set(key, value)
}

function readNode(bytes: Uint8Array, index: number, budget: Budget): RawNode {
  let name = ''
  let op = ''
  let domain = ''
  const inputs: string[] = []
  const outputs: string[] = []
  const attributes = new Map<string, RawAttribute>()
  for (const { number, bytes: value } of fields(bytes, `node ${index}`, budget)) {
    if (number === 1) inputs.push(text(value, `an input's name of node ${index}`, budget))
    else if (number === 2) outputs.push(text(value, `an output's name of node ${index}`, budget))
    else if (number === 3) name = text(value, `the name of node ${index}`, budget)
    else if (number === 4) op = text(value, `the operator of node ${index}`, budget)
    else if (number === 7) domain = text(value, `the domain of node ${index}`, budget)
    else if (number === 5) {
      const attribute = readAttribute(value, budget)
      attributes.set(attribute.name, attribute)
    }
  }
  if (op === '') throw budget.fail('E_ONNX_FORMAT', `node ${index} names no operator`)
  if (domain === 'ai.onnx') domain = ''
  return { name: name || `${op} number ${index}`, op, domain, inputs, outputs, attributes }
}

/** AttributeProto.AttributeType */
const attributeTypes = { float: 1, integer: 2 } as const

function readAttribute(bytes: Uint8Array, budget: Budget): RawAttribute {
  let name = ''
  let subgraph = false
  const found: { number?: number; integer?: number; text?: Uint8Array; tensor?: RawTensor } = {}
  const numbers: number[] = []
  const integers: number[] = []
  const texts: Uint8Array[] = []
  let type = 0
  for (const field of fields(bytes, 'an attribute', budget)) {
    switch (field.number) {
      case 1:
        name = text(field.bytes, "an attribute's name", budget)
        break
      case 2:
        found.number = field.value
        break
      case 3:
        found.integer = field.value
        break
      case 4:
        found.text = field.bytes
        break
      case 5:
        found.tensor = readTensor(field.bytes, budget)
        break
      case 6:
      case 11:
        subgraph = true
        break
      case 7:
        floats(field, 4, numbers, 'an attribute', budget)
        break
      case 8:
        varints(field, integers, 'an attribute', budget)
        break
      case 9:
        texts.push(field.bytes)
        break
      case 20:
        type = field.value
        break
    }
  }
  // Writers of proto3 leave a value out that is 0: only the type tells it then.
  if (type === attributeTypes.float) found.number ??= 0
  if (type === attributeTypes.integer) found.integer ??= 0
  return { name, ...found, numbers, integers, texts, subgraph }
}

function readTensor(bytes: Uint8Array, budget: Budget): RawTensor {
  let name = ''
  let type = 0
  let raw: Uint8Array | undefined
  let strings = 0
  let location = 0
  const dims: number[] = []
  const floating: number[] = []
  const integers: number[] = []
  const external = new Map<string, string>()
  for (const field of fields(bytes, 'a tensor', budget)) {
    switch (field.number) {
      case 1:
        varints(field, dims, "a tensor's shape", budget)
        break
      case 2:
        type = field.value
        break
      case 4:
        floats(field, 4, floating, 'a tensor', budget)
        break
      case 10:
        floats(field, 8, floating, 'a tensor', budget)
        break
      case 5:
      case 7:
      case 11:
        varints(field, integers, 'a tensor', budget)
        break
      case 6:
        strings += 1
        break
      case 8:
        name = text(field.bytes, "a tensor's name", budget)
        break
      case 9:
        raw = field.bytes
        break
      case 13:
        readEntry(field.bytes, external, budget)
        break
      case 14:
        location = field.value
        break
    }
  }
  return {
    name,
    dims,
    type,
    raw,
    floats: floating,
    integers,
    strings,
    ...(location === 1 ? { external } : {}),
  }
}

function readPort(bytes: Uint8Array, budget: Budget): RawPort {
  let name = ''
  let port: Omit<RawPort, 'name'> = { type: 0 }
  for (const { number, bytes: value } of fields(bytes, 'an input or output', budget)) {
    if (number === 1) name = text(value, 'the name of an input or output', budget)
    if (number === 2) port = readTensorType(value, budget)
  }
  return { name, ...port }
}

/**
 * TypeProto: only tensors have a type of their own here; sequences, maps and optionals have type 0.
 */
function readTensorType(bytes: Uint8Array, budget: Budget): Omit<RawPort, 'name'> {
  const tensor = fields(bytes, 'a type', budget).find(({ number }) => number === 1)
  if (tensor === undefined) return { type: 0 }
  let type = 0
  let dims: (number | string | undefined)[] | undefined
  for (const field of fields(tensor.bytes, 'a type', budget)) {
    if (field.number === 1) type = field.value
    if (field.number === 2)
      dims = fields(field.bytes, 'a shape', budget)
        .filter(({ number }) => number === 1)
        .map((dim) => readDimension(dim, budget))
  }
  return dims === undefined ? { type } : { type, dims }
}

function readDimension({ bytes }: Field, budget: Budget): number | string | undefined {
  for (const { number, value, bytes: name } of fields(bytes, 'a dimension', budget)) {
    if (number === 1) return value
    if (number === 2) return text(name, "a dimension's name", budget)
  }
  return undefined
}
