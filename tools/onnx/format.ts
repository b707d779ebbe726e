import protobuf from 'protobufjs'

/**
 * The messages and fields of onnx.proto (github.com/onnx/onnx, Apache-2.0) that an exported model
 * uses.
 */
const schema = `
syntax = "proto3";
message AttributeProto {
  enum Type { UNDEFINED = 0; FLOAT = 1; INT = 2; STRING = 3; TENSOR = 4; FLOATS = 6; INTS = 7; }
  string name = 1;
  float f = 2;
  int64 i = 3;
  bytes s = 4;
  repeated int64 ints = 8;
  Type type = 20;
}
message NodeProto {
  repeated string input = 1;
  repeated string output = 2;
  string name = 3;
  string op_type = 4;
  repeated AttributeProto attribute = 5;
}
message TensorProto {
  repeated int64 dims = 1;
  int32 data_type = 2;
  string name = 8;
  bytes raw_data = 9;
}
message TensorShapeProto {
  message Dimension { int64 dim_value = 1; }
  repeated Dimension dim = 1;
}
message TypeProto {
  message Tensor { int32 elem_type = 1; TensorShapeProto shape = 2; }
  Tensor tensor_type = 1;
}
message ValueInfoProto { string name = 1; TypeProto type = 2; }
message GraphProto {
  repeated NodeProto node = 1;
  string name = 2;
  repeated TensorProto initializer = 5;
  repeated ValueInfoProto input = 11;
  repeated ValueInfoProto output = 12;
}
message StringStringEntryProto { string key = 1; string value = 2; }
message OperatorSetIdProto { string domain = 1; int64 version = 2; }
message ModelProto {
  int64 ir_version = 1;
  string producer_name = 2;
  GraphProto graph = 7;
  repeated OperatorSetIdProto opset_import = 8;
  repeated StringStringEntryProto metadata_props = 14;
}
`

/** TensorProto.DataType */
export const dataTypes = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7 } as const
export type OnnxType = keyof typeof dataTypes

export type OnnxAttribute = number | string | readonly number[]

export interface OnnxNode {
  readonly name: string
  readonly op: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  /** Integers, lists of integers and texts; a float stands in `floats`, since 1 could be either. */
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>
  readonly floats?: Readonly<Record<string, number>>
}

export interface OnnxTensor {
  readonly name: string
  readonly type: OnnxType
  readonly dims: readonly number[]
  readonly data: ArrayBufferView
}

export interface OnnxValue {
  readonly name: string
  readonly type: OnnxType
  readonly dims: readonly number[]
}

export interface OnnxModel {
  readonly name: string
  readonly nodes: readonly OnnxNode[]
  readonly initializers: readonly OnnxTensor[]
  readonly inputs: readonly OnnxValue[]
  readonly outputs: readonly OnnxValue[]
  readonly metadata: Readonly<Record<string, string>>
  /** 13 is the first with a scale per channel, 17 the first with layer normalisation. */
  readonly opset: 13 | 17
}

/** The versions of the format that came with the opsets. */
const irVersions = { 13: 7, 17: 8 } as const

/** The bytes of an .onnx file. */
export function encodeOnnx(model: OnnxModel): Uint8Array {
  const type = protobuf.parse(schema, { keepCase: true }).root.lookupType('ModelProto')
  const message = {
    ir_version: irVersions[model.opset],
    producer_name: 'ocellus',
    opset_import: [{ domain: '', version: model.opset }],
    metadata_props: Object.entries(model.metadata).map(([key, value]) => ({ key, value })),
    graph: {
      name: model.name,
      node: model.nodes.map(encodeNode),
      initializer: model.initializers.map(({ name, type, dims, data }) => ({
        name,
        data_type: dataTypes[type],
        dims,
        // raw data is little-endian, as every machine that runs a JavaScript engine today
        raw_data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
      })),
      input: model.inputs.map(encodeValue),
      output: model.outputs.map(encodeValue),
    },
  }
  const problem = type.verify(message)
  if (problem) throw new TypeError(`ONNX: ${problem}`)
  return type.encode(message).finish()
}

function encodeNode({ name, op, inputs, outputs, attributes = {}, floats = {} }: OnnxNode) {
  return {
    name,
    op_type: op,
    input: inputs,
    output: outputs,
    attribute: [
      ...Object.entries(attributes).map(([key, value]) => encodeAttribute(key, value)),
      ...Object.entries(floats).map(([key, f]) => ({ name: key, type: 1, f })),
    ],
  }
}

function encodeAttribute(name: string, value: OnnxAttribute) {
  if (typeof value === 'number') return { name, type: 2, i: value }
  if (typeof value === 'string') return { name, type: 3, s: new TextEncoder().encode(value) }
  return { name, type: 7, ints: value }
}

function encodeValue({ name, type, dims }: OnnxValue) {
  const shape = { dim: dims.map((dim_value) => ({ dim_value })) }
  return { name, type: { tensor_type: { elem_type: dataTypes[type], shape } } }
}
