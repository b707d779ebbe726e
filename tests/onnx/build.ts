import protobuf from 'protobufjs/minimal.js'

/** Little builders of ONNX messages, so that tests can write files that no exporter would. */
export type Part = (writer: protobuf.Writer) => void

export const message = (...parts: Part[]): Uint8Array => {
  const writer = protobuf.Writer.create()
  for (const part of parts) part(writer)
  return writer.finish()
}

export const bytes =
  (field: number, value: Uint8Array | string): Part =>
  (writer) => {
    const data = typeof value === 'string' ? new TextEncoder().encode(value) : value
    writer.uint32((field << 3) | 2).bytes(data)
  }

export const integer =
  (field: number, value: number): Part =>
  (writer) => {
    writer.uint32(field << 3).int64(value)
  }

export const single =
  (field: number, value: number): Part =>
  (writer) => {
    writer.uint32((field << 3) | 5).float(value)
  }

export const nested = (field: number, ...parts: Part[]): Part => bytes(field, message(...parts))

type AttributeValue =
  | number
  | string
  | readonly number[]
  | { readonly float: number }
  | { readonly graph: true }

export function attribute(name: string, value: AttributeValue): Part {
  const parts = [bytes(1, name)]
  if (typeof value === 'number') parts.push(integer(3, value), integer(20, 2))
  else if (typeof value === 'string') parts.push(bytes(4, value), integer(20, 3))
  else if ('float' in value) parts.push(single(2, value.float), integer(20, 1))
  else if ('graph' in value) parts.push(bytes(6, new Uint8Array()), integer(20, 5))
  else parts.push(...value.map((n) => integer(8, n)), integer(20, 7))
  return nested(5, ...parts)
}

export interface NodeOptions {
  readonly name?: string
  readonly domain?: string
  readonly attributes?: Readonly<Record<string, AttributeValue>>
}

export function node(
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  { name = '', domain = '', attributes = {} }: NodeOptions = {},
): Part {
  return nested(
    1,
    ...inputs.map((input) => bytes(1, input)),
    ...outputs.map((output) => bytes(2, output)),
    bytes(3, name),
    bytes(4, op),
    ...Object.entries(attributes).map(([key, value]) => attribute(key, value)),
    bytes(7, domain),
  )
}

/** A float32 initialiser. */
export const floats = (name: string, dims: readonly number[], values: readonly number[]): Part =>
  nested(
    5,
    ...dims.map((side) => integer(1, side)),
    integer(2, 1),
    bytes(8, name),
    bytes(9, new Uint8Array(Float32Array.from(values).buffer)),
  )

/** An int64 initialiser. */
export const integers = (name: string, values: readonly number[]): Part =>
  nested(
    5,
    integer(1, values.length),
    integer(2, 7),
    bytes(8, name),
    bytes(9, new Uint8Array(BigInt64Array.from(values, (n) => BigInt(n)).buffer)),
  )

const port = (
  field: number,
  name: string,
  dims: readonly (number | string)[] | undefined,
  type: number,
): Part => {
  const sides = (dims ?? []).map((side) =>
    nested(1, typeof side === 'number' ? integer(1, side) : bytes(2, side)),
  )
  const shape = dims === undefined ? [] : [nested(2, ...sides)]
  return nested(field, bytes(1, name), nested(2, nested(1, integer(1, type), ...shape)))
}

export const input = (name: string, dims?: readonly (number | string)[], type = 1): Part =>
  port(11, name, dims, type)
export const output = (name: string, dims?: readonly (number | string)[], type = 1): Part =>
  port(12, name, dims, type)

export const graph = (...parts: Part[]): Part => nested(7, bytes(2, 'graph'), ...parts)

/** A file of one graph. */
export const file = (opset: number, ...parts: Part[]): Uint8Array =>
  message(integer(1, 8), bytes(2, 'tests'), graph(...parts), nested(8, bytes(1, ''), integer(2, opset)))
